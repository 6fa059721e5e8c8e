"""The measurements of a training as files for tensorboard."""

from pathlib import Path
from typing import Any

from model.recall import Recalls
from model.training.events import Began, Event, Mined, Stepped, Validated


def is_tensorboard_installed() -> bool:
    """Return whether the extra ``train`` is installed."""
    try:
        import torch.utils.tensorboard  # noqa: F401, PLC0415 (optional, and slow to import)
    except ImportError:
        return False
    return True


class TensorboardFiles:
    """Write losses and recalls; see ``model.training.events.Observer``.

    A continued training extends the same curves: values after its checkpoint are dropped.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Began):
            self._open(first_step=event.step + 1)
        elif isinstance(event, Stepped):
            self._add("loss/total", event.total, event.step)
            self._add("loss/global", event.global_loss, event.step)
            self._add("loss/local", event.local_loss, event.step)
            self._add("gradient norm", event.gradient_norm, event.step)
        elif isinstance(event, Mined):
            self._add("mining/skipped queries", event.skipped, event.step)
        elif isinstance(event, Validated):
            self._add_recalls("recall", event.by_global, event.step)
            self._add_recalls("recall re-ranked", event.reranked, event.step)
            self._writer.flush()

    def close(self) -> None:
        """Write the remaining values."""
        if self._writer is not None:
            self._writer.close()

    def _open(self, first_step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 (as above)

        writer: Any = SummaryWriter
        self._writer = writer(str(self._folder), purge_step=first_step if first_step > 1 else None)

    def _add(self, name: str, value: float, step: int) -> None:
        self._writer.add_scalar(name, value, step)

    def _add_recalls(self, name: str, recalls: Recalls, step: int) -> None:
        for value, percent in recalls.percent.items():
            self._add(f"{name}/R@{value}", percent, step)
