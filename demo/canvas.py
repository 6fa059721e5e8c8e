"""Drawing faces in space onto a picture, farthest first, in the light of a time of day."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from demo.camera import Camera, Pixel, Point
from demo.light import Color, Light

UP: Point = (0.0, 0.0, 1.0)
_TEXT_HEIGHT_PX = 48
_SMALLEST_TEXT_PX = 9.0


class Canvas:
    """A picture in the making.

    Attributes:
        image: Mode RGB, of the camera's size.
        camera: Where it is seen from.
        light: The time of day.
    """

    def __init__(self, camera: Camera, light: Light) -> None:
        self.camera = camera
        self.light = light
        self.image = Image.new("RGB", (camera.width, camera.height), light.sky_low)
        self._draw = ImageDraw.Draw(self.image, "RGBA")  # this mode blends what is not opaque

    def face(self, corners: Sequence[Point], color: Color, normal: Point | None, opacity: float = 1.0) -> None:
        """Fills a plane polygon; ``normal`` decides how much sun it gets (None: a soft thing without a side)."""
        pixels = self.camera.project(corners)
        if self._is_visible(pixels):
            shaded = self.light.shade(color, normal, self.camera.depth_m(corners[0]))
            self._draw.polygon(pixels, (*shaded, round(255 * opacity)))

    def darken(self, corners: Sequence[Point], amount: float) -> None:
        """Lays a shadow over a plane polygon."""
        pixels = self.camera.project(corners)
        if self._is_visible(pixels):
            self._draw.polygon(pixels, (24, 28, 60, round(255 * amount)))

    def disc(self, centre: Point, radius_m: float, color: Color, brightness: float = 1.0) -> None:
        """A round soft thing that looks the same from all sides: leaves, a flower, a lamp."""
        pixels_per_m = self.camera.pixels_per_m(centre)
        if pixels_per_m * radius_m < 0.4:
            return
        [(x, y)] = self.camera.project([centre])
        radius = radius_m * pixels_per_m
        if not self._is_visible([(x - radius, y - radius), (x + radius, y + radius), (x, y)]):
            return
        red, green, blue = self.light.shade(color, None, self.camera.depth_m(centre))
        fill = tuple(min(255, round(channel * brightness)) for channel in (red, green, blue))
        self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill)

    def line(self, start: Point, end: Point, width_m: float, color: Color) -> None:
        """A wire, a rail or a mast, at least one pixel wide."""
        pixels = self.camera.project([start, end])
        if len(pixels) >= 2 and self._is_visible([*pixels, pixels[0]]):
            pixels_per_m = min(self.camera.pixels_per_m(start), self.camera.pixels_per_m(end))
            shaded = self.light.shade(color, None, self.camera.depth_m(start))
            self._draw.line(pixels[:2], shaded, max(1, round(width_m * pixels_per_m)))

    def text(self, corners: Sequence[Point], text: str, color: Color) -> None:
        """Writes on a board: its corners from the lower left, counter-clockwise as one reads it."""
        pixels = self.camera.project(corners)
        if len(pixels) != 4 or not self._is_visible(pixels) or abs(pixels[0][1] - pixels[3][1]) < _SMALLEST_TEXT_PX:
            return
        left, right = int(min(x for x, _ in pixels)), int(max(x for x, _ in pixels)) + 1
        top, bottom = int(min(y for _, y in pixels)), int(max(y for _, y in pixels)) + 1
        left, right = max(left, 0), min(right, self.image.width)
        top, bottom = max(top, 0), min(bottom, self.image.height)
        if right <= left or bottom <= top:
            return
        lettering = _lettering(text)
        width, height = lettering.size
        board = [(0.0, float(height)), (float(width), float(height)), (float(width), 0.0), (0.0, 0.0)]
        here = [(x - left, y - top) for x, y in pixels]
        mask = lettering.transform(
            (right - left, bottom - top),
            Image.Transform.PERSPECTIVE,
            _homography(here, board),
            Image.Resampling.BICUBIC,
        )
        self.image.paste(self.light.shade(color, None, self.camera.depth_m(corners[0])), (left, top), mask)

    def is_turned_here(self, point: Point, normal: Point) -> bool:
        """Whether the camera stands on the side of a plane that its normal points to."""
        return sum(n * (c - p) for n, c, p in zip(normal, self.camera.position, point, strict=True)) > 0

    def _is_visible(self, pixels: Sequence[Pixel]) -> bool:
        if len(pixels) < 3:
            return False
        xs, ys = [x for x, _ in pixels], [y for _, y in pixels]
        return max(xs) >= 0 and max(ys) >= 0 and min(xs) < self.image.width and min(ys) < self.image.height


@lru_cache(maxsize=64)
def _lettering(text: str) -> Image.Image:
    font = ImageFont.load_default(_TEXT_HEIGHT_PX)
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("L", (round(right - left) + 12, round(bottom - top) + 12))
    ImageDraw.Draw(image).text((6 - left, 6 - top), text, 255, font)
    return image


def _homography(source: Sequence[Pixel], target: Sequence[Pixel]) -> list[float]:
    """The eight numbers of Pillow's PERSPECTIVE transform that takes four source pixels to four target pixels."""
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return [float(number) for number in np.linalg.solve(np.array(rows), np.array(values))]
