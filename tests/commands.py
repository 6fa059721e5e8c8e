"""The command line in the process of the tests: the import of torch alone takes seconds in one of its own."""

import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.logs import logging_restored

_PROGRAM = Path(__file__).parents[1] / "placefix" / "__main__.py"


@dataclass(frozen=True)
class Finished:
    """What a command left behind.

    Attributes:
        returncode: Its exit code.
        stdout: What it printed as its result.
        stderr: Everything else that it printed.
    """

    returncode: int
    stdout: str
    stderr: str


RunCommand = Callable[..., Finished]


def run_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object) -> Finished:
    """Run the program as ``python -m placefix`` does, up to its exit."""
    monkeypatch.setattr(sys, "argv", ["placefix", *map(str, arguments)])
    monkeypatch.setattr(sys, "path", [str(_PROGRAM.parents[1]), *sys.path])  # the folder of the start: ours is kept
    capsys.readouterr()
    with logging_restored(), pytest.raises(SystemExit) as ended:
        runpy.run_path(str(_PROGRAM), run_name="__main__")
    output = capsys.readouterr()
    return Finished(int(ended.value.code or 0), output.out, output.err)
