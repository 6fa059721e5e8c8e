"""The progress of a long command: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bar
from rich.text import Text

from model.progress import Progress
from placefix.console import error_console

Unit = Literal["pictures", "bytes"]

_SECONDS_BETWEEN_LINES = 10.0
_SPEED_PERIOD_S = 300.0  # a batch of ViT-L takes many seconds on a CPU; over rich's 30 s the rate would jump


@contextmanager
def show_progress(what: str, unit: Unit = "pictures") -> Iterator[Progress]:
    """Show the progress of a task on standard error.

    Args:
        what: The name of the task, such as ``encoding``.
        unit: The unit of the count.

    Yields:
        The display of the progress.
    """
    console = error_console()
    if not console.is_terminal:
        yield LineProgress(console, what, unit)
        return
    counts: list[ProgressColumn] = (
        [MofNCompleteColumn(), _RateColumn()] if unit == "pictures" else [DownloadColumn(), TransferSpeedColumn()]
    )
    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        *counts,
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        speed_estimate_period=_SPEED_PERIOD_S,
    ) as bar:
        yield _BarProgress(bar, what)


class _BarProgress:
    """Draw a bar; see ``model.progress.Progress``."""

    def __init__(self, bar: Bar, what: str) -> None:
        self._bar = bar
        self._what = what
        self._task = bar.add_task(what, total=None, start=False)

    def started(self, total: int, finished: int) -> None:
        self._bar.remove_task(self._task)
        self._task = self._bar.add_task(self._what, total=total, completed=finished)

    def advanced(self, count: int) -> None:
        self._bar.advance(self._task, count)

    def message(self, text: str) -> None:
        self._bar.console.print(Text(text))


class LineProgress:
    """Print a line at most every ten seconds, and one at the end; see ``model.progress.Progress``."""

    def __init__(self, console: Console, what: str, unit: Unit) -> None:
        self._console = console
        self._what = what
        self._unit = unit
        self._total = self._done = self._done_before = 0
        self._started_s = self._printed_s = time.monotonic()

    def started(self, total: int, finished: int) -> None:
        self._total, self._done, self._done_before = total, finished, finished
        self._started_s = self._printed_s = time.monotonic()

    def advanced(self, count: int) -> None:
        self._done += count
        now_s = time.monotonic()
        if now_s - self._printed_s >= _SECONDS_BETWEEN_LINES or self._done == self._total:
            self._printed_s = now_s
            self._print(self._line(now_s - self._started_s))

    def message(self, text: str) -> None:
        self._print(text)

    def _line(self, elapsed_s: float) -> str:
        rate = (self._done - self._done_before) / max(elapsed_s, 1e-9)
        left_s = (self._total - self._done) / rate if rate else 0.0
        return (
            f"{self._what}: {self._amount(self._done)} of {self._amount(self._total)}, {self._amount(rate)}/s, "
            f"{format_duration(left_s)} left"
        )

    def _amount(self, count: float) -> str:
        if self._unit == "bytes":
            return decimal(round(count))
        return f"{count:,.1f} pictures" if isinstance(count, float) else f"{count:,}"

    def _print(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)


class _RateColumn(ProgressColumn):
    """Show pictures per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.1f}/s")


def format_duration(duration_s: float) -> str:
    """Return a duration for people: ``2:03`` or ``1:02:03``."""
    minutes, seconds = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
