"""A house in its street: walls, roof, and the parts that stand out of them."""

from math import cos, radians, sin
from random import Random

from demo.rendering.houses import Feature, House
from demo.rendering.instances import Surface, Things, has
from demo.rendering.plan import Street
from demo.rendering.splits import STREET_LENGTH_M

_STONE = (0.35, 0.33, 0.3)
_DARK = (0.02, 0.02, 0.025)


def add_house(
    things: Things, street: Street, house: House, side: int, along_m: float, set_back_m: float, depth_m: float
) -> None:
    """Add a house with everything on it.

    Args:
        things: The list to add the house to.
        street: Where it stands.
        house: Its looks.
        side: -1 left, 1 right; 0 across an end, where ``set_back_m`` is the distance from the axis.
        along_m: Place of its middle along the street.
        set_back_m: Distance of its front from the row.
        depth_m: Depth of the house.
    """
    turn_deg = street.turn_deg(along_m)
    if side == 0:
        base = street.local(along_m, set_back_m)
        yaw_deg = turn_deg + (90 if along_m < STREET_LENGTH_M / 2 else -90)
    else:
        base = street.local(along_m, side * (street.facade_m + set_back_m + depth_m / 2))
        yaw_deg = turn_deg + (180 if side < 0 else 0)
    # from here on the front is at -depth/2 aside: left of "along"
    half = (house.width_m / 2, depth_m / 2, house.height_m / 2)
    things.add_facade((*base, half[2]), half, yaw_deg, house)
    front_m = -depth_m / 2
    _add_roof(things, base, yaw_deg, house, depth_m)
    rng = Random(f"house {house.seed}")
    if has(house, Feature.CORNICE):
        offset = (0.0, front_m - 0.15, house.height_m - 0.15)
        things.add_relative_box(base, yaw_deg, offset, (half[0], 0.2, 0.18), house.trim)
    if has(house, Feature.AWNING):
        reach_m = rng.uniform(0.5, 0.9)
        offset = (0.0, front_m - reach_m, house.floor_m * 0.84)
        size = (half[0] * rng.uniform(0.5, 0.9), reach_m, 0.1)
        things.add_relative_box(base, yaw_deg, offset, size, house.accent, Surface.STRIPES)
    if has(house, Feature.SHOP) and rng.random() < 0.6:
        offset = (rng.uniform(-0.4, 0.4) * house.width_m, front_m - 0.6, house.floor_m * 1.18 + 0.6)
        things.add_relative_box(
            base, yaw_deg, offset, (0.06, 0.5, rng.uniform(0.35, 0.8)), house.accent, Surface.SIGN, house.seed % 997
        )
    if has(house, Feature.BAY) and house.height_m > 7:
        _add_bay(things, base, yaw_deg, house, front_m, rng)
    elif has(house, Feature.BALCONIES):
        _add_balconies(things, base, yaw_deg, house, front_m, rng)


def _add_roof(things: Things, base: tuple[float, float], yaw_deg: float, house: House, depth_m: float) -> None:
    half_m = house.width_m / 2
    rng = Random(f"roof {house.seed}")
    if has(house, Feature.FLAT_ROOF):
        things.add_relative_box(
            base, yaw_deg, (0, 0, house.height_m + 0.25), (half_m, depth_m / 2, 0.25), house.trim, Surface.FLAT_ROOF
        )
        if rng.random() < 0.5:
            offset = (rng.uniform(-0.25, 0.25) * house.width_m, 1.0, house.height_m + 1.4)
            things.add_relative_box(base, yaw_deg, offset, (1.6, 1.6, 1.2), house.wall)
        return
    rise_m = house.roof_height_m
    middle = (*base, house.height_m + rise_m / 2)
    things.add_roof(middle, (half_m, depth_m / 2 + 0.35, rise_m / 2), yaw_deg, house)
    at = rng.uniform(-0.7, 0.7) * half_m
    things.add_relative_box(base, yaw_deg, (at, -0.6, house.height_m + rise_m), (0.45, 0.35, 0.9), (0.22, 0.12, 0.09))
    if has(house, Feature.DORMERS) and rise_m > 2.4:
        count = max(1, int(house.width_m / 4))
        for number in range(count):
            along_m = (number + 0.5) / count * house.width_m - half_m
            offset = (along_m, -depth_m / 2 + 1.9, house.height_m + 1.1)
            things.add_relative_box(base, yaw_deg, offset, (0.75, 1.3, 0.8), house.trim)
            glass = (along_m, -depth_m / 2 + 0.62, house.height_m + 1.15)
            things.add_relative_box(base, yaw_deg, glass, (0.5, 0.05, 0.5), _DARK)


def _add_bay(
    things: Things, base: tuple[float, float], yaw_deg: float, house: House, front_m: float, rng: Random
) -> None:
    """Add a part of the facade that stands out over the ground floor."""
    low_m, high_m = house.floor_m * 1.18 + 0.1, house.height_m - 0.8
    half_m, reach_m = max(1.2, house.pitch_m * 0.5), rng.uniform(0.35, 0.6)
    along_m = rng.uniform(-0.6, 0.6) * (house.width_m / 2 - half_m)
    yaw = radians(yaw_deg)
    x_m = base[0] + along_m * sin(yaw) + (front_m - reach_m) * cos(yaw)
    y_m = base[1] + along_m * cos(yaw) - (front_m - reach_m) * sin(yaw)
    things.add_facade((x_m, y_m, (low_m + high_m) / 2), (half_m, reach_m, (high_m - low_m) / 2), yaw_deg, house)
    for z_m in (low_m - 0.1, high_m + 0.12):
        offset = (along_m, front_m - reach_m, z_m)
        things.add_relative_box(base, yaw_deg, offset, (half_m + 0.12, reach_m + 0.12, 0.12), house.trim)


def _add_balconies(
    things: Things, base: tuple[float, float], yaw_deg: float, house: House, front_m: float, rng: Random
) -> None:
    columns = max(1, round(house.width_m / house.pitch_m))
    floors = max(1, round((house.height_m - house.floor_m * 1.18 - 0.7) / house.floor_m))
    chosen = rng.sample(range(columns), max(1, columns // 2))
    half_m = min(1.0, house.width_m / columns * 0.45)
    for floor in range(floors):
        for column in chosen:
            along_m = (column + 0.5) * house.width_m / columns - house.width_m / 2
            z_m = house.floor_m * (1.18 + floor)
            slab, rail = (along_m, front_m - 0.45, z_m + 0.1), (along_m, front_m - 0.85, z_m + 0.65)
            things.add_relative_box(base, yaw_deg, slab, (half_m, 0.45, 0.09), _STONE)
            things.add_relative_box(base, yaw_deg, rail, (half_m, 0.05, 0.45), house.accent, Surface.RAIL)
