"""The events of a training for observers: the command line draws them, tensorboard keeps them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from model.recall import Recalls


@dataclass(frozen=True)
class Began:
    """Report the beginning of a training.

    Attributes:
        epoch: Finished epochs; more than 0 if a checkpoint is continued.
        step: Steps made so far.
        trainable: Number of parameters that learn.
        parameters: Number of all parameters of the network.
        queries_without_positive: Training queries that are never drawn.
    """

    epoch: int
    step: int
    trainable: int
    parameters: int
    queries_without_positive: int


Purpose: TypeAlias = Literal["mining", "validation"]


@dataclass(frozen=True)
class Encoded:
    """Report that pictures were encoded without gradients.

    Attributes:
        purpose: The purpose.
        done: The number of pictures so far.
        total: The number of pictures of this purpose.
    """

    purpose: Purpose
    done: int
    total: int


@dataclass(frozen=True)
class Mined:
    """Report the end of a refresh.

    Attributes:
        step: Steps made so far.
        triplets: Number of triplets found.
        skipped: Queries for which the pool held too few negatives.
    """

    step: int
    triplets: int
    skipped: int


@dataclass(frozen=True)
class Stepped:
    """Report a step of the optimizer.

    Attributes:
        epoch: The current one, from 1.
        step: Steps made, including this one.
        total: Eq. 11, the mean of the step.
        global_loss: Eq. 9.
        local_loss: Eq. 10.
        gradient_norm: Euclidean norm over all parameters that learn.
        queries_done: Queries of this epoch that are done.
    """

    epoch: int
    step: int
    total: float
    global_loss: float
    local_loss: float
    gradient_norm: float
    queries_done: int


@dataclass(frozen=True)
class Validated:
    """Report the recall of a validation.

    Attributes:
        epoch: Finished epochs; 0 before the first step.
        step: Steps made so far.
        mean_loss: Mean loss of the epoch; None before the first step.
        by_global: Recall of the shortlist.
        reranked: Recall after re-ranking.
        is_best: Whether R@5 is the best so far.
        epochs_without_improvement: Epochs in a row without a better R@5.
        skipped: Queries of the epoch for which the pool held too few negatives.
    """

    epoch: int
    step: int
    mean_loss: float | None
    by_global: Recalls
    reranked: Recalls
    is_best: bool
    epochs_without_improvement: int
    skipped: int


@dataclass(frozen=True)
class Saved:
    """Report a checkpoint on the disk.

    Attributes:
        path: The file.
        step: Steps made so far.
    """

    path: Path
    step: int


Event: TypeAlias = Began | Encoded | Mined | Stepped | Validated | Saved
Observer: TypeAlias = Callable[[Event], None]
