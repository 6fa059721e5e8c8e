"""What a training tells whoever watches it: the command line draws it, tensorboard keeps it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from model.recall import Recalls


@dataclass(frozen=True)
class Began:
    """The first thing that is told.

    Attributes:
        epoch: Finished epochs; more than 0 where a checkpoint is continued.
        step: Steps made so far.
        trainable: Numbers that learn.
        parameters: Numbers of the network in all.
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
    """Pictures went through the network without gradients.

    Attributes:
        purpose: What for.
        done: How many so far.
        total: Of how many that are encoded in one go.
    """

    purpose: Purpose
    done: int
    total: int


@dataclass(frozen=True)
class Mined:
    """A refresh is over.

    Attributes:
        step: Steps made so far.
        triplets: Found.
        skipped: Queries whose pool held too few negatives.
    """

    step: int
    triplets: int
    skipped: int


@dataclass(frozen=True)
class Stepped:
    """The optimizer made a step.

    Attributes:
        epoch: The current one, from 1.
        step: Steps made, this one included.
        total: Eq. 11, the mean of the step.
        global_loss: Eq. 9.
        local_loss: Eq. 10.
        gradient_norm: Euclidean, over everything that learns.
        queries_done: Queries of this epoch that are dealt with.
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
    """Recall was measured.

    Attributes:
        epoch: Finished epochs; 0 before the first step.
        step: Steps made so far.
        mean_loss: Of the epoch; None before the first step.
        by_global: Of the shortlist.
        reranked: After re-ranking.
        is_best: Whether R@5 is better than ever.
        epochs_without_improvement: In a row.
        skipped: Queries of the epoch whose pool held too few negatives.
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
    """A checkpoint is on the disk.

    Attributes:
        path: Where.
        step: Steps made so far.
    """

    path: Path
    step: int


Event: TypeAlias = Began | Encoded | Mined | Stepped | Validated | Saved
Observer: TypeAlias = Callable[[Event], None]
