"""What stands and lies in a street besides its houses."""

from dataclasses import dataclass
from enum import StrEnum
from math import cos, pi, sin
from random import Random

from demo.camera import Point
from demo.canvas import UP, Canvas
from demo.light import Color
from demo.wall import Frame, WallPainter, mixed

_LEAVES: tuple[tuple[Color, Color], ...] = (
    ((58, 104, 58), (124, 168, 84)),
    ((70, 112, 50), (158, 184, 84)),
    ((150, 88, 40), (230, 160, 64)),
    ((152, 66, 84), (238, 166, 182)),
    ((44, 92, 82), (104, 156, 132)),
)
_IRON: Color = (46, 54, 60)
_PENNANTS: tuple[Color, ...] = ((214, 66, 62), (244, 196, 76), (64, 132, 176), (250, 246, 238), (92, 156, 104))


class Kind(StrEnum):
    """What can stand in a street."""

    TREE = "tree"
    LAMP = "lamp"
    BENCH = "bench"
    TUB = "tub"
    TABLE = "table"
    POST_BOX = "post box"
    PENNANTS = "pennants"


@dataclass(frozen=True)
class Thing:
    """One thing in the street.

    Attributes:
        kind: What it is.
        frame: Its place on the ground; ``along`` follows the street.
        seed: For its colours and its size.
    """

    kind: Kind
    frame: Frame
    seed: str


def paint_thing(canvas: Canvas, thing: Thing) -> None:
    """Draws one thing and its shadow."""
    painters = {
        Kind.TREE: _paint_tree,
        Kind.LAMP: _paint_lamp,
        Kind.BENCH: _paint_bench,
        Kind.TUB: _paint_tub,
        Kind.TABLE: _paint_table,
        Kind.POST_BOX: _paint_post_box,
        Kind.PENNANTS: _paint_pennants,
    }
    painters[thing.kind](canvas, thing.frame, Random(thing.seed))


def _ring(frame: Frame, radius: float, up: float, along: float = 0.0) -> list[Point]:
    angles = [step * pi / 8 for step in range(16)]
    return [frame.at(along + radius * cos(angle), up, radius * sin(angle)) for angle in angles]


def _paint_tree(canvas: Canvas, frame: Frame, rng: Random) -> None:
    dark, light = rng.choice(_LEAVES)
    trunk, radius = rng.uniform(2.2, 2.8), rng.uniform(1.2, 1.6)
    canvas.darken(_ring(frame, radius * 1.05, 0.01), canvas.light.shadow)
    canvas.face(_ring(frame, 0.62, 0.015), (112, 92, 74), UP)
    canvas.line(frame.at(0, 0), frame.at(0.05, trunk + 0.6), 0.22, (98, 74, 58))
    canvas.line(frame.at(0, trunk - 0.4), frame.at(0.6, trunk + 0.7), 0.1, (98, 74, 58))
    canvas.line(frame.at(0, trunk - 0.2), frame.at(-0.6, trunk + 0.8), 0.1, (98, 74, 58))
    blobs = []
    for _ in range(170):
        angle, reach, height = rng.uniform(0, 2 * pi), radius * rng.random() ** 0.5, rng.uniform(-1, 1)
        reach *= (1 - height * height) ** 0.5
        blobs.append((reach * cos(angle), height * radius * 0.95, reach * sin(angle)))
    sun = canvas.light.towards_sun
    # From the shaded side to the lit one, so that the light leaves come to lie on top.
    blobs.sort(key=lambda blob: blob[1] + 0.5 * (blob[0] * sun[0] + blob[2] * sun[1]))
    for number, (along, up, out) in enumerate(blobs):
        leaf = mixed(dark, light, min(1.0, max(0.0, number / len(blobs) + rng.uniform(-0.3, 0.3))))
        canvas.disc(frame.at(along, trunk + radius + up, out), radius * rng.uniform(0.13, 0.24), leaf)


def _paint_lamp(canvas: Canvas, frame: Frame, rng: Random) -> None:
    high = rng.uniform(3.6, 4.0)
    canvas.face(_ring(frame, 0.2, 0.01), _IRON, UP)
    canvas.line(frame.at(0, 0), frame.at(0, 0.7), 0.2, _IRON)
    canvas.line(frame.at(0, 0.7), frame.at(0, high), 0.1, _IRON)
    canvas.line(frame.at(-0.35, high - 0.35), frame.at(0.35, high - 0.35), 0.06, _IRON)
    painter = WallPainter(canvas, frame.moved(0, high))
    painter.box(-0.16, 0, 0.16, 0.5, 0.16, (255, 236, 176), back=-0.16)
    painter.box(-0.22, 0.5, 0.22, 0.58, 0.22, _IRON, back=-0.22)
    if canvas.light.lit_windows:
        canvas.disc(frame.at(0, high + 0.25), 0.3, (255, 232, 160), 1.2)
    if rng.random() < 0.5:
        for side in (-0.35, 0.35):
            for _ in range(26):
                at = frame.at(side + rng.gauss(0, 0.1), high - 0.62 + rng.gauss(0, 0.09), rng.gauss(0, 0.1))
                canvas.disc(at, 0.06, rng.choice(((214, 70, 96), (240, 150, 170), (78, 126, 66))))


def _paint_bench(canvas: Canvas, frame: Frame, rng: Random) -> None:
    wood = rng.choice(((156, 104, 64), (70, 112, 96), (176, 132, 84)))
    canvas.darken(
        [frame.at(-0.9, 0.01, -0.3), frame.at(0.9, 0.01, -0.3), frame.at(0.9, 0.01, 0.35), frame.at(-0.9, 0.01, 0.35)],
        0.2,
    )
    painter = WallPainter(canvas, frame)
    for at in (-0.75, 0.65):
        painter.box(at, 0, at + 0.1, 0.42, 0.25, _IRON, back=-0.2)
    for high in (0.58, 0.76):
        painter.box(-0.9, high, 0.9, high + 0.13, -0.2, wood, back=-0.25)
    painter.box(-0.9, 0.42, 0.9, 0.48, 0.28, wood, back=-0.2)


def _paint_tub(canvas: Canvas, frame: Frame, rng: Random) -> None:
    canvas.darken(_ring(frame, 0.5, 0.01), 0.22)
    WallPainter(canvas, frame).box(
        -0.36, 0, 0.36, 0.55, 0.36, rng.choice(((178, 98, 70), (96, 106, 112), (230, 222, 206))), back=-0.36
    )
    petals = rng.choice(((232, 92, 112), (246, 206, 84), (240, 240, 246), (170, 110, 196)))
    for number in range(60):
        at = frame.at(rng.gauss(0, 0.22), 0.6 + rng.random() * 0.5, rng.gauss(0, 0.2))
        canvas.disc(
            at, 0.1, petals if number > 30 and rng.random() < 0.5 else rng.choice(((64, 112, 60), (96, 146, 78)))
        )


def _paint_table(canvas: Canvas, frame: Frame, rng: Random) -> None:
    cloth = rng.choice(((206, 70, 66), (66, 122, 148), (244, 190, 90), (88, 140, 100)))
    canvas.darken(_ring(frame, 1.15, 0.01), canvas.light.shadow * 0.8)
    canvas.line(frame.at(0, 0), frame.at(0, 2.5), 0.06, (230, 226, 216))
    canvas.face(_ring(frame, 0.5, 0.72), (236, 228, 212), UP)
    for at in (-0.85, 0.85):
        WallPainter(canvas, frame.moved(at)).box(-0.2, 0, 0.2, 0.45, 0.2, (120, 84, 60), back=-0.2)
    rim, top = _ring(frame, 1.2, 2.15), frame.at(0, 2.65)
    segments = sorted(range(16), key=lambda index: -canvas.camera.depth_m(rim[index]))
    for index in segments:
        color = cloth if index // 2 % 2 else (250, 246, 236)
        canvas.face([rim[index], rim[(index + 1) % 16], top], color, UP)


def _paint_post_box(canvas: Canvas, frame: Frame, rng: Random) -> None:
    color = rng.choice(((190, 44, 46), (226, 176, 40), (36, 84, 140)))
    canvas.darken(_ring(frame, 0.4, 0.01), 0.22)
    painter = WallPainter(canvas, frame)
    painter.box(-0.28, 0, 0.28, 1.3, 0.28, color, back=-0.28)
    painter.box(-0.33, 1.3, 0.33, 1.42, 0.33, mixed(color, (0, 0, 0), 0.2), back=-0.33)
    painter.rectangle(-0.18, 1.05, 0.18, 1.12, (30, 30, 34), 0.29)


def _paint_pennants(canvas: Canvas, frame: Frame, rng: Random) -> None:
    """A line of pennants over the street; ``frame`` lies in its middle."""
    reach, high, flags = 7.9, rng.uniform(5.2, 6.0), 22
    shift = rng.randrange(len(_PENNANTS))

    def on_line(share: float) -> Point:
        return frame.at((share - 0.5) * 1.5, high + 1.3 * (2 * share - 1) ** 2, (2 * share - 1) * reach)

    for flag in range(flags):
        start, end = on_line(flag / flags), on_line((flag + 0.8) / flags)
        tip = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, (start[2] + end[2]) / 2 - 0.55)
        canvas.face([start, end, tip], _PENNANTS[(flag + shift) % len(_PENNANTS)], None)
        canvas.line(start, on_line((flag + 1) / flags), 0.02, (90, 86, 84))
