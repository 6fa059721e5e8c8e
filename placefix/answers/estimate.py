"""A found position, with what it needs to be told from a measured one."""

from dataclasses import dataclass
from urllib.parse import quote

from model.estimates import MARK
from service.schemas.answer import LocalizationAnswer


@dataclass(frozen=True)
class Estimate:
    """A position that was found.

    Attributes:
        latitude: WGS84 degrees, north positive.
        longitude: WGS84 degrees, east positive.
        status: Of the answer.
        confidence: Probability that it is right; None if nobody knows.
        radius_m: Metres that hold the truth of the share ``level`` of answers like it; None without a number.
        level: That share; None without a radius.
        map_name: The map that it was found in.
        map_version: Its version.
    """

    latitude: float
    longitude: float
    status: str
    confidence: float | None
    radius_m: float | None
    level: float | None
    map_name: str
    map_version: str

    @classmethod
    def of(cls, answer: LocalizationAnswer) -> "Estimate | None":
        """Return what an answer has found; None if it has no position."""
        if answer.position is None:
            return None
        accuracy = answer.accuracy
        return cls(
            answer.position.latitude,
            answer.position.longitude,
            answer.status,
            answer.confidence,
            None if accuracy is None else accuracy.radius_m,
            None if accuracy is None else accuracy.level,
            answer.map.name,
            answer.map.version,
        )

    @property
    def method(self) -> str:
        """Return how the position was found, for ``GPSProcessingMethod``: in ASCII, with our mark in front."""
        facts = {
            "map": quote(self.map_name),
            "version": quote(self.map_version),
            "status": self.status,
            "confidence": None if self.confidence is None else f"{self.confidence:.4f}",
            "radius_m": None if self.radius_m is None else f"{self.radius_m:.1f}",
            "level": None if self.level is None else f"{self.level:g}",
        }
        said = " ".join(f"{name}={value}" for name, value in facts.items() if value is not None)
        return f"{MARK} estimate {said}"

    @property
    def north_or_south(self) -> str:
        """``N`` or ``S``."""
        return "N" if self.latitude >= 0 else "S"

    @property
    def east_or_west(self) -> str:
        """``E`` or ``W``."""
        return "E" if self.longitude >= 0 else "W"
