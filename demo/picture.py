"""One picture of the town: everything that can be seen from a viewpoint, painted from far to near."""

from dataclasses import dataclass
from math import cos, radians, sin, tan
from random import Random

import numpy as np
from PIL import Image

from demo.camera import Camera, Point
from demo.canvas import UP, Canvas
from demo.house import House
from demo.light import Light
from demo.roof import paint_house
from demo.sky import paint_hills, paint_sea, paint_sky
from demo.street import Thing, paint_thing
from demo.town import CARRIAGEWAY_HALF_M, CORNER_EAST_M, SHORE_NORTH_M, STREET_HALF_M, Town
from demo.wall import mixed

SIZE = (640, 480)
_SUPERSAMPLING = 2
_FIELD_OF_VIEW_DEG = 78.0
_HORIZON = 0.66  # share of the height that lies above it
_EYE_M = 1.7
_STONES_SEEN_M = 24.0  # farther away a paving stone is smaller than a pixel


@dataclass(frozen=True)
class Viewpoint:
    """Where and how somebody stands.

    Attributes:
        east_m: Position.
        north_m: Position.
        heading_deg: Viewing direction, clockwise from north.
        walking_deg: Direction of the street.
    """

    east_m: float
    north_m: float
    heading_deg: float
    walking_deg: float

    def metres_ahead(self, point: Point) -> float:
        """How far along the street a point is."""
        walking = radians(self.walking_deg)
        return (point[0] - self.east_m) * sin(walking) + (point[1] - self.north_m) * cos(walking)


def paint_picture(town: Town, view: Viewpoint, light: Light) -> Image.Image:
    """The picture that a camera at a viewpoint takes, 640 × 480 RGB."""
    width, height = (side * _SUPERSAMPLING for side in SIZE)
    focal_px = width / 2 / tan(radians(_FIELD_OF_VIEW_DEG / 2))
    camera = Camera((view.east_m, view.north_m, _EYE_M), view.heading_deg, focal_px, width, height, height * _HORIZON)
    canvas = Canvas(camera, light)
    paint_sky(canvas, town.seed)
    paint_hills(canvas)
    _paint_ground(canvas, town)
    everything: list[House | Thing] = [*town.houses, *town.things]
    for thing in sorted(everything, key=lambda thing: _order(thing, view), reverse=True):
        if _order(thing, view)[0] < 0:
            break  # behind the camera, as is all that follows
        if isinstance(thing, House):
            paint_house(canvas, thing)
        else:
            paint_thing(canvas, thing)
    return _developed(canvas.image.reduce(_SUPERSAMPLING), light)


def _order(thing: House | Thing, view: Viewpoint) -> tuple[float, float]:
    """Far to near: by how far along the street a thing's far end is, then by its distance.

    The plain distance would put the far end of a long house over the lamp that stands before it.
    """
    origin = thing.frame.origin
    distance = (origin[0] - view.east_m) ** 2 + (origin[1] - view.north_m) ** 2
    if isinstance(thing, Thing):
        return view.metres_ahead(origin) + 1e-3, distance
    corners = [thing.frame.at(along, 0, out) for along in (0, thing.width_m) for out in (0, -thing.depth_m)]
    return max(view.metres_ahead(corner) for corner in corners), distance


def _paint_ground(canvas: Canvas, town: Town) -> None:
    far, middle = 1500.0, CORNER_EAST_M
    canvas.face(_area(-far, -far, far, SHORE_NORTH_M), (132, 160, 96), UP)
    paint_sea(canvas, SHORE_NORTH_M, middle)
    pavement, carriageway, kerb = (206, 198, 184), (164, 158, 154), (226, 222, 212)
    for half, color in ((STREET_HALF_M, pavement), (CARRIAGEWAY_HALF_M + 0.2, kerb), (CARRIAGEWAY_HALF_M, carriageway)):
        canvas.face(_area(-40, -half, middle + half, half), color, UP)
        canvas.face(_area(middle - half, -half, middle + half, SHORE_NORTH_M - (STREET_HALF_M - half)), color, UP)
    _paint_stones(canvas)
    for house in town.houses:
        _paint_house_shadow(canvas, house)
    wall = _area(middle - 40, SHORE_NORTH_M - 0.5, middle + 40, SHORE_NORTH_M)
    canvas.face(wall, (150, 144, 140), UP)


def _paint_stones(canvas: Canvas) -> None:
    east, north, _ = canvas.camera.position
    for cell_east in range(int(east - _STONES_SEEN_M) // 4 * 4, int(east + _STONES_SEEN_M), 4):
        for cell_north in range(int(north - _STONES_SEEN_M) // 4 * 4, int(north + _STONES_SEEN_M), 4):
            in_first = abs(cell_north + 2) < CARRIAGEWAY_HALF_M and cell_east < CORNER_EAST_M
            in_second = abs(cell_east + 2 - CORNER_EAST_M) < CARRIAGEWAY_HALF_M and -4 < cell_north < SHORE_NORTH_M - 4
            if not in_first and not in_second:
                continue
            rng = Random(f"stones {cell_east} {cell_north}")
            for _ in range(70):
                left, low = cell_east + rng.uniform(0, 4), cell_north + rng.uniform(0, 4)
                stone = mixed(
                    (164, 158, 154), (116, 108, 108) if rng.random() < 0.6 else (196, 188, 176), rng.uniform(0.2, 0.6)
                )
                canvas.face(_area(left, low, left + 0.2, low + 0.2), stone, UP)


def _paint_house_shadow(canvas: Canvas, house: House) -> None:
    sun_east, sun_north, sun_up = canvas.light.towards_sun
    length = house.eaves_m / sun_up
    front_left, front_right = house.frame.at(0, 0.005), house.frame.at(house.width_m, 0.005)
    if sun_east * house.frame.normal[0] + sun_north * house.frame.normal[1] >= 0:
        return  # the sun shines on the facade: the shadow falls behind the house
    shifted = [
        (east - length * sun_east, north - length * sun_north, up) for east, north, up in (front_right, front_left)
    ]
    canvas.darken([front_left, front_right, *shifted], canvas.light.shadow)


def _area(west: float, south: float, east: float, north: float) -> list[Point]:
    return [(west, south, 0.0), (east, south, 0.0), (east, north, 0.0), (west, north, 0.0)]


def _developed(image: Image.Image, light: Light) -> Image.Image:
    """Grain of paper, and corners a little darker."""
    pixels = np.asarray(image, dtype=np.float32)
    height, width, _ = pixels.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    vignette = 1.04 - 0.05 * (x**2 + y**2)[..., None] ** 1.5
    grain = np.random.default_rng(7).normal(0, 1.8, (height, width, 1))
    tint = np.array(light.tint, dtype=np.float32) ** 0.5
    return Image.fromarray(np.clip(pixels * vignette * tint + grain, 0, 255).round().astype(np.uint8))
