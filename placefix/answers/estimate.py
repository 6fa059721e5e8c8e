"""An estimated position, with the facts that distinguish it from a measured one."""

from dataclasses import dataclass
from urllib.parse import quote

from model.estimates import MARK
from service.schemas.answer import LocalizationAnswer


@dataclass(frozen=True)
class Estimate:
    """Hold an estimated position.

    Attributes:
        latitude: WGS84 degrees, north positive.
        longitude: WGS84 degrees, east positive.
        status: The status of the answer.
        confidence: Probability that the position is right; None if it is unknown.
        radius_m: Radius in metres that contains the truth for the share ``level`` of similar answers; None if unknown.
        level: The share for ``radius_m``; None without a radius.
        map_name: The name of the map.
        map_version: The version of the map.
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
        """Return the estimate of an answer; None if it has no position."""
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
        """Return the text for ``GPSProcessingMethod``: in ASCII, with the mark of Placefix in front."""
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
        """Return ``N`` or ``S``."""
        return "N" if self.latitude >= 0 else "S"

    @property
    def east_or_west(self) -> str:
        """Return ``E`` or ``W``."""
        return "E" if self.longitude >= 0 else "W"
