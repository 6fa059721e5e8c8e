"""How a long run tells how far it is; the command line draws it, tests leave it out."""

from typing import Protocol


class Progress(Protocol):
    """Told about a run in steps. Called from the thread that runs it."""

    def started(self, total: int, finished: int) -> None:
        """The run begins.

        Args:
            total: Steps in all: pictures, as a rule.
            finished: Of these, steps that an earlier run has done.
        """

    def advanced(self, count: int) -> None:
        """Some more steps are done."""

    def message(self, text: str) -> None:
        """Something that a person may want to know."""


class SilentProgress:
    """Tells nobody."""

    def started(self, total: int, finished: int) -> None:
        """Ignored."""

    def advanced(self, count: int) -> None:
        """Ignored."""

    def message(self, text: str) -> None:
        """Ignored."""


SILENT = SilentProgress()
