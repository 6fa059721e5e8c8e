"""A weights file after its container has been opened: named tensors, and what the file says about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from torch import Tensor


class Layout(StrEnum):
    """Whose names and completeness a file follows."""

    SELAVPR = "SelaVPR checkpoint"
    DINOV2 = "DINOv2 backbone"
    PLACEFIX = "Placefix"


@dataclass(frozen=True)
class TrainingRecord:
    """What the reference saves beside the weights; None where a file does not have it.

    Attributes:
        epoch: Epochs done when it was saved.
        recalls_percent: Recall at 1, 5, 10 and 20 on the validation set after that epoch.
        best_recall_at_5_percent: The best recall at 5 *before* that epoch.
        epochs_without_improvement: Before that epoch.
    """

    epoch: int | None = None
    recalls_percent: tuple[float, ...] | None = None
    best_recall_at_5_percent: float | None = None
    epochs_without_improvement: int | None = None


@dataclass(frozen=True)
class StatedNetwork:
    """What a file of our own says about its network.

    Attributes:
        family: Its kind; see ``model.families``.
        config: Its shape, heads included, as plain values.
        fingerprint: Of the network as it comes out of the file.
    """

    family: str
    config: Mapping[str, Any]
    fingerprint: str


@dataclass(frozen=True)
class WeightFile:
    """The contents of a file, not checked against a network yet.

    Attributes:
        path: The file.
        layout: Whose names it follows.
        tensors: By our names (``SelaVPR.state_dict()``). They may be views of the mapped file.
        file_names: What the file calls each of ``tensors``.
        unknown: Names in the file that its layout does not have.
        is_trained: Whether adapters and local adaptation hold trained weights.
        prefix: What stands before every name in the file: ``module.`` or nothing.
        stated: In a file of our own.
        training: In a released checkpoint that kept it.
    """

    path: Path
    layout: Layout
    tensors: Mapping[str, Tensor]
    file_names: Mapping[str, str]
    unknown: tuple[str, ...]
    is_trained: bool
    prefix: str = ""
    stated: StatedNetwork | None = None
    training: TrainingRecord = field(default_factory=TrainingRecord)
