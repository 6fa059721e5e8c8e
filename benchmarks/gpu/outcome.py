"""The figures of a part of the run, and whether they agree with the plain way."""

from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

import torch
from torch import Tensor


class Lacking(Exception):
    """A part cannot be done, because this machine lacks something; the message says what."""


@dataclass(frozen=True)
class Check:
    """A comparison.

    Attributes:
        what: Compared with what.
        found: How far apart they are.
        allowed: At most so far; not a number is never allowed.
    """

    what: str
    found: float
    allowed: float

    @property
    def has_passed(self) -> bool:
        """Whether they are near enough."""
        return self.found <= self.allowed

    def to_json(self) -> dict[str, Any]:
        """Return all of it, and whether it has passed; JSON has no word for what is not a number."""
        return {**asdict(self), "found": self.found if isfinite(self.found) else None, "passed": self.has_passed}


@dataclass
class Outcome:
    """Hold the figures and comparisons of a part.

    Attributes:
        figures: What JSON can hold.
        checks: Its comparisons.
    """

    figures: dict[str, Any] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    def check(self, what: str, found: float, allowed: float) -> None:
        """Note a comparison."""
        self.checks.append(Check(what, float(found), float(allowed)))


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Return ‖found - expected‖ / ‖expected‖, in float64; 0 if both are empty.

    Of a network in float32 it is near 1e-6, in TF32 near 3e-4, in bfloat16 between 1e-3 and 1e-2.
    """
    if not expected.numel():
        return 0.0
    found, expected = found.detach().cpu().double(), expected.detach().cpu().double()
    return float(torch.linalg.vector_norm(found - expected) / torch.linalg.vector_norm(expected))
