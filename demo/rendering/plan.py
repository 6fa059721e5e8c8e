"""The plan of the town: streets around a centre, some leading to it and some around it.

Streets lie on a triangular lattice of 330 m; each fits in a circle of 110 m, so that two are never closer than 100 m.
"""

from dataclasses import dataclass
from functools import cache
from math import atan2, cos, degrees, hypot, radians, sin
from random import Random

from demo.rendering.splits import SEED, SPLITS, STREET_LENGTH_M
from model.geo import EARTH_RADIUS_M, LatLon

POINT_NEMO = LatLon(-48.8767, -123.3933)  # the town's centre: no real place is farther from any land

_PITCH_M = 330.0


@dataclass(frozen=True)
class Street:
    """Describe the axis of a street: an arc of a large circle.

    In the street's own frame x points right of its beginning, y ahead, both in metres.

    Attributes:
        number: In the town.
        east_m: Metres of its beginning east of the town's centre.
        north_m: Metres of its beginning north of the town's centre.
        bearing_deg: Direction at its beginning, clockwise from north.
        radius_m: Radius of the arc; positive if the street turns right.
        carriageway_m: Half the width of the carriageway.
        facade_m: From the axis to the houses.
        lamp_pitch_m: From a street lamp to the next, on the other side.
        lamp_phase_m: Where the first stands.
    """

    number: int
    east_m: float
    north_m: float
    bearing_deg: float
    radius_m: float
    carriageway_m: float
    facade_m: float
    lamp_pitch_m: float
    lamp_phase_m: float

    def turn_deg(self, along_m: float) -> float:
        """Return the degrees that the street has turned right after ``along_m``."""
        return degrees(along_m / self.radius_m)

    def local(self, along_m: float, aside_m: float) -> tuple[float, float]:
        """Return x and y of a point ``aside_m`` to the right of the axis."""
        turn = along_m / self.radius_m
        x_m = self.radius_m * (1 - cos(turn)) + aside_m * cos(turn)
        return x_m, self.radius_m * sin(turn) - aside_m * sin(turn)

    def position(self, along_m: float, aside_m: float) -> LatLon:
        """Return the position on the Earth; the town is small enough for a plane."""
        x_m, y_m = self.local(along_m, aside_m)
        bearing = radians(self.bearing_deg)
        return _on_the_earth(
            self.east_m + x_m * cos(bearing) + y_m * sin(bearing),
            self.north_m - x_m * sin(bearing) + y_m * cos(bearing),
        )


@cache
def streets() -> tuple[Street, ...]:
    """Return all streets of the town, by number."""
    count = sum(len(split.streets) for split in SPLITS.values())
    rng = Random(f"{SEED} plan")
    sites = sorted(_lattice(), key=lambda site: (round(hypot(*site), 3), site))[:count]
    rng.shuffle(sites)
    return tuple(_street(number, *site) for number, site in enumerate(sites))


def _lattice() -> list[tuple[float, float]]:
    """Return the middles of the streets: metres east and north."""
    reach = range(-12, 13)
    return [(_PITCH_M * (i + j / 2), _PITCH_M * j * 3**0.5 / 2) for i in reach for j in reach]


def _street(number: int, middle_east_m: float, middle_north_m: float) -> Street:
    rng = Random(f"{SEED} street {number}")
    outward_deg = degrees(atan2(middle_east_m, middle_north_m))
    bearing_deg = (outward_deg + rng.choice((0, 90, 180, 270)) + rng.uniform(-9, 9)) % 360
    radius_m = rng.choice((-1, 1)) * rng.uniform(380, 1400)
    carriageway_m = rng.uniform(4.0, 5.8)
    # the middle of the chord lies on the lattice
    half = STREET_LENGTH_M / 2
    x_m, y_m = radius_m * (1 - cos(2 * half / radius_m)) / 2, radius_m * sin(2 * half / radius_m) / 2
    bearing = radians(bearing_deg)
    return Street(
        number,
        middle_east_m - x_m * cos(bearing) - y_m * sin(bearing),
        middle_north_m + x_m * sin(bearing) - y_m * cos(bearing),
        bearing_deg,
        radius_m,
        carriageway_m,
        carriageway_m + rng.uniform(2.6, 3.8),
        rng.uniform(14, 19),
        rng.uniform(2, 12),
    )


def _on_the_earth(east_m: float, north_m: float) -> LatLon:
    latitude = POINT_NEMO.latitude + degrees(north_m / EARTH_RADIUS_M)
    parallel_m = EARTH_RADIUS_M * cos(radians(POINT_NEMO.latitude))
    return LatLon(latitude, POINT_NEMO.longitude + degrees(east_m / parallel_m))
