"""Commands end with a sentence for expected errors, and with a traceback for faults."""

import errno

import pytest
import typer

from placefix.console import resumable, run
from placefix.exit_codes import ExitCode


def raising(error: BaseException) -> object:
    raise error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "a file cannot be written or read: No space left on device"),
        (OSError(errno.EROFS, "Read-only file system", "/maps/a"), "/maps/a: Read-only file system"),
    ],
)
def test_what_a_disk_does_is_a_sentence(error: OSError, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(lambda: raising(error))
    assert ended.value.code == ExitCode.ERROR
    assert said in capsys.readouterr().err


def test_a_mistake_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(FileNotFoundError):
        run(lambda: raising(FileNotFoundError(errno.ENOENT, "No such file", "x")))


def test_an_interruption_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, resumable():
        raise KeyboardInterrupt
    assert ended.value.exit_code == ExitCode.INTERRUPTED
    assert "The same command continues" in capsys.readouterr().err
