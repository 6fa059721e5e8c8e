"""Everything far away: sky, clouds, hills, and the sea with its lighthouse."""

from math import cos, radians, sin
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from demo.camera import Camera, Point
from demo.canvas import UP, Canvas
from demo.wall import Frame, WallPainter

_CLOUD_HEIGHTS_DEG = (9.0, 34.0)


def paint_sky(canvas: Canvas, seed: str) -> None:
    """A gradient, clouds and gulls; a cloud hangs in the same direction wherever one stands."""
    camera, light = canvas.camera, canvas.light
    rows = np.clip(1 - np.arange(camera.height) / camera.horizon_px, 0, 1)[:, None, None] ** 0.8
    colors = np.array(light.sky_low) * (1 - rows) + np.array(light.sky_top) * rows
    gradient = np.broadcast_to(colors, (camera.height, camera.width, 3))
    canvas.image.paste(Image.fromarray(np.rint(gradient).astype(np.uint8)))
    # Clouds are soft: drawn small, blurred, and enlarged.
    reduction = 8
    size = (camera.width // reduction, camera.height // reduction)
    cover = Image.new("L", size)
    draw = ImageDraw.Draw(cover)
    rng = Random(f"{seed} clouds")
    for _ in range(light.clouds):
        heading, height = rng.uniform(0, 360), rng.uniform(*_CLOUD_HEIGHTS_DEG)
        for _ in range(9):
            x, y = _pixel(camera, heading + rng.gauss(0, 5.5), height + abs(rng.gauss(0, 1.6)))
            radius = camera.focal_px * rng.uniform(0.02, 0.055)
            box = (x - 1.7 * radius, y - radius, x + 1.7 * radius, y + 0.7 * radius)
            if box[2] > 0 and box[0] < camera.width:
                draw.ellipse(tuple(edge / reduction for edge in box), 225)
    cover = cover.filter(ImageFilter.GaussianBlur(1.6)).resize(canvas.image.size, Image.Resampling.BICUBIC)
    canvas.image.paste(light.cloud, (0, 0), cover)


def paint_hills(canvas: Canvas) -> None:
    """Two chains of hills on the horizon, all around."""
    camera = canvas.camera
    draw = ImageDraw.Draw(canvas.image)
    for chain, (base, color, distance) in enumerate(((2.6, (112, 138, 134), 420.0), (1.3, (104, 140, 92), 220.0))):
        outline = []
        for step in range(-50, 51):
            heading = camera.heading_deg + step
            rise = base + sum(sin(radians(heading * k) + 1.7 * k + chain) for k in (2, 5, 9, 14)) * base * 0.25
            outline.append(_pixel(camera, heading, max(0.2, rise)))
        corners = [(outline[-1][0], camera.horizon_px + 2), (outline[0][0], camera.horizon_px + 2)]
        draw.polygon([*outline, *corners], canvas.light.shade(color, UP, distance))


def paint_sea(canvas: Canvas, shore_north_m: float, middle_east_m: float) -> None:
    """The sea beyond a shore in the north, with waves, two sails and a lighthouse on its rock."""

    def on_sea(east: float, north: float) -> Point:
        return middle_east_m + east, shore_north_m + north, -1.2

    canvas.face([on_sea(-900, 0), on_sea(900, 0), on_sea(900, 2500), on_sea(-900, 2500)], (58, 124, 148), UP)
    rng = Random("waves")
    for _ in range(140):
        north, east = rng.uniform(2, 150), rng.uniform(-60, 60)
        length = rng.uniform(0.6, 3.0)
        canvas.face(
            [
                on_sea(east, north),
                on_sea(east + length, north),
                on_sea(east + length, north + 0.3),
                on_sea(east, north + 0.3),
            ],
            (150, 196, 208),
            UP,
        )
    for east, north, color in ((-7, 70, (250, 246, 236)), (9, 120, (220, 96, 72))):
        foot = on_sea(east, north)
        canvas.face([foot, (foot[0] + 3.2, foot[1], foot[2] + 0.4), (foot[0], foot[1], foot[2] + 6)], color, None)
        canvas.face(
            [
                (foot[0] - 1.5, foot[1], foot[2]),
                (foot[0] + 3.5, foot[1], foot[2]),
                (foot[0] + 2.6, foot[1], -2.2),
                (foot[0] - 1, foot[1], -2.2),
            ],
            (110, 70, 50),
            None,
        )
    _paint_lighthouse(canvas, Frame(on_sea(2.5, 52), (1.0, 0.0)))


def _paint_lighthouse(canvas: Canvas, frame: Frame) -> None:
    rock = [frame.at(east, up) for east, up in ((-5, 0), (5.5, 0), (3.6, 1.6), (1, 2.2), (-3, 1.8))]
    canvas.face(rock, (98, 92, 90), None)
    painter = WallPainter(canvas, frame.moved(0, 1.8))
    for ring in range(5):
        low, high = ring * 2.2, (ring + 1) * 2.2
        left, right = 1.5 - low * 0.06, 1.5 - high * 0.06
        painter.shape(
            [(-left, low), (left, low), (right, high), (-right, high)],
            (206, 62, 58) if ring % 2 == 0 else (250, 248, 242),
        )
    painter.rectangle(-1.2, 11, 1.2, 11.3, (60, 60, 66))
    painter.rectangle(-0.65, 11.3, 0.65, 12.6, (255, 236, 160))
    painter.shape([(-0.9, 12.6), (0.9, 12.6), (0, 13.7)], (170, 50, 48))


def _pixel(camera: Camera, heading_deg: float, elevation_deg: float) -> tuple[float, float]:
    """Where a direction is seen; far to the side for what lies behind."""
    turn = (heading_deg - camera.heading_deg + 180) % 360 - 180
    if abs(turn) > 75:
        return (3.0 if turn > 0 else -2.0) * camera.width, camera.horizon_px
    flat = camera.focal_px / cos(radians(turn))
    return (
        camera.width / 2 + camera.focal_px * sin(radians(turn)) / cos(radians(turn)),
        camera.horizon_px - flat * sin(radians(elevation_deg)) / cos(radians(elevation_deg)),
    )
