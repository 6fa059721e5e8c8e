"""Trees, lamps, benches, hedges and bins along the pavements."""

from math import cos, pi, sin
from random import Random

from demo.rendering.instances import Surface, Things
from demo.rendering.plan import Street
from demo.rendering.splits import STREET_LENGTH_M

LAMP_HEIGHT_M = 5.6
_IRON = (0.03, 0.035, 0.035)
_BARK = (0.09, 0.065, 0.045)
_GREENS = ((0.10, 0.20, 0.04), (0.07, 0.16, 0.05), (0.16, 0.22, 0.04), (0.20, 0.15, 0.03), (0.05, 0.13, 0.06))


def furnish(things: Things, street: Street, crossings: tuple[tuple[float, float], ...], rng: Random) -> None:
    """Add everything that stands on the pavements of a street."""
    _add_lamps(things, street)
    green, is_leafy = rng.choice(_GREENS), rng.random() < 0.7
    for side in (-1, 1):
        at_m = -20 + rng.uniform(0, 8)
        has_trees = is_leafy and rng.random() < 0.75
        while at_m < STREET_LENGTH_M + 20:
            if all(abs(at_m - middle) > half + 1.5 for middle, half in crossings):
                if has_trees and rng.random() < 0.75:
                    _add_tree(things, street, at_m, side * (street.carriageway_m + 0.9), green, rng)
                else:
                    _add_small(things, street, at_m, side, rng)
            at_m += rng.uniform(6, 13)


def lamps_m(street: Street) -> list[tuple[float, float]]:
    """Place the lamps: metres along and aside."""
    count = int((STREET_LENGTH_M + 40) / street.lamp_pitch_m)
    first = -int((street.lamp_phase_m + 20) / street.lamp_pitch_m)
    aside_m = street.carriageway_m + 0.45
    return [
        (street.lamp_phase_m + number * street.lamp_pitch_m, aside_m if number % 2 == 0 else -aside_m)
        for number in range(first, first + count + 1)
    ]


def _add_lamps(things: Things, street: Street) -> None:
    for along_m, aside_m in lamps_m(street):
        base, yaw_deg = street.local(along_m, aside_m), street.turn_deg(along_m)
        inward = -1.0 if aside_m > 0 else 1.0
        things.add_box((*base, LAMP_HEIGHT_M / 2), (0.07, 0.07, LAMP_HEIGHT_M / 2), yaw_deg, _IRON)
        things.add_relative_box(base, yaw_deg, (0, inward * 0.5, LAMP_HEIGHT_M), (0.05, 0.55, 0.05), _IRON)
        things.add_relative_box(
            base, yaw_deg, (0, inward * 0.95, LAMP_HEIGHT_M - 0.1), (0.16, 0.28, 0.09), (0.6, 0.58, 0.5), Surface.LAMP
        )


def _add_tree(
    things: Things, street: Street, along_m: float, aside_m: float, green: tuple[float, float, float], rng: Random
) -> None:
    base, yaw_deg = street.local(along_m, aside_m), rng.uniform(0, 90)
    trunk_m, radius_m = rng.uniform(2.4, 3.4), rng.uniform(1.2, 2.1)
    things.add_box((*base, trunk_m / 2 + 0.3), (0.13, 0.13, trunk_m / 2 + 0.3), yaw_deg, _BARK)
    shade = rng.uniform(0.8, 1.25)
    colour = (green[0] * shade * rng.uniform(0.85, 1.15), green[1] * shade, green[2] * shade)
    tall_m = radius_m * rng.uniform(0.9, 1.5)
    seed = float(rng.randrange(1000))
    things.add_blob((*base, trunk_m + tall_m * 0.9), (radius_m, tall_m), colour, seed, 1.0)
    for number in range(1, 4):
        way, out_m = rng.uniform(0, 2 * pi), radius_m * rng.uniform(0.45, 0.8)
        bough = (base[0] + out_m * sin(way), base[1] + out_m * cos(way), trunk_m + tall_m * rng.uniform(0.4, 1.6))
        size = rng.uniform(0.4, 0.7)
        things.add_blob(bough, (radius_m * size, tall_m * size), colour, seed + number, 1.0)


def _add_small(things: Things, street: Street, along_m: float, side: int, rng: Random) -> None:
    kind = rng.choice(("bench", "bin", "hedge", "bollards", "box", "pillar", "planter", "sign"))
    aside_m = side * (street.carriageway_m + 0.8)
    base, yaw_deg = street.local(along_m, aside_m), street.turn_deg(along_m)
    if kind == "bench":
        wood = (0.2, 0.1, 0.05)
        things.add_box((*base, 0.45), (0.9, 0.22, 0.05), yaw_deg, wood)
        things.add_relative_box(base, yaw_deg, (0, -side * 0.22, 0.7), (0.9, 0.03, 0.2), wood)
        things.add_box((*base, 0.2), (0.75, 0.15, 0.2), yaw_deg, _IRON)
    elif kind == "bin":
        things.add_box((*base, 0.5), (0.25, 0.25, 0.5), yaw_deg, rng.choice(((0.02, 0.12, 0.05), (0.15, 0.15, 0.16))))
    elif kind == "hedge":
        size = (rng.uniform(1.2, 2.6), 0.35, rng.uniform(0.4, 0.65))
        things.add_box((*base, size[2]), size, yaw_deg, (0.05, 0.14, 0.035), Surface.HEDGE, rng.randrange(100))
    elif kind == "bollards":
        for number in range(4):
            things.add_relative_box(base, yaw_deg, (number * 1.2, -0.3 * side, 0.45), (0.07, 0.07, 0.45), _IRON)
    elif kind == "box":
        colour = rng.choice(((0.55, 0.03, 0.02), (0.6, 0.45, 0.03), (0.03, 0.08, 0.3)))
        things.add_box((*base, 0.75), (0.28, 0.25, 0.75), yaw_deg, colour)
    elif kind == "pillar":
        shape = (0.6, 0.6, 1.5)
        things.add_box((*base, 1.5), shape, yaw_deg + 30, (0.5, 0.5, 0.45), Surface.SIGN, rng.randrange(900))
        things.add_box((*base, 3.1), (0.7, 0.7, 0.12), yaw_deg + 30, (0.04, 0.12, 0.08))
    elif kind == "planter":
        things.add_box((*base, 0.3), (0.6, 0.4, 0.3), yaw_deg, (0.3, 0.28, 0.25))
        flower = rng.choice(((0.5, 0.08, 0.12), (0.5, 0.35, 0.05), (0.3, 0.1, 0.4), (0.08, 0.25, 0.06)))
        things.add_blob((*base, 0.75), (0.55, 0.3), flower, float(rng.randrange(1000)), 1.0)
    else:
        things.add_box((*base, 1.3), (0.04, 0.04, 1.3), yaw_deg, (0.3, 0.3, 0.32))
        colour = rng.choice(((0.55, 0.03, 0.02), (0.02, 0.08, 0.4), (0.6, 0.5, 0.05)))
        things.add_relative_box(base, yaw_deg, (0, 0, 2.4), (0.04, 0.32, 0.32), colour)
