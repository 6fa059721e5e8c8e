"""The progress of a training: a bar with loss and time left on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from model.training.config import TrainingConfig
from model.training.events import Began, Encoded, Event, Mined, Observer, Stepped, Validated
from model.training.validation import DECISIVE_RECALL
from placefix.console import error_console
from placefix.progress import format_duration

_SECONDS_BETWEEN_LINES = 10.0
_SPEED_PERIOD_S = 600.0  # steps come in bursts between refreshes; over a shorter period the time left would jump


@contextmanager
def show_training(config: TrainingConfig, console: Console | None = None) -> Iterator[Observer]:
    """Show a training on standard error.

    Args:
        config: The configuration of the training.
        console: A console instead of standard error.

    Yields:
        The observer of the training.
    """
    console = error_console() if console is None else console
    if not console.is_terminal:
        yield TrainingLines(console, config)
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        speed_estimate_period=_SPEED_PERIOD_S,
    ) as bars:
        yield _TrainingBars(bars, config)


class TrainingLines:
    """Print finished steps, and the progress at most every ten seconds."""

    def __init__(self, console: Console, config: TrainingConfig) -> None:
        self._console = console
        self._config = config
        self._printed_s = time.monotonic()
        self._loss = _MeanLoss()
        self._pace = _Pace(config)

    def __call__(self, event: Event) -> None:
        finished = describe(event, self._config)
        if finished is not None:
            self._print(finished)
        if isinstance(event, Began):
            self._pace.begin(event)
        elif isinstance(event, Encoded):
            self._print_now_and_then(f"{event.purpose}: {event.done:,} of {event.total:,} pictures")
        elif isinstance(event, Stepped):
            self._loss.add(event)
            self._print_now_and_then(
                f"epoch {event.epoch}: {event.queries_done:,} of {self._config.mining.queries_per_epoch:,} queries, "
                f"loss {self._loss.mean:.4f}, at most {format_duration(self._pace.left_s(event))} left"
            )

    def _print_now_and_then(self, line: str) -> None:
        if time.monotonic() - self._printed_s >= _SECONDS_BETWEEN_LINES:
            self._print(line)

    def _print(self, line: str) -> None:
        self._printed_s = time.monotonic()
        self._console.print(Text(line), soft_wrap=True)


class _TrainingBars:
    """Draw a bar for the whole training, and one for pictures that are encoded for mining or validation."""

    def __init__(self, bars: Progress, config: TrainingConfig) -> None:
        self._bars = bars
        self._config = config
        self._loss = _MeanLoss()
        self._recall = ""
        self._training = bars.add_task("training", total=_total_queries(config), start=False)
        self._encoding = bars.add_task("encoding", total=None, visible=False)

    def __call__(self, event: Event) -> None:
        finished = describe(event, self._config)
        if finished is not None:
            self._bars.console.print(Text(finished))
        if isinstance(event, Began):
            done = event.epoch * self._config.mining.queries_per_epoch
            self._bars.reset(self._training, completed=done, total=_total_queries(self._config))
        elif isinstance(event, Encoded):
            is_running = event.done < event.total
            self._bars.update(
                self._encoding, description=event.purpose, completed=event.done, total=event.total, visible=is_running
            )
        elif isinstance(event, Validated):
            self._recall = f", R@5 {event.reranked.percent[DECISIVE_RECALL]:.1f}"
        elif isinstance(event, Stepped):
            self._loss.add(event)
            epoch = f"epoch {event.epoch} of {self._config.optimization.epochs}"
            self._bars.update(
                self._training,
                description=f"{epoch}, loss {self._loss.mean:.4f}{self._recall}",
                completed=(event.epoch - 1) * self._config.mining.queries_per_epoch + event.queries_done,
            )


class _MeanLoss:
    """Calculate the mean loss of the current epoch, since this run began."""

    def __init__(self) -> None:
        self._epoch = self._steps = 0
        self._sum = 0.0

    def add(self, event: Stepped) -> None:
        if event.epoch != self._epoch:
            self._epoch, self._steps, self._sum = event.epoch, 0, 0.0
        self._steps += 1
        self._sum += event.total

    @property
    def mean(self) -> float:
        return self._sum / self._steps


class _Pace:
    """Estimate the time left if all epochs are needed, by the pace since the beginning."""

    def __init__(self, config: TrainingConfig) -> None:
        self._config = config
        self._began_s = time.monotonic()
        self._done_before = 0

    def begin(self, event: Began) -> None:
        self._began_s = time.monotonic()
        self._done_before = event.epoch * self._config.mining.queries_per_epoch

    def left_s(self, event: Stepped) -> float:
        done = (event.epoch - 1) * self._config.mining.queries_per_epoch + event.queries_done
        rate = max(done - self._done_before, 1) / max(time.monotonic() - self._began_s, 1e-9)
        return (_total_queries(self._config) - done) / rate


def describe(event: Event, config: TrainingConfig) -> str | None:
    """Return a line about a finished step; None for an event within one."""
    if isinstance(event, Began):
        line = f"{event.trainable:,} of {event.parameters:,} parameters learn"
        if event.queries_without_positive:
            line += (
                f"; {event.queries_without_positive:,} training queries have no picture within "
                f"{config.mining.positive_radius_m:g} m and are left out"
            )
        return line + (f"; continuing after step {event.step:,}" if event.step else "")
    if isinstance(event, Mined) and event.skipped:
        return f"mining: {event.triplets:,} triplets; {event.skipped:,} queries skipped because they lack negatives"
    if isinstance(event, Validated):
        learned = "before training" if event.mean_loss is None else f"epoch {event.epoch}: loss {event.mean_loss:.4f}"
        line = f"{learned}; {event.by_global}; re-ranked {event.reranked}"
        if event.is_best:
            return f"{line}; the best so far"
        if event.epochs_without_improvement:
            line += f"; {event.epochs_without_improvement} of {config.optimization.patience} without improvement"
        return line
    return None


def _total_queries(config: TrainingConfig) -> int:
    return config.optimization.epochs * config.mining.queries_per_epoch
