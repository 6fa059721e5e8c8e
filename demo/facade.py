"""A house's wall to the street: its surface, its windows floor by floor, its balcony and its cornice."""

from itertools import pairwise
from random import Random

from demo.house import House, Roof, Surface
from demo.light import Color
from demo.openings import paint_door, paint_flower_box, paint_shop_front, paint_window
from demo.wall import WallPainter, mixed, varied

Outline = list[tuple[float, float]]
_BEAM: Color = (96, 66, 48)
_COARSE_PX_PER_M = 14.0  # below this a brick is smaller than a pixel of the finished picture


def gable_outline(house: House) -> Outline:
    """The upper edge of the wall from right to left, as far as it rises above the eaves."""
    width, eaves = house.width_m, house.eaves_m
    rise = gable_rise_m(house)
    if house.roof is Roof.GABLE:
        return [(width, eaves), (width / 2, eaves + rise), (0, eaves)]
    if house.roof is Roof.STEPPED:
        steps, outline = 4, []
        for step in range(steps):
            inset = step * width / 2 / (steps + 0.5)
            outline += [(width - inset, eaves + (step + 0.55) * rise / steps)]
            outline += [(width - inset - width / 2 / (steps + 0.5), eaves + (step + 0.55) * rise / steps)]
        return [*outline, *[(width - along, up) for along, up in reversed(outline)]]
    if house.roof is Roof.NECK:
        neck, shoulder = width * 0.24, eaves + 0.35 * rise
        right: Outline = [(width, eaves), (width * 0.93, shoulder), (width / 2 + neck, shoulder + 0.2)]
        right += [(width / 2 + neck, eaves + rise), (width / 2 + neck * 0.5, eaves + rise * 1.18)]
        return [*right, *[(width - along, up) for along, up in reversed(right)]]
    if house.roof is Roof.FLAT:
        return [(width, eaves + rise), (0, eaves + rise)]
    return [(width, eaves), (0, eaves)]


def gable_rise_m(house: House) -> float:
    """How far the roof, or the parapet, rises above the eaves."""
    return 0.7 if house.roof is Roof.FLAT else min(4.2, house.width_m * 0.42)


def paint_facade(painter: WallPainter, house: House) -> None:
    """The whole wall."""
    rng = Random(f"{house.seed} facade")
    painter.shape([(0, 0), (house.width_m, 0), *gable_outline(house)], house.wall)
    middle = painter.frame.at(house.width_m / 2, 2)
    is_near = painter.canvas.camera.pixels_per_m(middle) > _COARSE_PX_PER_M
    if is_near or house.surface is Surface.TIMBER:
        _paint_surface(painter, house, Random(f"{house.seed} surface"))
    _paint_floors(painter, house, rng)
    _paint_top(painter, house, rng)
    painter.shadow(0, 0, house.width_m, 0.35, 0.10)
    painter.shadow(0, 0, 0.12, house.eaves_m, 0.10)


def _paint_surface(painter: WallPainter, house: House, rng: Random) -> None:
    width, high = house.width_m, house.eaves_m
    if house.surface is Surface.BRICK:
        for _ in range(int(width * high * 2.6)):
            row = rng.randrange(int(high / 0.125))
            left = rng.uniform(0, width - 0.3) // 0.14 * 0.14 + (row % 2) * 0.07
            color = varied(house.wall, rng, 24)
            painter.rectangle(left, row * 0.125 + 0.015, left + 0.26, row * 0.125 + 0.11, color, 0.005)
    elif house.surface is Surface.BOARDS:
        dark = mixed(house.wall, (0, 0, 0), 0.16)
        for row in range(1, int(high / 0.24)):
            painter.rectangle(0, row * 0.24, width, row * 0.24 + 0.035, dark, 0.005)
    elif house.surface is Surface.TIMBER:
        _paint_timber(painter, house, rng)
    else:
        for _ in range(int(width * 2.2)):
            left, low = rng.uniform(0, width - 1.2), rng.uniform(0.2, high - 0.6)
            stain = [
                (left, low),
                (left + rng.uniform(0.4, 1.2), low + 0.05),
                (left + 0.9, low + 0.4),
                (left + 0.1, low + 0.3),
            ]
            painter.shape(stain, varied(house.wall, rng, 9), 0.004)
        for row in range(int(high / 0.55)):
            for left in (0.0, width - (0.55 if row % 2 else 0.38)):
                block = mixed(house.wall, house.trim, 0.35)
                painter.rectangle(left, row * 0.55, left + (0.55 if row % 2 else 0.38), row * 0.55 + 0.5, block, 0.006)


def _paint_timber(painter: WallPainter, house: House, rng: Random) -> None:
    bays = house.columns + 1
    for storey in range(1, house.storeys + 1):
        low = storey * house.storey_m
        painter.rectangle(0, low - 0.09, house.width_m, low + 0.09, _BEAM, 0.01)
    for bay in range(bays + 1):
        at = min(house.width_m - 0.16, bay * house.width_m / bays)
        painter.rectangle(at, house.storey_m, at + 0.16, house.eaves_m, _BEAM, 0.01)
    for storey in range(1, house.storeys):
        for bay in range(bays):
            if rng.random() < 0.4:
                left, right = bay * house.width_m / bays, (bay + 1) * house.width_m / bays
                low, high = storey * house.storey_m, (storey + 1) * house.storey_m
                start, end = (left, right) if rng.random() < 0.5 else (right, left)
                painter.shape([(start, low), (start + 0.18, low), (end + 0.18, high), (end, high)], _BEAM, 0.009)


def _paint_floors(painter: WallPainter, house: House, rng: Random) -> None:
    bay = house.width_m / house.columns
    width = min(1.15, bay * (0.42 if house.has_shutters else 0.52))
    middles = [bay * (column + 0.5) for column in range(house.columns)]
    for storey in range(1, house.storeys):
        sill = storey * house.storey_m + 0.95
        if storey == 1 and house.shop is None and rng.random() < 0.7:
            painter.box(
                0, storey * house.storey_m + 0.2, house.width_m, storey * house.storey_m + 0.36, 0.1, house.trim
            )
        for middle in middles:
            paint_window(painter, house, middle, sill, width, rng)
    if house.roof in (Roof.GABLE, Roof.STEPPED, Roof.NECK):
        paint_window(painter, house, house.width_m / 2, house.eaves_m + 0.25, min(0.95, house.width_m * 0.16), rng)
    if house.shop is not None:
        paint_shop_front(painter, house, rng)
    else:
        door = rng.randrange(house.columns)
        for column, middle in enumerate(middles):
            if column == door:
                paint_door(painter, house, middle, rng)
            else:
                paint_window(painter, house, middle, 0.95, width, rng)
    if house.has_balcony:
        _paint_balcony(painter, house, rng)


def _paint_balcony(painter: WallPainter, house: House, rng: Random) -> None:
    bay = house.width_m / house.columns
    left = bay * rng.randrange(max(1, house.columns - 1)) + 0.15
    right, low = min(house.width_m - 0.2, left + 2 * bay - 0.3), house.storey_m + 0.55
    painter.box(left, low, right, low + 0.14, 0.9, mixed(house.trim, (120, 120, 120), 0.2))
    rail = (58, 58, 66)
    for number in range(int((right - left) / 0.22) + 1):
        at = left + number * 0.22
        painter.canvas.line(painter.frame.at(at, low + 0.1, 0.86), painter.frame.at(at, low + 1.0, 0.86), 0.02, rail)
    painter.canvas.line(painter.frame.at(left, low + 1.0, 0.86), painter.frame.at(right, low + 1.0, 0.86), 0.05, rail)
    paint_flower_box(painter, left + 0.2, low + 0.75, (right - left) * 0.6, 1.05, rng)


def _paint_top(painter: WallPainter, house: House, rng: Random) -> None:
    outline = gable_outline(house)
    if house.roof in (Roof.FLAT, Roof.EAVES):
        high = outline[0][1]
        painter.shadow(0, high - 0.62, house.width_m, high - 0.28, 0.16)
        painter.box(-0.08, high - 0.28, house.width_m + 0.08, high, 0.34, house.trim)
        if house.roof is Roof.FLAT:
            for number in range(int(house.width_m / 0.5)):
                painter.box(0.15 + number * 0.5, high - 0.46, 0.32 + number * 0.5, high - 0.28, 0.24, house.trim)
        return
    for (x0, y0), (x1, y1) in pairwise(outline):
        painter.shape([(x0, y0), (x1, y1), (x1, y1 - 0.2), (x0, y0 - 0.2)], house.trim, 0.05)
        if house.roof is Roof.STEPPED and abs(y0 - y1) < 0.01:
            painter.box(min(x0, x1) - 0.05, y0, max(x0, x1) + 0.05, y0 + 0.12, 0.12, house.trim, back=-0.3)
    if rng.random() < 0.6:
        painter.canvas.disc(
            painter.frame.at(house.width_m / 2, house.eaves_m + gable_rise_m(house) * 0.72, 0.06), 0.22, house.trim
        )
