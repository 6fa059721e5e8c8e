"""An opened weights file: named tensors, and the file's statements about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from torch import Tensor

from model.checkpoint_layout import CheckpointLayout


class Layout(StrEnum):
    """Name the layout of a file: the project of its names."""

    SELAVPR = "SelaVPR checkpoint"
    DINOV2 = "DINOv2 backbone"
    PLACEFIX = "Placefix"


@dataclass(frozen=True)
class TrainingRecord:
    """Hold the numbers that the reference saves beside the weights; None for a number that a file lacks.

    Attributes:
        epoch: Finished epochs.
        recalls_percent: Recall at 1, 5, 10 and 20 on the validation set after that epoch.
        best_recall_at_5_percent: The best recall at 5 *before* that epoch.
        epochs_without_improvement: Epochs without a better recall before that epoch.
    """

    epoch: int | None = None
    recalls_percent: tuple[float, ...] | None = None
    best_recall_at_5_percent: float | None = None
    epochs_without_improvement: int | None = None


@dataclass(frozen=True)
class StatedNetwork:
    """Hold the statements of a file of Placefix about its network.

    Attributes:
        family: The family; see ``model.families``.
        config: The shape, including heads, as plain values.
        fingerprint: The fingerprint of the loaded network.
    """

    family: str
    config: Mapping[str, Any]
    fingerprint: str


@dataclass(frozen=True)
class WeightFile:
    """Hold the contents of a file that are not yet checked against a network.

    Attributes:
        path: The file.
        layout: The layout of its names.
        family: The family of its network; see ``model.families``.
        tensors: The tensors by Placefix's names (those of the network's
            ``state_dict()``). They may be views of the mapped file.
        file_names: The name in the file of each of ``tensors``.
        unknown: Names in the file that its layout does not have.
        is_trained: Whether adapters and local adaptation hold trained weights.
        prefix: The prefix of every name in the file: ``module.`` or nothing.
        stated: The statements of a file of Placefix.
        training: The training record of a released checkpoint, if it has one.
    """

    path: Path
    layout: Layout | CheckpointLayout
    family: str
    tensors: Mapping[str, Tensor]
    file_names: Mapping[str, str]
    unknown: tuple[str, ...]
    is_trained: bool
    prefix: str = ""
    stated: StatedNetwork | None = None
    training: TrainingRecord = field(default_factory=TrainingRecord)
