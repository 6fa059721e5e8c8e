"""What the command line shows: errors, and the exit codes that go with them.

Results go to standard output, everything else to standard error, so that ``--json`` can be piped.
"""

import sys
from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from model.errors import PlacefixError

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_SOME_REJECTED = 3
EXIT_INTERRUPTED = 130


def error_console() -> Console:
    """The console for progress, notes and errors; without colours where standard error is no terminal."""
    return Console(stderr=True, highlight=False)


def output_console() -> Console:
    """The console for results."""
    return Console(highlight=False)


def print_error(message: str) -> None:
    """Prints what went wrong, as one paragraph behind a red ``error:``."""
    error_console().print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)


def run(command_line: Callable[[], object]) -> None:
    """Runs the command line; what Placefix raises on purpose becomes a sentence and an exit code, not a traceback."""
    try:
        command_line()
    except PlacefixError as error:
        print_error(error.message)
        sys.exit(EXIT_ERROR)
