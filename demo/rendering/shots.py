"""The pictures of a split: the place, time and light of each."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Literal

from demo.rendering.plan import Street, streets
from demo.rendering.splits import SEED, SPLITS, STREET_LENGTH_M, Split
from model.geo import LatLon

Condition = Literal["sun", "overcast", "dusk", "night", "fog", "rain", "snow"]

# Shares of the queries.
CONDITION_SHARES: dict[Condition, float] = {
    "sun": 0.125,
    "overcast": 0.125,
    "dusk": 0.14,
    "night": 0.28,
    "fog": 0.10,
    "rain": 0.12,
    "snow": 0.11,
}

_FIRST_MIDNIGHT = datetime(2026, 1, 10, 8, 13, tzinfo=UTC)  # by the sun at the town's longitude
_DATABASE_FOV_DEG = 74.0
_DATABASE_HEIGHT_M = 2.0


@dataclass(frozen=True)
class Camera:
    """Hold the pose of the camera in its street.

    Attributes:
        along_m: From the street's beginning.
        aside_m: Right of its axis.
        height_m: Above the ground.
        turn_deg: To the right of the street's direction there.
        tilt_deg: Upward.
        fov_deg: Horizontal field of view.
    """

    along_m: float
    aside_m: float
    height_m: float
    turn_deg: float
    tilt_deg: float
    fov_deg: float


@dataclass(frozen=True)
class Shot:
    """Describe a picture to take.

    Attributes:
        name: Name of its file, without suffix.
        side: Side of the split: ``database`` or ``queries``.
        street: Number of its street.
        camera: Where in the street.
        position: WGS84.
        heading_deg: Clockwise from north, in [0, 360).
        time: When.
        condition: Light and weather.
        place: Street, cell and direction.
        visit: Seed of the differences between visits: lit windows, clouds, cars, people.
        cars: How many are about.
        people: How many are about.
    """

    name: str
    side: Literal["database", "queries"]
    street: int
    camera: Camera
    position: LatLon
    heading_deg: float
    time: datetime
    condition: Condition
    place: str
    visit: int
    cars: int
    people: int

    @property
    def path(self) -> str:
        """Return the path of its file in the split's directory."""
        return f"{self.side}/{self.name}.jpg"

    @property
    def hour(self) -> float:
        """Return the hour by the sun, in [0, 24)."""
        return ((self.time - _FIRST_MIDNIGHT).total_seconds() / 3600) % 24


@cache
def shots_of(split: str, first_streets: int | None = None) -> tuple[tuple[Shot, ...], tuple[Shot, ...]]:
    """Return the database and the queries of a split; they are the same on every machine.

    Args:
        split: Its name.
        first_streets: The most of its streets.
    """
    chosen = SPLITS[split]
    database: list[Shot] = []
    queries: list[Shot] = []
    for number in chosen.streets[:first_streets]:
        street = streets()[number]
        database += _jittered(chosen, street) if chosen.views > 1 else _survey(chosen, street)
        queries += _visits(chosen, street)
    return tuple(database), tuple(queries)


def _survey(split: Split, street: Street) -> list[Shot]:
    """Return one drive up and down the street."""
    rng = Random(f"{SEED} survey {street.number}")
    condition: Condition = rng.choice(("sun", "sun", "overcast"))
    begin = _FIRST_MIDNIGHT + timedelta(hours=rng.uniform(9, 16))
    shots = []
    for back in (False, True):
        for station in range(split.stations):
            along_m = _station_m(split, station)
            camera = Camera(along_m, -1.8 if back else 1.8, _DATABASE_HEIGHT_M, 180.0 * back, 3.0, _DATABASE_FOV_DEG)
            time = begin + timedelta(seconds=3 * station + 180 * back)
            name = f"street-{street.number:03d}-{along_m:03.0f}m-{'back' if back else 'ahead'}"
            people, cars = rng.randint(0, 4), rng.randint(0, 3)
            place = _place(split, street, along_m, back)
            shots.append(_shot(name, "database", street, camera, time, condition, place, rng, cars, people))
    return shots


def _jittered(split: Split, street: Street) -> list[Shot]:
    """Return several views from about every station, in fair weather."""
    rng = Random(f"{SEED} views {street.number}")
    shots = []
    for station in range(split.stations):
        for back in (False, True):
            place = _place(split, street, _station_m(split, station), back)
            for view in range(split.views):
                camera = Camera(
                    _station_m(split, station) + rng.uniform(-2.5, 2.5),
                    rng.uniform(-2.6, 2.6),
                    rng.uniform(1.5, 2.5),
                    180.0 * back + rng.uniform(-16, 16),
                    rng.uniform(0, 6),
                    rng.uniform(69, 79),
                )
                time = _FIRST_MIDNIGHT + timedelta(days=rng.randint(0, 20), hours=rng.uniform(8, 17))
                condition: Condition = rng.choice(("sun", "overcast"))
                cars, people = rng.randint(0, 8), rng.randint(0, 8)
                name = f"{place}-view-{view}"
                shots.append(_shot(name, "database", street, camera, time, condition, place, rng, cars, people))
    return shots


def _visits(split: Split, street: Street) -> list[Shot]:
    """Return later visits: anywhere in the street, in any weather, at any time."""
    rng = Random(f"{SEED} queries {street.number}")
    conditions = _conditions(split.queries)
    rng.shuffle(conditions)
    shots = []
    for number, condition in enumerate(conditions):
        back = rng.random() < 0.5
        along_m = 4 + (STREET_LENGTH_M - 8) * (number + rng.random()) / split.queries
        camera = Camera(
            along_m,
            rng.uniform(-2.8, 2.8),
            rng.uniform(1.4, 2.6),
            180.0 * back + rng.uniform(-20, 20),
            rng.uniform(-1, 7),
            rng.uniform(68, 80),
        )
        time = _FIRST_MIDNIGHT + timedelta(days=rng.randint(30, 200), hours=_hour(condition, rng))
        name = f"street-{street.number:03d}-query-{number:03d}-{condition}"
        cars, people = rng.randint(3, 18), rng.randint(2, 22)
        place = _place(split, street, along_m, back)
        shots.append(_shot(name, "queries", street, camera, time, condition, place, rng, cars, people))
    return shots


def _shot(
    name: str,
    side: Literal["database", "queries"],
    street: Street,
    camera: Camera,
    time: datetime,
    condition: Condition,
    place: str,
    rng: Random,
    cars: int,
    people: int,
) -> Shot:
    heading_deg = (street.bearing_deg + street.turn_deg(camera.along_m) + camera.turn_deg) % 360
    position = street.position(camera.along_m, camera.aside_m)
    time = time.replace(microsecond=0)
    visit = rng.randrange(1 << 20)
    return Shot(name, side, street.number, camera, position, heading_deg, time, condition, place, visit, cars, people)


def _conditions(count: int) -> list[Condition]:
    """Return ``count`` conditions, in their shares."""
    found: list[Condition] = []
    total = 0.0
    for condition, share in CONDITION_SHARES.items():
        total += share
        found += [condition] * (round(total * count) - len(found))
    return found


def _hour(condition: Condition, rng: Random) -> float:
    if condition == "night":
        return rng.choice((rng.uniform(21.5, 24), rng.uniform(0, 4)))
    return rng.uniform(19.3, 20.6) if condition == "dusk" else rng.uniform(8, 17)


def _station_m(split: Split, station: int) -> float:
    """Return the place of a station; the stations lie symmetrically in the street."""
    return (STREET_LENGTH_M - split.step_m * (split.stations - 1)) / 2 + split.step_m * station


def _place(split: Split, street: Street, along_m: float, back: bool) -> str:
    nearest = round((along_m - _station_m(split, 0)) / split.step_m)
    cell = min(max(nearest, 0), split.stations - 1)
    return f"street-{street.number:03d}-cell-{cell:02d}-{'back' if back else 'ahead'}"
