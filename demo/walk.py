"""The walk through the town: where each picture is taken, and when.

The town stands at Point Nemo, the place in the Pacific that is farthest from any land: no picture of it can be mistaken
for a real place's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import cos, degrees, radians
from random import Random

from demo.light import AFTERNOON, EVENING, MORNING, OVERCAST, Light
from demo.picture import Viewpoint
from demo.town import CORNER_EAST_M
from model.geo import EARTH_RADIUS_M, LatLon

POINT_NEMO = LatLon(-48.8767, -123.3933)

STATIONS = 12  # in each of the two streets
STATION_DISTANCE_M = 15.0
_FIRST_NORTH_M = 6.0  # of the second street
QUERIES = 12
_SIDEWAYS_DEG = 36.0  # between the direction of the walk and that of the camera
_FIRST_MORNING = datetime(2026, 1, 10, 17, 15, tzinfo=UTC)  # nine in the morning by the sun there


@dataclass(frozen=True)
class Shot:
    """A picture to be taken.

    Attributes:
        name: Of its file, without suffix.
        view: Where from.
        light: Time of day.
        time: When.
    """

    name: str
    view: Viewpoint
    light: Light
    time: datetime

    @property
    def position(self) -> LatLon:
        """On the Earth; the town is small enough for a plane."""
        latitude = POINT_NEMO.latitude + degrees(self.view.north_m / EARTH_RADIUS_M)
        parallel_m = EARTH_RADIUS_M * cos(radians(POINT_NEMO.latitude))
        return LatLon(latitude, POINT_NEMO.longitude + degrees(self.view.east_m / parallel_m))


@dataclass(frozen=True)
class Walk:
    """What is photographed.

    Attributes:
        database: The pictures of the map.
        queries: The pictures to ask with.
    """

    database: tuple[Shot, ...]
    queries: tuple[Shot, ...]


def whole_walk(seed: str) -> Walk:
    """Both streets, and all queries."""
    return Walk(tuple(database_shots()), tuple(query_shots(seed)))


def database_shots() -> Iterator[Shot]:
    """One walk on a clear morning: at every station a picture half to the left and one half to the right."""
    for street in (0, 1):
        for station in range(STATIONS):
            ahead_m = station * STATION_DISTANCE_M
            time = _FIRST_MORNING + timedelta(seconds=20 * (street * STATIONS + station))
            for side, turn_deg in (("left", -_SIDEWAYS_DEG), ("right", _SIDEWAYS_DEG)):
                name = f"{('compass-street', 'harbour-walk')[street]}-{ahead_m:03.0f}m-{side}"
                yield Shot(name, _viewpoint(street, ahead_m, 0.0, turn_deg), MORNING, time)


def query_shots(seed: str, count: int = QUERIES) -> Iterator[Shot]:
    """Other visits: anywhere on the walk, off its line, turned a little otherwise, at another time of day.

    The positions are spread evenly over the walk and then shifted at random; none was chosen for its result.
    """
    rng = Random(f"{seed} queries")
    street_m = (STATIONS - 1) * STATION_DISTANCE_M
    for number in range(count):
        walked_m = 2 * street_m * (number + rng.random()) / count
        street = int(walked_m // street_m)
        aside_m, turn_deg = rng.uniform(-1.5, 1.5), rng.choice((-1, 1)) * _SIDEWAYS_DEG + rng.uniform(-6, 6)
        view = _viewpoint(street, walked_m - street * street_m, aside_m, turn_deg)
        light = (AFTERNOON, OVERCAST, EVENING)[number % 3]
        time = _FIRST_MORNING + timedelta(days=3 + number % 3, hours=(5, 2, 9)[number % 3], minutes=4 * number)
        yield Shot(f"query-{number + 1:02d}", view, light, time)


def _viewpoint(street: int, ahead_m: float, aside_m: float, turn_deg: float) -> Viewpoint:
    """A place in the first street, which leads east, or in the second, which leads north."""
    if street == 0:
        return Viewpoint(ahead_m, -aside_m, (90 + turn_deg) % 360, 90)
    return Viewpoint(CORNER_EAST_M + aside_m, _FIRST_NORTH_M + ahead_m, turn_deg % 360, 0)
