"""The demo town: one street to the east, one to the north, and the sea at its end."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from demo.house import SHOPS, House, draw_house
from demo.street import Kind, Thing
from demo.wall import Frame

SEED = "nemo"
STREET_HALF_M = 8.0  # from the middle of a street to its houses
CARRIAGEWAY_HALF_M = 5.0  # the rest is pavement
CORNER_EAST_M = 180.0  # where the street to the north begins
END_NORTH_M = 190.0  # where its houses end
SHORE_NORTH_M = 199.0

_HOUSE_DEPTH_M = 9.0
_BEGIN_EAST_M = -16.0


@dataclass(frozen=True)
class Town:
    """Everything that stands in the town.

    Attributes:
        houses: Of all rows.
        things: Trees, lamps, benches and the like.
        seed: What it was drawn from.
    """

    houses: tuple[House, ...]
    things: tuple[Thing, ...]
    seed: str


def draw_town(seed: str) -> Town:
    """The town of a seed; the same seed gives the same town on every machine."""
    rng = Random(f"{seed} town")
    shops = rng.sample(SHOPS, len(SHOPS))
    rows = (
        (Frame((_BEGIN_EAST_M, STREET_HALF_M, 0), (1, 0)), CORNER_EAST_M - STREET_HALF_M - _BEGIN_EAST_M),
        (
            Frame((CORNER_EAST_M + STREET_HALF_M, -STREET_HALF_M, 0), (-1, 0)),
            CORNER_EAST_M + STREET_HALF_M - _BEGIN_EAST_M,
        ),
        (
            Frame((CORNER_EAST_M - STREET_HALF_M, STREET_HALF_M + _HOUSE_DEPTH_M, 0), (0, 1)),
            END_NORTH_M - STREET_HALF_M - _HOUSE_DEPTH_M,
        ),
        (Frame((CORNER_EAST_M + STREET_HALF_M, END_NORTH_M, 0), (0, -1)), END_NORTH_M + STREET_HALF_M),
    )
    houses: list[House] = []
    for number, (frame, length_m) in enumerate(rows):
        houses += _draw_row(frame, length_m, f"{seed} row {number}", shops)
    things: list[Thing] = []
    for number, (start, along, length_m) in enumerate(
        (
            ((_BEGIN_EAST_M, 0.0, 0.0), (1.0, 0.0), CORNER_EAST_M - 9 - _BEGIN_EAST_M),
            ((CORNER_EAST_M, 9.0, 0.0), (0.0, 1.0), END_NORTH_M - 9),
        )
    ):
        things += _furnish(Frame(start, along), length_m, f"{seed} street {number}")
    return Town(tuple(houses), tuple(things), seed)


def _draw_row(frame: Frame, length_m: float, seed: str, shops: list[str]) -> Iterator[House]:
    """Houses wall to wall; the last one takes what is left."""
    rng = Random(seed)
    at, neighbour = 0.0, None
    while at < length_m - 1:
        width_m = rng.uniform(6.5, 11.0)
        if length_m - at - width_m < 6.5:
            width_m = min(length_m - at, 12.5)
        shop = shops.pop() if shops and rng.random() < 0.55 else None
        neighbour = draw_house(frame.moved(at), width_m, f"{seed} {at:.2f}", shop, neighbour)
        yield neighbour
        at += width_m


def _furnish(axis: Frame, length_m: float, seed: str) -> Iterator[Thing]:
    """Things along both pavements of a street whose middle is ``axis``."""
    rng = Random(seed)
    for side in (-1, 1):
        at = rng.uniform(2, 6)
        while at < length_m:
            kind = rng.choices(
                (Kind.TREE, Kind.LAMP, Kind.BENCH, Kind.TUB, Kind.TABLE, Kind.POST_BOX), (3, 3, 2, 3, 2, 1)
            )[0]
            by_the_kerb = kind in (Kind.TREE, Kind.LAMP, Kind.POST_BOX)
            frame = axis.moved(at, 0, side * (5.7 if by_the_kerb else 6.9))
            facing = frame if side < 0 else Frame(frame.origin, (-frame.along[0], -frame.along[1]))
            yield Thing(kind, facing, f"{seed} {side} {at:.2f}")
            at += rng.uniform(3.5, 7.5)
    at = rng.uniform(12, 30)
    while at < length_m:
        yield Thing(Kind.PENNANTS, axis.moved(at), f"{seed} pennants {at:.2f}")
        at += rng.uniform(24, 44)
