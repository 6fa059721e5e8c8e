"""The progress of a training: everything besides tensors that it needs to continue exactly."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from model.training.triplets import Triplet
from model.training.validation import ValidationResult


@dataclass(frozen=True)
class Position:
    """Hold the progress of a training.

    Attributes:
        epoch: Finished epochs.
        step: Steps of the optimizer in total.
        drawn: Queries drawn in the current epoch.
        triplets: Triplets of the last refresh.
        next_triplet: The index of the first triplet that has not been used.
        epoch_steps: Steps of the current epoch.
        epoch_loss: Sum of the losses of these steps.
        skipped: Queries of the current epoch for which the pool held too few negatives.
        best_percent: The best R@5 of an epoch; None before the first.
        epochs_without_improvement: Epochs in a row without a better R@5.
        is_start_measured: Whether recall was measured before the first step.
    """

    epoch: int = 0
    step: int = 0
    drawn: int = 0
    triplets: tuple[Triplet, ...] = ()
    next_triplet: int = 0
    epoch_steps: int = 0
    epoch_loss: float = 0.0
    skipped: int = 0
    best_percent: float | None = None
    epochs_without_improvement: int = 0
    is_start_measured: bool = False

    @property
    def waiting(self) -> int:
        """Return the triplets that are mined and not yet used."""
        return len(self.triplets) - self.next_triplet

    def after_refresh(self, drawn: int, triplets: tuple[Triplet, ...], skipped: int) -> "Position":
        """Return the progress after a refresh; leftover triplets are too few for a step, and are dropped, as in the
        reference.
        """
        return replace(
            self, drawn=self.drawn + drawn, triplets=triplets, next_triplet=0, skipped=self.skipped + skipped
        )

    def after_step(self, queries: int, loss: float) -> "Position":
        """Return the progress after a step."""
        return replace(
            self,
            step=self.step + 1,
            next_triplet=self.next_triplet + queries,
            epoch_steps=self.epoch_steps + 1,
            epoch_loss=self.epoch_loss + loss,
        )

    def after_epoch(self, result: ValidationResult) -> "Position":
        """Return the progress after an epoch; only a strictly better R@5 counts as an improvement."""
        is_best = self.best_percent is None or result.decisive_percent > self.best_percent
        return Position(
            epoch=self.epoch + 1,
            step=self.step,
            best_percent=result.decisive_percent if is_best else self.best_percent,
            epochs_without_improvement=0 if is_best else self.epochs_without_improvement + 1,
            is_start_measured=self.is_start_measured,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for a file."""
        return asdict(self) | {
            "triplets": [[each.query, each.positive, *each.negatives] for each in self.triplets],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Position":
        """Make a position from the values of ``to_dict``."""
        triplets = tuple(
            Triplet(query, positive, tuple(negatives)) for query, positive, *negatives in values["triplets"]
        )
        return cls(**(values | {"triplets": triplets}))
