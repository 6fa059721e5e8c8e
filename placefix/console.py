"""The consoles of the command line, and its errors with their exit codes.

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

# Errors of the disk, which any command that writes may meet; every other OSError is a bug, and keeps its traceback.
_OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM})


def error_console() -> Console:
    """Return the console for progress, notes and errors; it has no colours if standard error is not a terminal."""
    return Console(stderr=True, highlight=False)


def output_console() -> Console:
    """Return the console for results."""
    return Console(highlight=False)


def print_error(message: str) -> None:
    """Print an error as one paragraph behind a red ``error:``."""
    error_console().print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)


def print_note(sentence: str) -> None:
    """Print a sentence beside the results, on standard error."""
    error_console().print(sentence, soft_wrap=True, markup=False)


@contextmanager
def resumable() -> Iterator[None]:
    """Say after Ctrl-C that the same command continues the work.

    Raises:
        typer.Exit: The work was interrupted.
    """
    try:
        yield
    except KeyboardInterrupt:
        error_console().print("interrupted. The same command continues.", soft_wrap=True)
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def run(command_line: Callable[[], object]) -> None:
    """Run the command line.

    Errors of Placefix, and errors of a full or broken disk, become a sentence and an exit code instead of a traceback.
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
        print_error(f"{where}: {error.strerror}. Finished work is kept; repair that and run the command again")
        sys.exit(ExitCode.ERROR)
