"""The body of a house behind its facade: side walls, roof and chimney."""

from collections.abc import Sequence
from math import sqrt

from demo.camera import Point
from demo.canvas import Canvas
from demo.facade import gable_rise_m, paint_facade
from demo.house import House, Roof
from demo.light import Color
from demo.wall import Frame, WallPainter, mixed

_OVERHANG_M = 0.35


def paint_house(canvas: Canvas, house: House) -> None:
    """A whole house, from back to front."""
    frame, width, depth = house.frame, house.width_m, house.depth_m
    if house.has_chimney:
        _paint_chimney(canvas, house)
    right_wall = Frame(frame.at(width, 0), (-frame.normal[0], -frame.normal[1]))
    left_wall = Frame(frame.at(0, 0, -depth), (frame.normal[0], frame.normal[1]))
    back_wall = Frame(frame.at(width, 0, -depth), (-frame.along[0], -frame.along[1]))
    for wall, length in ((back_wall, width), (left_wall, depth), (right_wall, depth)):
        if canvas.is_turned_here(wall.origin, wall.normal):
            _paint_plain_wall(canvas, house, wall, length)
    _paint_roof(canvas, house)
    if canvas.is_turned_here(frame.origin, frame.normal):
        paint_facade(WallPainter(canvas, frame), house)


def _paint_plain_wall(canvas: Canvas, house: House, wall: Frame, length_m: float) -> None:
    painter = WallPainter(canvas, wall)
    plain = mixed(house.wall, (150, 140, 130), 0.25)
    painter.rectangle(0, 0, length_m, house.eaves_m, plain)
    if house.roof is Roof.EAVES and length_m == house.depth_m:
        painter.shape(
            [(0, house.eaves_m), (length_m, house.eaves_m), (length_m / 2, house.eaves_m + gable_rise_m(house))], plain
        )
    for storey in range(1, house.storeys):
        low = storey * house.storey_m + 1
        for left in (length_m * 0.22, length_m * 0.62):
            painter.rectangle(left, low, left + 0.9, low + 1.3, house.trim, 0.02)
            painter.rectangle(left + 0.1, low + 0.1, left + 0.8, low + 1.2, (74, 92, 112), 0.025)


def _paint_roof(canvas: Canvas, house: House) -> None:
    if house.roof is Roof.FLAT:
        return
    frame, width, depth, eaves = house.frame, house.width_m, house.depth_m, house.eaves_m
    top = eaves + gable_rise_m(house)
    (out_east, out_north, _), (right_east, right_north, _) = frame.normal, frame.right
    slopes: list[tuple[list[Point], Point]]
    if house.roof is Roof.EAVES:
        drop = _OVERHANG_M * (top - eaves) * 2 / depth
        ridge = [frame.at(width, top, -depth / 2), frame.at(0, top, -depth / 2)]
        slopes = [
            ([frame.at(0, eaves, -depth), frame.at(width, eaves, -depth), *ridge], (-out_east, -out_north, 1)),
            (
                [frame.at(0, eaves - drop, _OVERHANG_M), frame.at(width, eaves - drop, _OVERHANG_M), *ridge],
                (out_east, out_north, 1),
            ),
        ]
    else:
        ridge = [frame.at(width / 2, top, 0), frame.at(width / 2, top, -depth)]
        slopes = [
            ([frame.at(width, eaves, -depth), frame.at(width, eaves), *ridge], (right_east, right_north, 1)),
            ([frame.at(0, eaves, -depth), frame.at(0, eaves), *ridge], (-right_east, -right_north, 1)),
        ]
    for corners, (east, north, up) in slopes:
        # About 45°: near enough for the light, and for the question which side one sees.
        normal = (east * sqrt(0.5), north * sqrt(0.5), up * sqrt(0.5))
        if canvas.is_turned_here(corners[0], normal):
            _paint_slope(canvas, corners, house.tiles, normal)
    if house.roof is Roof.EAVES and house.columns >= 3:
        _paint_dormer(canvas, house, width * 0.42)


def _paint_slope(canvas: Canvas, corners: Sequence[Point], tiles: Color, normal: Point) -> None:
    canvas.face(corners, tiles, normal)
    low_left, low_right, high_right, high_left = corners
    rows = 12
    for row in range(rows):
        share, next_share = row / rows, (row + 0.35) / rows
        strip = [_between(low_left, high_left, share), _between(low_right, high_right, share)]
        strip += [_between(low_right, high_right, next_share), _between(low_left, high_left, next_share)]
        canvas.face(strip, mixed(tiles, (0, 0, 0), 0.14), normal)


def _paint_chimney(canvas: Canvas, house: House) -> None:
    """Painted before walls and roof, which then hide its foot."""
    low = house.eaves_m + (0.0 if house.roof is Roof.FLAT else 0.6 * gable_rise_m(house))
    painter = WallPainter(canvas, house.frame.moved(house.width_m * 0.28, 0, -house.depth_m * 0.45))
    painter.box(0, low, 0.7, low + 2.3, 0.6, (158, 92, 74))
    painter.box(-0.08, low + 2.3, 0.78, low + 2.45, 0.68, (120, 116, 112), back=-0.08)
    painter.box(0.2, low + 2.45, 0.5, low + 2.85, 0.45, (190, 110, 80), back=0.15)


def _paint_dormer(canvas: Canvas, house: House, along: float) -> None:
    painter = WallPainter(canvas, house.frame.moved(along, 0, -0.9))
    low = house.eaves_m + 0.35
    painter.box(0, low, 1.5, low + 1.3, 0, mixed(house.wall, house.trim, 0.5), back=-1.6)
    painter.rectangle(0.25, low + 0.2, 1.25, low + 1.15, house.trim, 0.02)
    painter.rectangle(0.35, low + 0.28, 1.15, low + 1.07, (74, 92, 112), 0.03)
    painter.rectangle(0.72, low + 0.28, 0.78, low + 1.07, house.trim, 0.035)
    painter.shape([(-0.2, low + 1.28), (1.7, low + 1.28), (0.75, low + 2.0)], house.tiles, 0.1)


def _between(start: Point, end: Point, share: float) -> Point:
    east, north, up = (a + (b - a) * share for a, b in zip(start, end, strict=True))
    return east, north, up
