"""Windows, doors and shop fronts."""

from math import cos, pi, sin
from random import Random

from demo.house import House
from demo.light import Color
from demo.wall import WallPainter, mixed, varied

_GLASS: Color = (74, 92, 112)
_REFLECTION: Color = (156, 180, 198)
_LAMPLIGHT: Color = (255, 214, 130)
_CURTAIN: Color = (226, 218, 206)
_PETALS: tuple[Color, ...] = ((214, 48, 66), (246, 132, 160), (250, 214, 80), (246, 246, 246), (168, 84, 190))
_LEAF: Color = (72, 118, 62)
_GOODS: tuple[Color, ...] = (
    (222, 160, 92),
    (196, 72, 66),
    (238, 226, 200),
    (92, 140, 124),
    (236, 190, 70),
    (86, 96, 150),
)


def paint_window(painter: WallPainter, house: House, middle: float, sill: float, width: float, rng: Random) -> None:
    """A window with frame, bars, reflection and sill, and what its house has besides."""
    left, right, top = middle - width / 2, middle + width / 2, sill + 1.45
    is_lit = rng.random() < painter.canvas.light.lit_windows
    tone, curtain, reflection = rng.random(), rng.random(), rng.uniform(0.15, 0.6)
    painter.rectangle(left - 0.11, sill - 0.08, right + 0.11, top + 0.11, house.trim, 0.03)
    glass = _LAMPLIGHT if is_lit else varied(_GLASS, rng, 16)
    if house.has_arches:
        arch = [
            (middle + cos(step * pi / 8) * width / 2, top + 0.1 + sin(step * pi / 8) * width * 0.32)
            for step in range(9)
        ]
        painter.shape([(x + (x - middle) * 0.2, y + 0.11) for x, y in arch], house.trim, 0.03)
        painter.shape(arch, glass, 0.035)
    painter.rectangle(left, sill, right, top, glass, 0.035)
    if not is_lit:
        at = left + reflection * width
        outline = [(at, sill), (min(right, at + 0.3), sill), (min(right, at + 0.62), top), (min(right, at + 0.3), top)]
        painter.shape(outline, mixed(_GLASS, _REFLECTION, 0.4 + 0.5 * tone), 0.036)
    if curtain < 0.45:
        for side, inner in ((left, left + 0.26 * width), (right, right - 0.26 * width)):
            painter.shape(
                [(side, sill), (inner, sill + 0.1), (inner - (inner - side) * 0.4, top), (side, top)], _CURTAIN, 0.037
            )
    bar = 0.035
    painter.rectangle(middle - bar, sill, middle + bar, top, house.trim, 0.04)
    for height in (sill + 0.95,) if tone < 0.5 else (sill + 0.48, sill + 0.97):
        painter.rectangle(left, height - bar, right, height + bar, house.trim, 0.04)
    if house.has_shutters:
        for start in (left - 0.16 - 0.42, right + 0.16):
            painter.rectangle(start, sill - 0.05, start + 0.42, top + 0.05, house.accent, 0.06)
            for slat in range(7):
                low = sill + 0.06 + slat * 0.2
                painter.rectangle(
                    start + 0.06, low, start + 0.36, low + 0.08, mixed(house.accent, (0, 0, 0), 0.25), 0.062
                )
    painter.shadow(left - 0.1, sill - 0.34, right + 0.1, sill - 0.13, 0.18)
    painter.box(left - 0.16, sill - 0.13, right + 0.16, sill - 0.03, 0.16, house.trim)
    if house.has_flowers and rng.random() < 0.6:
        paint_flower_box(painter, left, sill - 0.03, width, 0.3, rng)


def paint_flower_box(painter: WallPainter, left: float, low: float, width: float, out: float, rng: Random) -> None:
    """A box full of flowers in one colour."""
    petals = rng.choice(_PETALS)
    painter.box(left, low, left + width, low + 0.2, out, (120, 76, 52), back=0.05)
    for _ in range(int(width * 12)):
        at = painter.frame.at(left + rng.uniform(0, width), low + rng.uniform(0.16, 0.42), out - rng.uniform(0, 0.12))
        painter.canvas.disc(at, rng.uniform(0.06, 0.1), rng.choice((_LEAF, petals, petals)))


def paint_door(painter: WallPainter, house: House, middle: float, rng: Random) -> None:
    """A front door with panels, a fanlight, a step and a lamp."""
    left, right, top = middle - 0.55, middle + 0.55, 2.2
    painter.rectangle(left - 0.16, 0, right + 0.16, top + 0.62, house.trim, 0.04)
    painter.rectangle(left, 0.15, right, top, house.accent, 0.05)
    painter.rectangle(left, top + 0.08, right, top + 0.48, varied(_GLASS, rng, 12), 0.05)
    panel = mixed(house.accent, (0, 0, 0), 0.22)
    for low, high in ((0.3, 0.95), (1.1, 2.05)):
        for start in (left + 0.1, middle + 0.06):
            painter.rectangle(start, low, start + 0.39, high, panel, 0.052)
    painter.canvas.disc(painter.frame.at(right - 0.1, 1.05, 0.08), 0.045, (236, 200, 90))
    painter.box(left - 0.3, 0, right + 0.3, 0.15, 0.55, (170, 166, 160))
    if rng.random() < 0.5:
        painter.box(left - 0.35, top + 0.6, right + 0.35, top + 0.72, 0.7, house.trim)
    painter.canvas.disc(painter.frame.at(right + 0.42, 1.95, 0.18), 0.11, _LAMPLIGHT, 1.1)


def paint_shop_front(painter: WallPainter, house: House, rng: Random) -> None:
    """Shop windows with goods, a door, a sign and a striped awning over the whole ground floor."""
    width, high = house.width_m, house.storey_m - 0.55
    painter.rectangle(0.25, 0, width - 0.25, high + 0.45, house.accent, 0.05)
    door = rng.choice((0.9, width / 2, width - 0.9))
    painter.rectangle(door - 0.5, 0.1, door + 0.5, high - 0.1, house.trim, 0.06)
    painter.rectangle(door - 0.38, 0.5, door + 0.38, high - 0.25, varied(_GLASS, rng, 14), 0.065)
    for left, right in ((0.45, door - 0.65), (door + 0.65, width - 0.45)):
        if right - left > 0.8:
            _paint_shop_window(painter, house, left, right, high, rng)
    painter.box(0.2, high, width - 0.2, high + 0.62, 0.16, mixed(house.accent, (0, 0, 0), 0.2))
    if house.shop is not None:
        length = min(width - 0.9, 0.42 * len(house.shop))
        sign = painter.frame.rectangle((width - length) / 2, high + 0.1, (width + length) / 2, high + 0.54, 0.17)
        painter.canvas.text(sign, house.shop, (252, 240, 206))
    if rng.random() < 0.72:
        _paint_awning(painter, house, high - 0.05, rng)


def _paint_shop_window(painter: WallPainter, house: House, left: float, right: float, high: float, rng: Random) -> None:
    painter.rectangle(left - 0.08, 0.62, right + 0.08, high - 0.1, house.trim, 0.06)
    is_lit = rng.random() < 2 * painter.canvas.light.lit_windows
    painter.rectangle(left, 0.7, right, high - 0.18, _LAMPLIGHT if is_lit else varied(_GLASS, rng, 14), 0.065)
    at = left + 0.1
    while at < right - 0.3:
        size = rng.uniform(0.16, 0.36)
        painter.rectangle(at, 0.7, at + size, 0.7 + rng.uniform(0.18, 0.7), rng.choice(_GOODS), 0.067)
        at += size + rng.uniform(0.04, 0.16)
    slant = left + rng.uniform(0.1, 0.5) * (right - left)
    painter.shape(
        [(slant, 0.7), (slant + 0.25, 0.7), (slant + 0.75, high - 0.18), (slant + 0.5, high - 0.18)],
        (130, 152, 170),
        0.069,
    )


def _paint_awning(painter: WallPainter, house: House, high: float, rng: Random) -> None:
    frame, canvas = painter.frame, painter.canvas
    stripes = max(6, round(house.width_m / 0.42))
    step, out, drop = (house.width_m - 0.5) / stripes, rng.uniform(1.0, 1.35), 0.55
    other = rng.choice(((250, 246, 236), (250, 246, 236), mixed(house.accent, (255, 220, 150), 0.65)))
    painter.shadow(0.25, 0.05, house.width_m - 0.25, high - drop, 0.16)
    for stripe in range(stripes):
        left, color = 0.25 + stripe * step, house.accent if stripe % 2 else other
        slope = [frame.at(left, high - drop, out), frame.at(left + step, high - drop, out)]
        slope += [frame.at(left + step, high, 0.06), frame.at(left, high, 0.06)]
        canvas.face(slope, color, (frame.normal[0] * 0.4, frame.normal[1] * 0.4, 0.9))
        hem = [(left, high - drop), (left + step, high - drop), (left + step, high - drop - 0.16)]
        hem += [(left + step / 2, high - drop - 0.27), (left, high - drop - 0.16)]
        painter.shape(hem, mixed(color, (0, 0, 0), 0.08), out)
