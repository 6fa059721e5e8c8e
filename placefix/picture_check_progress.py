"""The progress of the check of pictures before a training."""

from collections.abc import Iterator
from contextlib import contextmanager

from model.training.picture_check import OnChecked
from placefix.progress import show_progress


@contextmanager
def show_checking() -> Iterator[OnChecked]:
    """Show the progress of ``model.training.picture_check`` on standard error.

    Yields:
        The function to call with the progress.
    """
    with show_progress("looking at the pictures") as progress:
        told = 0
        is_started = False

        def on_checked(done: int, total: int) -> None:
            nonlocal told, is_started
            if is_started:
                progress.advanced(done - told)
            else:
                progress.started(total, done)
            told, is_started = done, True

        yield on_checked
