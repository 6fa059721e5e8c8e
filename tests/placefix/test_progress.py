import io
import re

import pytest
from rich.console import Console

from placefix.progress import LineProgress, format_duration, show_progress


def test_without_a_terminal_there_are_plain_lines() -> None:
    written = io.StringIO()
    progress = LineProgress(Console(file=written, width=40), "encoding", "pictures")
    progress.message("continuing an interrupted build: 1,000 pictures are done")
    progress.started(total=2000, finished=1000)
    progress.advanced(600)
    progress.advanced(400)
    first, last = written.getvalue().splitlines()
    assert first == "continuing an interrupted build: 1,000 pictures are done"
    assert re.fullmatch(r"encoding: 2,000 of 2,000, [\d,.]+ pictures/s, 0:00 left", last)


def test_bytes_are_told_in_units_for_people() -> None:
    written = io.StringIO()
    progress = LineProgress(Console(file=written, width=200), "verifying", "bytes")
    progress.started(total=3_000_000, finished=0)
    progress.advanced(3_000_000)
    assert "3.0 MB of 3.0 MB" in written.getvalue()


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with show_progress("encoding") as progress:
        progress.started(total=8, finished=4)
        progress.advanced(4)
    assert "8/8" in capsys.readouterr().err


def test_durations() -> None:
    assert [format_duration(seconds) for seconds in (0, 59.6, 3599, 3600, 36_061)] == [
        "0:00",
        "1:00",
        "59:59",
        "1:00:00",
        "10:01:01",
    ]
