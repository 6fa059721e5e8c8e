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
    """Hold the outcome of a command.

    Attributes:
        returncode: Its exit code.
        stdout: Its standard output.
        stderr: Everything else that it printed.
    """

    returncode: int
    stdout: str
    stderr: str


RunCommand = Callable[..., Finished]


def run_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object) -> Finished:
    """Run the program, and return its output."""
    capsys.readouterr()
    exit_code = run_program(monkeypatch, *arguments)
    output = capsys.readouterr()
    return Finished(exit_code, output.out, output.err)


def run_program(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run the program as ``python -m placefix`` does, up to its exit, and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["placefix", *map(str, arguments)])
    monkeypatch.setattr(sys, "path", [str(_PROGRAM.parents[1]), *sys.path])  # the folder of the start: ours is kept
    with logging_restored(), pytest.raises(SystemExit) as ended:
        runpy.run_path(str(_PROGRAM), run_name="__main__")
    return int(ended.value.code or 0)


class InThisProcess:
    """Replace a process of its own for ``python -m placefix``.

    Args:
        monkeypatch: Restores the arguments of this process.
        command: The command.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
        assert command[:3] == [sys.executable, "-m", "placefix"]
        self._monkeypatch, self._arguments = monkeypatch, command[3:]

    def __enter__(self) -> "InThisProcess":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing behind."""

    def wait(self) -> int:
        return run_program(self._monkeypatch, *self._arguments)
