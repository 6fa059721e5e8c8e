"""Level perspective views, cut from panoramas for networks that were trained with photographs.

A view is a file like any other picture, in a separate folder. Its content depends only on the panorama, and not on its
heading: a corrected heading changes no file.
"""

import hashlib
import io
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from math import radians, tan
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from index_builder.sources.geotag import Pose
from index_builder.sources.headings import compass_deg
from index_builder.sources.listing import LeftOutCode, SourceListing, rejected, skipped
from model.durable import write_atomically
from model.images import open_image
from model.picture_errors import ImageError
from model.places import Place
from model.positions import Unplaced
from place_map.left_out import LeftOut

YAWS_DEG = tuple(range(0, 360, 45))
"""Directions of the views of a panorama, clockwise from its middle: each view overlaps half of the next."""
FIELD_OF_VIEW_DEG = 90.0
WIDTH_PX, HEIGHT_PX = 640, 480

_MOST_UNEVEN = 0.02  # relative deviation of the ratio of the sides from 2, the ratio of a full panorama
_QUALITY = 92
_THREADS = 2  # a panorama takes some hundred megabytes while it is decoded


def cut_panoramas(listing: SourceListing, folder: Path) -> SourceListing:
    """Return a listing with views in the place of its panoramas, and none marked any more.

    A view's id is its panorama's id, ``#`` and its yaw: ``a.jpg#045``. Views that are there are not cut again.

    Args:
        listing: The listing as it was read.
        folder: The folder for the views.

    Raises:
        StorageError: A view cannot be written.
    """
    whole = [place for place in listing.places if place.id in listing.panoramas]
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="cut-views") as threads:
        poses = [listing.panoramas[place.id] for place in whole]
        cut = dict(zip((place.id for place in whole), threads.map(partial(_cut, folder), whole, poses), strict=True))
    views = [view for place in listing.places for view in _views_or_itself(place, cut.get(place.id))]
    left_out = [each for each in cut.values() if isinstance(each, LeftOut)]
    return replace(listing, places=tuple(views), left_out=(*listing.left_out, *left_out), panoramas={})


def perspective_view(panorama: NDArray[np.uint8], yaw_deg: float, pose: Pose) -> NDArray[np.uint8]:
    """Return a level view of a panorama.

    Args:
        panorama: The equirectangular panorama ``(h, 2 h, 3)``.
        yaw_deg: The direction of the view, clockwise from the panorama's middle.
        pose: The pose of the camera.

    Returns:
        The view ``(HEIGHT_PX, WIDTH_PX, 3)``.
    """
    height, width = panorama.shape[:2]
    east, north, up = _in_camera(_level_directions(yaw_deg), pose)
    x = (np.arctan2(east, north) / (2 * np.pi) + 0.5) * width - 0.5
    y = (0.5 - np.arcsin(np.clip(up, -1, 1)) / np.pi) * height - 0.5
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    to_right, down = (x - left)[..., None], (y - top)[..., None]
    columns = left % width, (left + 1) % width  # the left edge follows the right one
    rows = np.clip(top, 0, height - 1), np.clip(top + 1, 0, height - 1)
    upper = panorama[rows[0], columns[0]] * (1 - to_right) + panorama[rows[0], columns[1]] * to_right
    lower = panorama[rows[1], columns[0]] * (1 - to_right) + panorama[rows[1], columns[1]] * to_right
    return np.asarray(np.rint(upper * (1 - down) + lower * down), dtype=np.uint8)


def _level_directions(yaw_deg: float) -> NDArray[np.float64]:
    """Return ``(3, HEIGHT_PX, WIDTH_PX)`` unit vectors: right of the panorama's middle, towards it, up."""
    focal_px = WIDTH_PX / 2 / tan(radians(FIELD_OF_VIEW_DEG) / 2)
    right = (np.arange(WIDTH_PX) - (WIDTH_PX - 1) / 2)[None, :] / focal_px
    up = ((HEIGHT_PX - 1) / 2 - np.arange(HEIGHT_PX))[:, None] / focal_px
    right, up = np.broadcast_arrays(right, up)
    cosine, sine = np.cos(radians(yaw_deg)), np.sin(radians(yaw_deg))
    directions = np.stack([right * cosine + sine, cosine - right * sine, up])
    return np.asarray(directions / np.linalg.norm(directions, axis=0))


def _in_camera(directions: NDArray[np.float64], pose: Pose) -> NDArray[np.float64]:
    """Return level directions in the frame of a camera with a pose."""
    pitch, roll = radians(pose.pitch_deg), radians(pose.roll_deg)
    looked_up = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    turned = np.array([[np.cos(roll), 0, np.sin(roll)], [0, 1, 0], [-np.sin(roll), 0, np.cos(roll)]])
    return np.asarray(np.einsum("ji,jhw->ihw", looked_up @ turned, directions))


def _views_or_itself(place: Place, cut: tuple[Place, ...] | LeftOut | None) -> Iterable[Place]:
    if cut is None:
        return (place,)
    return () if isinstance(cut, LeftOut) else cut


def _cut(folder: Path, place: Place, pose: Pose) -> tuple[Place, ...] | LeftOut:
    paths = [folder / f"{_key(place.path, pose)}-{yaw_deg:03d}.jpg" for yaw_deg in YAWS_DEG]
    if not all(path.is_file() for path in paths):
        try:
            panorama = open_image(place.path)
        except ImageError as error:
            return rejected(place.id, error)
        if abs(panorama.width / panorama.height / 2 - 1) > _MOST_UNEVEN:
            size = f"{panorama.width}×{panorama.height}"
            return skipped(
                place.id, Unplaced(LeftOutCode.PANORAMA, f"it is a part of a panorama ({size}), which is not cut")
            )
        _write_views(panorama, pose, paths)
    return tuple(
        replace(
            place,
            id=f"{place.id}#{yaw_deg:03d}",
            path=path,
            heading_deg=None if place.heading_deg is None else compass_deg(place.heading_deg + yaw_deg),
        )
        for yaw_deg, path in zip(YAWS_DEG, paths, strict=True)
    )


def _write_views(panorama: Image.Image, pose: Pose, paths: list[Path]) -> None:
    width = round(WIDTH_PX * 360 / FIELD_OF_VIEW_DEG)
    pixels = np.asarray(panorama.resize((width, width // 2), Image.Resampling.LANCZOS))
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    for yaw_deg, path in zip(YAWS_DEG, paths, strict=True):
        content = io.BytesIO()
        Image.fromarray(perspective_view(pixels, yaw_deg, pose)).save(content, "JPEG", quality=_QUALITY)
        write_atomically(path, content.getvalue())


def _key(path: Path, pose: Pose) -> str:
    """Return the key of the views of a panorama, which differs for another file or another pose."""
    try:
        status = path.stat()
        stamp = (status.st_size, status.st_mtime_ns)
    except OSError:
        stamp = (0, 0)  # opening it says why
    said = repr((str(path.absolute()), stamp, pose, YAWS_DEG, FIELD_OF_VIEW_DEG, WIDTH_PX, HEIGHT_PX, _QUALITY))
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:32]
