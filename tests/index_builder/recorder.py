"""Record the progress of a run."""

from model.progress import SilentProgress


class Recorder(SilentProgress):
    """Keep all events."""

    def __init__(self) -> None:
        self.total = self.finished = self.advanced_by = 0
        self.messages: list[str] = []

    def started(self, total: int, finished: int) -> None:
        self.total, self.finished = total, finished

    def advanced(self, count: int) -> None:
        self.advanced_by += count

    def message(self, text: str) -> None:
        self.messages.append(text)
