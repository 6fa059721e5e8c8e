"""Panoramas, and the level views that are cut from them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from index_builder.sources.geotag import Pose
from index_builder.sources.panorama_views import HEIGHT_PX, WIDTH_PX, YAWS_DEG, perspective_view
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from model.geo import LatLon
from tests.index_builder.sources.conftest import packet

WritePicture = Callable[..., Path]
POSITION = LatLon(48.5, 16.25)
SAID = 'exif:GPSLatitude="48,30.0N" exif:GPSLongitude="16,15.0E" GPano:ProjectionType="equirectangular"'
HEIGHT = 256


def sphere(pose: Pose) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return azimuth and elevation, in degrees, of each pixel of a panorama, by rotations written out."""
    yaw, up = np.meshgrid(
        np.radians((np.arange(2 * HEIGHT) + 0.5) / (2 * HEIGHT) * 360 - 180),
        np.radians(90 - (np.arange(HEIGHT) + 0.5) / HEIGHT * 180),
    )
    x, y, z = np.cos(up) * np.sin(yaw), np.cos(up) * np.cos(yaw), np.sin(up)
    roll, pitch = np.radians(pose.roll_deg), np.radians(pose.pitch_deg)
    x, z = x * np.cos(roll) + z * np.sin(roll), z * np.cos(roll) - x * np.sin(roll)
    y, z = y * np.cos(pitch) - z * np.sin(pitch), y * np.sin(pitch) + z * np.cos(pitch)
    return np.degrees(np.arctan2(x, y)), np.degrees(np.arcsin(z))


def panorama(pose: Pose) -> NDArray[np.uint8]:
    """Return a panorama: red and green turn with the azimuth, and blue is the elevation."""
    azimuth, elevation = sphere(pose)
    red, green = (127.5 + 127.5 * wave(np.radians(azimuth)) for wave in (np.cos, np.sin))
    return np.stack([red, green, (elevation + 90) / 180 * 255], axis=-1).round().astype(np.uint8)


def seen(view: NDArray[np.uint8], row: int, column: int) -> tuple[float, float]:
    """Return azimuth and elevation of a pixel of a view, by its colour."""
    red, green, blue = (float(value) for value in view[row, column])
    return float(np.degrees(np.arctan2(green - 127.5, red - 127.5)) % 360), blue / 255 * 180 - 90


@pytest.mark.parametrize("yaw_deg", [0, 45, 180, 270])
@pytest.mark.parametrize("pose", [Pose(), Pose(20, 0), Pose(0, 15), Pose(-10, -25)])
def test_a_view_is_level_and_looks_where_it_says(yaw_deg: int, pose: Pose) -> None:
    view = perspective_view(panorama(pose), yaw_deg, pose)
    assert view.shape == (HEIGHT_PX, WIDTH_PX, 3)
    for column, turned_deg in ((0, -45), (WIDTH_PX // 2, 0), (WIDTH_PX - 1, 45)):
        azimuth, elevation = seen(view, HEIGHT_PX // 2, column)
        assert (azimuth - yaw_deg - turned_deg + 180) % 360 - 180 == pytest.approx(0, abs=1.5)
        assert elevation == pytest.approx(0, abs=1.5)
    assert seen(view, 0, WIDTH_PX // 2)[1] == pytest.approx(np.degrees(np.arctan(0.75)), abs=1.5)


@pytest.fixture
def photos(tmp_path: Path, write_picture: WritePicture) -> Path:
    (tmp_path / "photos").mkdir()
    xmp = packet(f'{SAID} GPano:PoseHeadingDegrees="350.0"')
    Image.fromarray(panorama(Pose())).save(tmp_path / "photos" / "p.jpg", xmp=xmp)
    write_picture(tmp_path / "photos" / "q.jpg", {1: "N", 2: (48.0, 30.0, 0.0), 3: "E", 4: (16.0, 15.0, 0.0)})
    return tmp_path / "photos"


def test_a_panorama_becomes_views(photos: Path, tmp_path: Path) -> None:
    options = ReadOptions(panoramas="views", views_folder=tmp_path / "views")
    listing = read_source(photos, options)
    assert [place.id for place in listing.places] == [*(f"p.jpg#{yaw_deg:03d}" for yaw_deg in YAWS_DEG), "q.jpg"]
    views = listing.places[:-1]
    assert [place.heading_deg for place in views] == [(350 + yaw_deg) % 360 for yaw_deg in YAWS_DEG]
    assert {place.position for place in views} == {POSITION}
    assert not listing.left_out
    assert not listing.panoramas
    for place, yaw_deg in zip(views, YAWS_DEG, strict=True):
        with Image.open(place.path) as image:
            azimuth, _ = seen(np.asarray(image), HEIGHT_PX // 2, WIDTH_PX // 2)
        assert (azimuth - yaw_deg + 180) % 360 - 180 == pytest.approx(0, abs=4)
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "views").iterdir()}
    assert read_source(photos, options).places == listing.places
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "views").iterdir()} == written


def test_without_a_folder_for_views_panoramas_are_told(photos: Path) -> None:
    listing = read_source(photos, ReadOptions(panoramas="views"))
    assert [place.id for place in listing.places] == ["p.jpg", "q.jpg"]
    assert listing.panoramas == {"p.jpg": Pose()}


@pytest.mark.parametrize("said", ["path,lat,lon\np.jpg,1,2\n", "path,lat,lon,is_pano\nq.jpg,1,2,True\n"])
def test_panoramas_of_a_list_are_left_out_whoever_says_so(photos: Path, said: str) -> None:
    (photos / "list.csv").write_text(said)
    listing = read_source(photos / "list.csv")
    assert not listing.places
    assert [(left.outcome, left.code) for left in listing.left_out] == [("skipped", "panorama")]


def test_panoramas_of_a_list_are_cut(photos: Path, tmp_path: Path) -> None:
    (photos / "list.csv").write_text("path,lat,lon,heading\np.jpg,1,2,90\n")
    options = ReadOptions(panoramas="views", views_folder=tmp_path / "views")
    places = read_source(photos / "list.csv", options).places
    assert [place.heading_deg for place in places] == [(90 + yaw_deg) % 360 for yaw_deg in YAWS_DEG]


def test_what_cannot_be_cut_is_left_out(tmp_path: Path) -> None:
    Image.new("RGB", (300, 100)).save(tmp_path / "part.jpg", xmp=packet(SAID))
    Image.fromarray(panorama(Pose())).save(tmp_path / "whole.jpg", xmp=packet(SAID))
    content = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "whole.jpg").write_bytes(content[: len(content) // 2])
    listing = read_source(tmp_path, ReadOptions(panoramas="views", views_folder=tmp_path / "views"))
    assert {left.path: (left.outcome, left.code) for left in listing.left_out} == {
        "part.jpg": ("skipped", "panorama"),
        "whole.jpg": ("rejected", "corrupt_image"),
    }
    assert not listing.places


def test_a_heading_that_nobody_knows_stays_unknown(tmp_path: Path) -> None:
    Image.fromarray(panorama(Pose())).save(tmp_path / "p.jpg", xmp=packet(SAID))
    listing = read_source(tmp_path, ReadOptions(panoramas="views", views_folder=tmp_path / "views"))
    assert {place.heading_deg for place in listing.places} == {None}
