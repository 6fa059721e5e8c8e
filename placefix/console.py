"""Show errors of the command line, with their exit codes.

Results go to standard output, everything else to standard error, so that ``--json`` can be piped.
"""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.text import Text

from model.errors import PlacefixError
from placefix.exit_codes import ExitCode

# What a disk can do to any command that writes; every other OSError is a mistake of ours, and keeps its traceback.
_OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM})


def error_console() -> Console:
    """The console for progress, notes and errors; without colours where standard error is no terminal."""
    return Console(stderr=True, highlight=False)


def output_console() -> Console:
    """The console for results."""
    return Console(highlight=False)


def print_error(message: str) -> None:
    """Prints what went wrong, as one paragraph behind a red ``error:``."""
    error_console().print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)


def print_note(sentence: str) -> None:
    """Print a sentence beside the results, on standard error."""
    error_console().print(sentence, soft_wrap=True, markup=False)


@contextmanager
def resumable() -> Iterator[None]:
    """For work that goes on where it was: Ctrl-C says so.

    Raises:
        typer.Exit: The work was interrupted.
    """
    try:
        yield
    except KeyboardInterrupt:
        error_console().print("interrupted. The same command continues.", soft_wrap=True)
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def run(command_line: Callable[[], object]) -> None:
    """Runs the command line.

    What Placefix raises on purpose, and what a full or broken disk raises, becomes a sentence and an exit code, not a
    traceback.
    """
    try:
        command_line()
    except PlacefixError as error:
        print_error(error.message)
        sys.exit(ExitCode.ERROR)
    except OSError as error:
        if error.errno not in _OF_THE_DISK:
            raise
        where = "a file cannot be written or read" if error.filename is None else os.fsdecode(error.filename)
        print_error(f"{where}: {error.strerror}. What was finished before is kept; mend that and run the command again")
        sys.exit(ExitCode.ERROR)
