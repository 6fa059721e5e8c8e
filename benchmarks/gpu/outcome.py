"""The figures of a part of the run, and its comparisons with the plain way."""

from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

import torch
from torch import Tensor


class Lacking(Exception):
    """Report that a part cannot run because this machine lacks something; the message names it."""


@dataclass(frozen=True)
class Check:
    """Hold a comparison.

    Attributes:
        what: The compared values.
        found: The difference.
        allowed: The greatest allowed difference; NaN is never allowed.
    """

    what: str
    found: float
    allowed: float

    @property
    def has_passed(self) -> bool:
        """Return whether the difference is allowed."""
        return self.found <= self.allowed

    def to_json(self) -> dict[str, Any]:
        """Return all values, and whether the check passed; JSON cannot express NaN."""
        return {**asdict(self), "found": self.found if isfinite(self.found) else None, "passed": self.has_passed}


@dataclass
class Outcome:
    """Hold the figures and comparisons of a part.

    Attributes:
        figures: The figures, as values for JSON.
        checks: The comparisons.
    """

    figures: dict[str, Any] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    def check(self, what: str, found: float, allowed: float) -> None:
        """Add a comparison."""
        self.checks.append(Check(what, float(found), float(allowed)))


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Return ‖found - expected‖ / ‖expected‖, in float64; 0 if both are empty.

    For a network it is near 1e-6 in float32, near 3e-4 in TF32, and between 1e-3 and 1e-2 in bfloat16.
    """
    if not expected.numel():
        return 0.0
    found, expected = found.detach().cpu().double(), expected.detach().cpu().double()
    return float(torch.linalg.vector_norm(found - expected) / torch.linalg.vector_norm(expected))
