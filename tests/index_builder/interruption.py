"""A run that is interrupted, as by Ctrl-C, once it is so far."""

from model.progress import SilentProgress


class InterruptedAfter(SilentProgress):
    """Interrupt a run.

    Args:
        pictures: Once so many are done; those are counted that are encoded, compared or copied.
    """

    def __init__(self, pictures: int) -> None:
        self._left = pictures

    def advanced(self, count: int) -> None:
        self._left -= count
        if self._left <= 0:
            raise KeyboardInterrupt
