"""The answers of a calibrated map whose truth is known, from which the quality of a confidence is computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from service.words import Status


@dataclass(frozen=True)
class Answered:
    """Hold the answer to one photo.

    Attributes:
        confidence: Stated probability that the answer is right.
        status: The status of the answer.
        error_m: Metres to the truth; infinite for a photo from elsewhere.
        radii_m: The stated radius for each of ``place_map.calibration.LEVELS``; None where none is stated.
        condition: The condition under which the photo was taken; None if it is unknown.
    """

    confidence: float
    status: Status
    error_m: float
    radii_m: tuple[float | None, ...]
    condition: str | None = None


@dataclass(frozen=True)
class Answers:
    """Hold the answers to n photos.

    Attributes:
        confidences: ``(n,)`` in [0, 1].
        statuses: ``(n,)`` words of ``service.localization.Status``.
        errors_m: ``(n,)`` metres; infinite for photos from elsewhere.
        radii_m: ``(n, 3)``, one for each of ``place_map.calibration.LEVELS``; NaN where none is stated.
        within_m: Greatest distance to the truth at which an answer is right, above 0.
        conditions: ``(n,)`` strings, empty if unknown.
    """

    confidences: NDArray[np.float64]
    statuses: NDArray[np.str_]
    errors_m: NDArray[np.float64]
    radii_m: NDArray[np.float64]
    within_m: float
    conditions: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.confidences)

    def __getitem__(self, part: NDArray[np.bool_]) -> "Answers":
        return Answers(
            self.confidences[part],
            self.statuses[part],
            self.errors_m[part],
            self.radii_m[part],
            self.within_m,
            self.conditions[part],
        )

    @property
    def is_right(self) -> NDArray[np.bool_]:
        """Return which answers are right ``(n,)``."""
        return self.errors_m <= self.within_m

    @property
    def is_foreign(self) -> NDArray[np.bool_]:
        """Return which answers are to photos from elsewhere ``(n,)``."""
        return np.isinf(self.errors_m)

    @classmethod
    def of(cls, answered: Sequence[Answered], within_m: float) -> Self:
        """Combine answers, at least one."""
        radii_m = [[np.nan if radius is None else radius for radius in each.radii_m] for each in answered]
        return cls(
            confidences=np.array([each.confidence for each in answered]),
            statuses=np.array([each.status for each in answered]),
            errors_m=np.array([each.error_m for each in answered]),
            radii_m=np.array(radii_m, dtype=np.float64),
            within_m=within_m,
            conditions=np.array([each.condition or "" for each in answered]),
        )
