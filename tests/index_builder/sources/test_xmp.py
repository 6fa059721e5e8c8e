"""XMP inside of photos and beside them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from index_builder.sources.xmp import xmp_geotag
from model.geo import LatLon
from model.positions import Unplaced
from tests.index_builder.sources.conftest import packet

WritePicture = Callable[..., Path]
SYDNEY: dict[int, object] = {1: "S", 2: (33.0, 30.0, 0.0), 3: "E", 4: (151.0, 15.0, 0.0)}
VIENNA = 'exif:GPSLatitude="48,12.498N" exif:GPSLongitude="16,22.35E"'
VIENNA_POSITION = LatLon(48 + 12.498 / 60, 16 + 22.35 / 60)


def save_with(path: Path, xmp: bytes, image_format: str = "JPEG") -> None:
    Image.new("RGB", (16, 16)).save(path, image_format, xmp=xmp)


@pytest.mark.parametrize("image_format", ["JPEG", "WEBP", "AVIF"])
def test_a_packet_inside_of_a_photo(tmp_path: Path, image_format: str) -> None:
    save_with(tmp_path / "a.jpg", packet(VIENNA), image_format)
    [place] = read_source(tmp_path).places
    assert place.position == VIENNA_POSITION


@pytest.mark.parametrize("name", ["a.jpg.xmp", "a.xmp", "A.XMP", "a.JPG.xmp"])
def test_a_file_beside_a_photo(tmp_path: Path, write_picture: WritePicture, name: str) -> None:
    write_picture(tmp_path / "sub" / "a.jpg")
    (tmp_path / "sub" / name).write_bytes(packet(VIENNA))
    listing = read_source(tmp_path)
    assert [place.position for place in listing.places] == [VIENNA_POSITION]
    assert not listing.passed_over


def test_what_belongs_to_no_photo_is_passed_over(tmp_path: Path, write_picture: WritePicture) -> None:
    write_picture(tmp_path / "a.jpg", SYDNEY)
    (tmp_path / "b.xmp").write_bytes(packet(VIENNA))
    assert read_source(tmp_path).passed_over == {".xmp": 1}


def test_exif_comes_first_and_xmp_adds_what_it_lacks(tmp_path: Path, write_picture: WritePicture) -> None:
    write_picture(tmp_path / "a.jpg", SYDNEY)
    xmp = packet(f'{VIENNA} exif:GPSImgDirection="12050/100" exif:DateTimeOriginal="2024-05-06T07:08:09"')
    (tmp_path / "a.xmp").write_bytes(xmp)
    [place] = read_source(tmp_path).places
    assert place.position == LatLon(-33.5, 151.25)
    assert (place.heading_deg, place.time) == (120.5, datetime(2024, 5, 6, 7, 8, 9))


def test_a_position_of_zeros_in_exif_gives_way(tmp_path: Path, write_picture: WritePicture) -> None:
    nothing: dict[int, object] = {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)}
    write_picture(tmp_path / "a.jpg", nothing)
    write_picture(tmp_path / "b.jpg", nothing)
    (tmp_path / "a.xmp").write_bytes(packet(VIENNA))
    (tmp_path / "b.xmp").write_bytes(packet("exif:GPSImgDirection='5'"))
    listing = read_source(tmp_path)
    assert [(place.id, place.position) for place in listing.places] == [("a.jpg", VIENNA_POSITION)]
    assert [(left.path, left.code) for left in listing.left_out] == [("b.jpg", "null_island")]


def test_a_broken_exif_block_leaves_xmp_to_say_where(tmp_path: Path, write_picture: WritePicture) -> None:
    write_picture(tmp_path / "a.jpg", raw_exif=b"Exif\0\0nonsense, all of it")
    (tmp_path / "a.xmp").write_bytes(packet(VIENNA))
    assert [place.position for place in read_source(tmp_path).places] == [VIENNA_POSITION]


def test_elements_count_as_attributes_do() -> None:
    elements = "<exif:GPSLatitude>48,12,30S</exif:GPSLatitude><exif:GPSLongitude>16,22.5W</exif:GPSLongitude>"
    position = xmp_geotag(packet("", elements)).position
    assert isinstance(position, LatLon)
    assert (position.latitude, position.longitude) == pytest.approx((-48 - 12.5 / 60, -16.375))


@pytest.mark.parametrize(
    ("attributes", "heading_deg", "magnetic_deg"),
    [
        ('drone-dji:GimbalYawDegree="+170.1" drone-dji:FlightYawDegree="+168.0"', 170.1, None),
        ('drone-dji:GimbalYawDegree="-90"', -90, None),
        ('exif:GPSImgDirection="22" exif:GPSImgDirectionRef="M"', None, 22),
        ('exif:GPSImgDirection="22" exif:GPSImgDirectionRef="M" drone-dji:GimbalYawDegree="30"', 30, 22),
        ('exif:GPSImgDirection="22" exif:GPSImgDirectionRef="T" drone-dji:GimbalYawDegree="30"', 22, None),
        ('drone-dji:FlightYawDegree="+168.0"', None, None),
    ],
)
def test_headings(attributes: str, heading_deg: float | None, magnetic_deg: float | None) -> None:
    geotag = xmp_geotag(packet(attributes))
    assert (geotag.heading_deg, geotag.magnetic_deg) == (heading_deg, magnetic_deg)


def test_an_estimate_of_placefix_is_no_position() -> None:
    position = xmp_geotag(packet(f'{VIENNA} exif:GPSProcessingMethod="PLACEFIX 0.1.0"')).position
    assert isinstance(position, Unplaced)
    assert position.code == "estimated"


def test_positions_of_drones() -> None:
    assert xmp_geotag(packet('drone-dji:GpsLatitude="-1.5" drone-dji:GpsLongtitude="+2.5"')).position == LatLon(
        -1.5, 2.5
    )


def test_errors_and_void_fixes() -> None:
    assert xmp_geotag(packet(f'{VIENNA} exif:GPSHPositioningError="30/1" exif:GPSDOP="2"')).error_m == 30
    assert xmp_geotag(packet(f'{VIENNA} exif:GPSDOP="20/10"')).error_m == 10
    assert xmp_geotag(packet(f'{VIENNA} exif:GPSStatus="V"')).is_void


def test_hemispheres_that_are_not_stated() -> None:
    bare = packet('exif:GPSLatitude="48,12.498" exif:GPSLongitude="16,22.35"')
    left_out = xmp_geotag(bare).position
    assert isinstance(left_out, Unplaced)
    assert left_out.code == "no_hemisphere"
    assert xmp_geotag(bare, "NW").position == LatLon(VIENNA_POSITION.latitude, -VIENNA_POSITION.longitude)


def test_names_beside_may_be_composed_otherwise(tmp_path: Path) -> None:
    save_with(tmp_path / "cafe\u0301.JPG", b"")
    (tmp_path / "caf\u00e9.jpg.xmp").write_bytes(packet(VIENNA))
    assert [place.position for place in read_source(tmp_path).places] == [VIENNA_POSITION]


@pytest.mark.parametrize("projection", ["equirectangular", "Equirectangular"])
def test_panoramas_are_left_out(tmp_path: Path, projection: str) -> None:
    save_with(tmp_path / "a.jpg", packet(f'{VIENNA} GPano:ProjectionType="{projection}"'))
    save_with(tmp_path / "b.jpg", packet(f'{VIENNA} GPano:ProjectionType="perspective"'))
    listing = read_source(tmp_path)
    assert [place.id for place in listing.places] == ["b.jpg"]
    assert [(left.path, left.outcome, left.code) for left in listing.left_out] == [("a.jpg", "skipped", "panorama")]


@pytest.mark.parametrize(
    "content",
    [
        b"GPS, but no XML",
        packet(VIENNA)[:-20],
        b'<!DOCTYPE x [<!ENTITY a "GPS">]><x>&a;</x>',
        packet(VIENNA).decode().encode("utf-16-be")[1:],
    ],
)
def test_what_cannot_be_parsed_is_counted_and_does_no_harm(
    tmp_path: Path, write_picture: WritePicture, content: bytes
) -> None:
    write_picture(tmp_path / "a.jpg", SYDNEY)
    (tmp_path / "a.xmp").write_bytes(content)
    listing = read_source(tmp_path, ReadOptions())
    assert [place.position for place in listing.places] == [LatLon(-33.5, 151.25)]
    assert listing.remarks == {"unreadable_note": 1}
