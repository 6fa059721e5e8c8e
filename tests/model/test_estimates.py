"""Estimates of Placefix are never taken for measured positions."""

from pathlib import Path

import pytest
from PIL import ExifTags, Image

from index_builder.sources.listing import LeftOutCode
from index_builder.sources.read import read_source
from model.estimates import is_estimate
from model.exif_position import read_exif_position
from model.geo import LatLon
from model.picture_errors import NoExifPosition
from tests.conftest import write_photo


@pytest.mark.parametrize(
    ("method", "is_ours"),
    [
        (b"ASCII\0\0\0PLACEFIX estimate map=town", True),
        (b"\0\0\0\0\0\0\0\0PLACEFIX", True),
        (b"PLACEFIX", True),
        (b"UNICODE\0" + "PLACEFIX estimate".encode("utf-16-le"), True),
        (b"UNICODE\0" + "PLACEFIX estimate".encode("utf-16-be"), True),
        ("PLACEFIX estimate", True),
        (b"ASCII\0\0\0GPS", False),
        (b"ASCII\0\0\0", False),
        (b"", False),
        ("CELLID", False),
        (None, False),
        (7, False),
    ],
)
def test_the_mark_is_recognised(method: object, is_ours: bool) -> None:
    assert is_estimate(method) is is_ours


def test_an_estimate_is_no_position_of_a_photo(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.jpg", 1, LatLon(55.7, 13.2))
    with Image.open(photo) as image:
        exif = image.getexif()
        exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSProcessingMethod] = b"ASCII\0\0\0PLACEFIX estimate map=town"
        image.save(photo, exif=exif)
    write_photo(tmp_path / "b.jpg", 2, LatLon(55.7, 13.2))
    with pytest.raises(NoExifPosition, match="is an estimate of Placefix"):
        read_exif_position(photo)
    listing = read_source(tmp_path)
    assert [place.id for place in listing.places] == ["b.jpg"]
    assert [(left.path, left.code) for left in listing.left_out] == [("a.jpg", LeftOutCode.ESTIMATED)]


@pytest.mark.parametrize("column", ["GPSProcessingMethod", "EXIF:GPSProcessingMethod", "gps_processing_method"])
def test_an_estimate_in_a_table_is_no_position(column: str, tmp_path: Path) -> None:
    rows = ["a.jpg,55.7,13.2,PLACEFIX estimate map=town", "b.jpg,55.7,13.2,GPS"]
    (tmp_path / "list.csv").write_text("\n".join([f"SourceFile,GPSLatitude,GPSLongitude,{column}", *rows]))
    for name in ("a.jpg", "b.jpg"):
        write_photo(tmp_path / name, 1)
    listing = read_source(tmp_path / "list.csv")
    assert [place.id for place in listing.places] == ["b.jpg"]
    assert [(left.path, left.code) for left in listing.left_out] == [("a.jpg", LeftOutCode.ESTIMATED)]
