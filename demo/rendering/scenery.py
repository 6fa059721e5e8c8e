"""The lasting things of a street: houses on both sides and across the ends, trees, lamps and others."""

from dataclasses import dataclass
from functools import lru_cache
from random import Random

import numpy as np

from demo.rendering.furniture import furnish
from demo.rendering.houses import House, corner_house, draw_house, neighbourhood
from demo.rendering.instances import BLOB_FLOATS, BOX_FLOATS, FACADE_FLOATS, Floats, Things, as_rows
from demo.rendering.masonry import add_house
from demo.rendering.plan import Street, streets
from demo.rendering.splits import SEED, STREET_LENGTH_M

BEFORE_M = 40.0  # length of the profile before a street's beginning, and after its end
_ROW_BEGIN_M, _ROW_END_M = -26.0, STREET_LENGTH_M + 26.0
_DEPTH_M = 10.0
_NARROWEST_M, _WIDEST_M = 5.0, 18.0


@dataclass(frozen=True)
class Standing:
    """Place a house in its street.

    Attributes:
        house: Its looks.
        side: -1 left, 1 right; 0 across an end.
        middle_m: Along the street.
        set_back_m: Behind the row.
    """

    house: House
    side: int
    middle_m: float
    set_back_m: float = 0.0


@dataclass(frozen=True)
class Scenery:
    """Hold a street, ready to be drawn.

    Attributes:
        street: Its axis.
        standing: Its houses.
        crossings: Where a street crosses: its middle and half its width, in metres along.
        facades: Walls.
        boxes: Everything with straight edges.
        roofs: Prisms.
        blobs: Crowns of trees.
        profile_m: ``(2, n)`` heights of the left and of the right row, at every metre from ``-BEFORE_M``.
    """

    street: Street
    standing: tuple[Standing, ...]
    crossings: tuple[tuple[float, float], ...]
    facades: Floats
    boxes: Floats
    roofs: Floats
    blobs: Floats
    profile_m: Floats


@lru_cache(maxsize=4)
def scenery(number: int) -> Scenery:
    """Return the scenery of a street; it is the same on every machine."""
    street = streets()[number]
    rng = Random(f"{SEED} scenery {number}")
    crossings = _crossings(rng)
    standing = tuple(_rows(street, crossings, rng))
    things = Things()
    profile_m = np.zeros((2, int(STREET_LENGTH_M + 2 * BEFORE_M)), dtype=np.float32)
    for one in standing:
        add_house(things, street, one.house, one.side, one.middle_m, one.set_back_m, _DEPTH_M)
        if one.side and not one.set_back_m:
            begin = round(one.middle_m - one.house.width_m / 2 + BEFORE_M)
            end = round(one.middle_m + one.house.width_m / 2 + BEFORE_M)
            profile_m[(one.side + 1) // 2, max(begin, 0) : end] = one.house.height_m
    furnish(things, street, crossings, rng)
    return Scenery(
        street,
        standing,
        crossings,
        as_rows(things.facades, FACADE_FLOATS),
        as_rows(things.boxes, BOX_FLOATS),
        as_rows(things.roofs, BOX_FLOATS),
        as_rows(things.blobs, BLOB_FLOATS),
        profile_m,
    )


def _crossings(rng: Random) -> tuple[tuple[float, float], ...]:
    """Return one or two streets that cross."""
    first_m = rng.uniform(35, 165)
    found = [(first_m, rng.uniform(4.5, 6.5))]
    if rng.random() < 0.6:
        second_m = rng.uniform(25, 175)
        if abs(second_m - first_m) > 55:
            found.append((second_m, rng.uniform(4.0, 6.0)))
    return tuple(sorted(found))


def _rows(street: Street, crossings: tuple[tuple[float, float], ...], rng: Random) -> list[Standing]:
    common = neighbourhood(street.number)
    found: list[Standing] = []
    for side in (-1, 1):
        at_m = _ROW_BEGIN_M
        gaps = [(middle - half, middle + half) for middle, half in crossings]
        while at_m < _ROW_END_M:
            gap = next((gap for gap in gaps if gap[1] > at_m), (1e9, 1e9))
            house = draw_house(common, rng)
            left_m = gap[0] - at_m
            if left_m < _NARROWEST_M:
                at_m = gap[1]
                continue
            if house.width_m > left_m - _NARROWEST_M:  # the last one reaches the corner
                house = corner_house(common, min(left_m, _WIDEST_M), rng)
            found.append(Standing(house, side, at_m + house.width_m / 2))
            at_m += house.width_m
            if rng.random() < 0.08:
                at_m += rng.uniform(1.5, 4.0)
        for middle_m, half_m in crossings:
            for end in (-1, 1):  # along the crossing street
                for back_m in (_DEPTH_M + 1.0, 2 * _DEPTH_M + 2.0):
                    house = draw_house(common, rng)
                    aside = middle_m + end * (half_m + house.width_m / 2)
                    found.append(Standing(house, side, aside, back_m))
            found.append(Standing(draw_house(common, rng), side, middle_m, 3.4 * _DEPTH_M))
    for end_m in (_ROW_BEGIN_M - 16.0, _ROW_END_M + 16.0):
        aside_m = -24.0
        while aside_m < 24:
            house = draw_house(common, rng)
            found.append(Standing(house, 0, end_m, aside_m + house.width_m / 2))
            aside_m += house.width_m
    return found
