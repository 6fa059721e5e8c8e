"""The answers of a calibrated map whose truth is known: what the numbers of a confidence are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from service.words import Status


@dataclass(frozen=True)
class Answered:
    """The answer to one photo.

    Attributes:
        confidence: Probability that it is right, as the map says.
        status: As it is answered.
        error_m: Metres to the truth; infinite for a photo of elsewhere.
        radii_m: For each of ``place_map.calibration.LEVELS`` the radius that is stated; None where none is.
        condition: Under which the photo was taken; None if nobody says.
    """

    confidence: float
    status: Status
    error_m: float
    radii_m: tuple[float | None, ...]
    condition: str | None = None


@dataclass(frozen=True)
class Answers:
    """The answers to n photos.

    Attributes:
        confidences: ``(n,)`` in [0, 1].
        statuses: ``(n,)`` words of ``service.localization.Status``.
        errors_m: ``(n,)`` metres; infinite for photos of elsewhere.
        radii_m: ``(n, 3)``, one for each of ``place_map.calibration.LEVELS``; NaN where none is stated.
        within_m: The positive distance: an answer is right if it lies so near to the truth.
        conditions: ``(n,)`` strings, empty where nobody says.
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
        """Which are right ``(n,)``."""
        return self.errors_m <= self.within_m

    @property
    def is_foreign(self) -> NDArray[np.bool_]:
        """Which are of photos of elsewhere ``(n,)``."""
        return np.isinf(self.errors_m)

    @classmethod
    def of(cls, answered: Sequence[Answered], within_m: float) -> Self:
        """Put answers together; at least one."""
        radii_m = [[np.nan if radius is None else radius for radius in each.radii_m] for each in answered]
        return cls(
            confidences=np.array([each.confidence for each in answered]),
            statuses=np.array([each.status for each in answered]),
            errors_m=np.array([each.error_m for each in answered]),
            radii_m=np.array(radii_m, dtype=np.float64),
            within_m=within_m,
            conditions=np.array([each.condition or "" for each in answered]),
        )
