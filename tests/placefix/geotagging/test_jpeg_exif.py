"""An estimate in the EXIF block of a JPEG: everything else stays where it is, and removing gives the file back."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from PIL.JpegImagePlugin import JpegImageFile

from model.exif_position import exif_position
from model.geo import LatLon
from model.images import read_exif
from model.positions import ESTIMATED
from placefix.answers.estimate import Estimate
from placefix.geotagging.jpeg_exif import UnknownJpeg, exif_of, with_exif
from placefix.geotagging.tiff_block import UnknownLayout, can_undo, with_estimate, without_estimate
from tests.conftest import write_photo
from tests.placefix.geotagging.estimates import METHOD, NORTH_WEST, SOUTH_EAST
from tests.placefix.geotagging.exif_blocks import camera_block, jpeg

GPS = ExifTags.GPS


def gps_of(photo: bytes) -> dict[int, object]:
    return dict(read_exif(photo).get_ifd(ExifTags.IFD.GPSInfo))


def scans_of(photo: bytes) -> bytes:
    """Return the bytes behind the EXIF block: the tables, and the entropy-coded segments."""
    block_at = photo.index(b"\xff\xe1")
    return photo[block_at + 2 + int.from_bytes(photo[block_at + 2 : block_at + 4]) :]


def pixels_of(photo: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(photo)) as image:
        return np.asarray(image)


@pytest.mark.parametrize("is_progressive", [False, True])
@pytest.mark.parametrize("has_gps", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_only_the_position_is_added(order: str, has_gps: bool, is_progressive: bool) -> None:
    block = camera_block(order, has_gps=has_gps)
    photo = with_exif(jpeg((64, 48), 2, is_progressive=is_progressive), block.content)
    written = with_exif(photo, with_estimate(block.content, NORTH_WEST))

    assert scans_of(written) == scans_of(photo)
    assert (pixels_of(written) == pixels_of(photo)).all()
    found = exif_of(written)
    assert found is not None
    differing = [at for at, (old, new) in enumerate(zip(block.content, found, strict=False)) if old != new]
    assert differing
    assert differing[-1] - differing[0] < 4  # one number points elsewhere; the maker's note has not moved
    exif = read_exif(written)
    assert exif[ExifTags.Base.Orientation] == 6
    note = exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.MakerNote]
    assert note == block.content[block.note_at : block.note_at + len(note)]
    with Image.open(io.BytesIO(written)) as image:
        assert isinstance(image, JpegImageFile)
        thumbnail = image.getexif().get_ifd(ExifTags.IFD.IFD1)
        at = int(thumbnail[ExifTags.Base.JpegIFOffset])
        assert found[at : at + len(block.thumbnail)] == block.thumbnail

    gps = gps_of(written)
    assert gps[GPS.GPSProcessingMethod] == b"ASCII\0\0\0" + METHOD.encode()
    assert gps[GPS.GPSHPositioningError] == 12.5
    assert gps[GPS.GPSMapDatum] == "WGS-84"
    assert gps.get(GPS.GPSImgDirection) == (271.5 if has_gps else None)
    assert exif_position(gps) is ESTIMATED
    del gps[GPS.GPSProcessingMethod]
    position = exif_position(gps)
    assert isinstance(position, LatLon)
    assert (position.latitude, position.longitude) == pytest.approx((55.70584123, -13.19321), abs=3e-9)

    assert with_exif(written, without_estimate(found)) == photo


@pytest.mark.parametrize("block", [None, b""])
@pytest.mark.parametrize(("estimate", "south_or_west"), [(SOUTH_EAST, ("S", "E")), (NORTH_WEST, ("N", "W"))])
def test_a_photo_without_a_block_gets_one_and_loses_it_again(
    estimate: Estimate, south_or_west: tuple[str, str], block: bytes | None
) -> None:
    photo = with_exif(jpeg((64, 48), 3), block)
    assert exif_of(photo) == block
    written = with_exif(photo, with_estimate(block, estimate))
    gps = gps_of(written)
    assert (gps[GPS.GPSLatitudeRef], gps[GPS.GPSLongitudeRef]) == south_or_west
    assert (GPS.GPSHPositioningError in gps) == (estimate.radius_m is not None)
    assert written.startswith(photo[:20])  # JFIF stays in front
    found = exif_of(written)
    assert found is not None
    assert can_undo(found)
    assert with_exif(written, without_estimate(found)) == photo


@pytest.mark.parametrize("angle_deg", [0.0, 1 / 3, 59.99999999999, 90.0, 89.9999999999, 12.5])
def test_minutes_and_seconds_stay_below_sixty(angle_deg: float) -> None:
    estimate = Estimate(angle_deg, 2 * angle_deg, "localized", None, None, None, "map", "1")
    gps = gps_of(with_exif(jpeg((64, 48), 3), with_estimate(None, estimate)))
    for tag, value_deg in ((GPS.GPSLatitude, angle_deg), (GPS.GPSLongitude, 2 * angle_deg)):
        degrees, minutes, seconds = map(float, gps[tag])  # type: ignore[call-overload]
        assert 0 <= minutes < 60
        assert 0 <= seconds < 60
        assert degrees + minutes / 60 + seconds / 3600 == pytest.approx(value_deg, abs=2e-9)


def test_what_another_program_has_written_anew_is_taken_away_too(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.jpg", 4, LatLon(55, 13), heading_deg=90, orientation=3)
    with Image.open(photo) as image:
        exif = image.getexif()
        exif.get_ifd(ExifTags.IFD.GPSInfo)[GPS.GPSProcessingMethod] = b"ASCII\0\0\0PLACEFIX estimate"
        image.save(photo, exif=exif)
    block = exif_of(photo.read_bytes())
    assert block is not None
    assert not can_undo(block)
    cleaned = with_exif(photo.read_bytes(), without_estimate(block))
    gps = gps_of(cleaned)
    assert GPS.GPSLatitude not in gps
    assert GPS.GPSProcessingMethod not in gps
    assert gps[GPS.GPSImgDirection] == 90
    assert read_exif(cleaned)[ExifTags.Base.Orientation] == 3


def test_a_change_behind_the_old_block_is_not_undone() -> None:
    block = camera_block("<", has_gps=False).content
    written = bytearray(with_estimate(block, NORTH_WEST))
    at = written.index(b"\x12\x01\x03\0\x01\0\0\0\x06", len(block))  # the orientation in the directory that counts
    written[at + 8] = 1  # a program that turns pictures has set it
    cleaned = with_exif(jpeg((64, 48), 5), without_estimate(bytes(written)))
    assert read_exif(cleaned)[ExifTags.Base.Orientation] == 1
    assert GPS.GPSLatitude not in gps_of(cleaned)


@pytest.mark.parametrize(
    "block",
    [
        b"I",
        b"II",
        b"XX*\0\x08\0\0\0",
        b"II*\0\xff\0\0\0",
        b"II*\0\x08\0\0\0\x09\0",
        camera_block("<", has_gps=True).content[:50],
    ],
)
def test_blocks_of_another_layout_are_refused(block: bytes) -> None:
    with pytest.raises(UnknownLayout):
        with_estimate(block, NORTH_WEST)
    with pytest.raises(UnknownLayout):
        without_estimate(block)


@pytest.mark.parametrize("cut", [0, 1, 3, 10, 25])
def test_what_is_no_jpeg_is_refused(cut: int) -> None:
    with pytest.raises(UnknownJpeg):
        exif_of(with_exif(jpeg((64, 48), 2), camera_block("<", has_gps=True).content)[:cut] + b"\0")


def test_a_block_that_does_not_fit_is_refused() -> None:
    with pytest.raises(UnknownJpeg, match="a JPEG has room for"):
        with_exif(jpeg((64, 48), 2), b"II*\0" + b"\0" * 65_530)


def test_a_block_behind_the_list_of_further_pictures_is_left_alone() -> None:
    photo = jpeg((64, 48), 2)
    further = b"\xff\xe2\x00\x08MPF\0.."
    first = photo[:2] + further + with_exif(photo, camera_block("<", has_gps=True).content)[2:]
    with pytest.raises(UnknownJpeg, match="further pictures"):
        with_exif(first, None)
