"""The progress of a long run; the command line draws it, tests leave it out."""

from typing import Protocol


class Progress(Protocol):
    """Receive the progress of a run in steps, on the thread of the run."""

    def started(self, total: int, finished: int) -> None:
        """Begin the run.

        Args:
            total: The number of steps, mostly pictures.
            finished: The steps that an earlier run has done.
        """

    def advanced(self, count: int) -> None:
        """Count finished steps."""

    def message(self, text: str) -> None:
        """Show a message to the user."""


class SilentProgress:
    """Ignore all progress."""

    def started(self, total: int, finished: int) -> None:
        """Ignore the call."""

    def advanced(self, count: int) -> None:
        """Ignore the call."""

    def message(self, text: str) -> None:
        """Ignore the call."""


SILENT = SilentProgress()
