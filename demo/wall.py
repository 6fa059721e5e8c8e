"""A wall's own coordinates: metres along it, above the ground and out of it, as one sees it from the street."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from demo.camera import Point
from demo.canvas import UP, Canvas
from demo.light import Color


@dataclass(frozen=True)
class Frame:
    """Where a wall stands.

    Attributes:
        origin: Its lower left corner, seen from the street.
        along: Unit vector (east, north) from its left to its right.
    """

    origin: Point
    along: tuple[float, float]

    @property
    def normal(self) -> Point:
        """Unit vector out of the wall, to the street."""
        return self.along[1], -self.along[0], 0.0

    @property
    def right(self) -> Point:
        """Unit vector along the wall."""
        return *self.along, 0.0

    def at(self, along_m: float, up_m: float, out_m: float = 0.0) -> Point:
        """A point in the town."""
        (east, north, up), (a, b) = self.origin, self.along
        return east + along_m * a + out_m * b, north + along_m * b - out_m * a, up + up_m

    def rectangle(self, left: float, low: float, right: float, high: float, out: float = 0.0) -> list[Point]:
        """Corners from the lower left, counter-clockwise."""
        return [self.at(left, low, out), self.at(right, low, out), self.at(right, high, out), self.at(left, high, out)]

    def moved(self, along_m: float, up_m: float = 0.0, out_m: float = 0.0) -> "Frame":
        """The same wall from another origin."""
        return Frame(self.at(along_m, up_m, out_m), self.along)


class WallPainter:
    """Draws on one wall.

    Attributes:
        canvas: What is drawn on.
        frame: The wall.
    """

    def __init__(self, canvas: Canvas, frame: Frame) -> None:
        self.canvas = canvas
        self.frame = frame

    def shape(self, outline: Sequence[tuple[float, float]], color: Color, out: float = 0.0) -> None:
        """A polygon in the wall's plane, or in front of it."""
        self.canvas.face([self.frame.at(along, up, out) for along, up in outline], color, self.frame.normal)

    def rectangle(self, left: float, low: float, right: float, high: float, color: Color, out: float = 0.0) -> None:
        """An upright rectangle."""
        self.canvas.face(self.frame.rectangle(left, low, right, high, out), color, self.frame.normal)

    def shadow(self, left: float, low: float, right: float, high: float, amount: float) -> None:
        """A darker rectangle."""
        self.canvas.darken(self.frame.rectangle(left, low, right, high), amount)

    def box(
        self, left: float, low: float, right: float, high: float, out: float, color: Color, back: float = 0.0
    ) -> None:
        """A box that stands out of the wall from ``back`` to ``out`` metres; only the sides that face the camera."""
        frame, canvas = self.frame, self.canvas
        to_right = frame.right
        to_left = (-to_right[0], -to_right[1], 0.0)
        sides: list[tuple[list[Point], Point]] = [
            ([frame.at(left, y, w) for y, w in ((low, back), (low, out), (high, out), (high, back))], to_left),
            ([frame.at(right, y, w) for y, w in ((low, back), (low, out), (high, out), (high, back))], to_right),
            ([frame.at(x, high, w) for x, w in ((left, back), (right, back), (right, out), (left, out))], UP),
            ([frame.at(x, low, w) for x, w in ((left, back), (right, back), (right, out), (left, out))], (0, 0, -1)),
            (frame.rectangle(left, low, right, high, out), frame.normal),
        ]
        for corners, normal in sides:
            if canvas.is_turned_here(corners[0], normal):
                canvas.face(corners, color, normal)


def mixed(color: Color, other: Color, share: float) -> Color:
    """A colour between two: 0 is the first, 1 the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(color, other, strict=True))
    return red, green, blue


def varied(color: Color, rng: Random, amount: int) -> Color:
    """A colour a little lighter or darker."""
    change = rng.randint(-amount, amount)
    red, green, blue = (min(255, max(0, channel + change)) for channel in color)
    return red, green, blue
