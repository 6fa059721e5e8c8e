"""Descriptions that mapillary_tools writes of its pictures."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from index_builder.sources.read import read_source
from model.geo import LatLon
from tests.index_builder.sources.conftest import WriteJson

NAME = "mapillary_image_description.json"


def described(filename: object, **members: object) -> dict[str, object]:
    return {
        "filename": filename,
        "filetype": "image",
        "MAPLatitude": 55.5,
        "MAPLongitude": 13.25,
        "MAPCaptureTime": "2024_09_23_16_06_58_250",
        **members,
    }


def test_described_pictures(write_json: WriteJson, tmp_path: Path) -> None:
    heading = {"TrueHeading": 361.5, "MagneticHeading": 7.0}
    absolute = f"{tmp_path}/photos/b.jpg"
    file = write_json(
        [
            described("sub/ä b.jpg", MAPCompassHeading=heading, MAPAltitude=3.5, MAPSequenceUUID="0"),
            described(absolute, MAPCaptureTime="yesterday", MAPCompassHeading={"MagneticHeading": 7.0}),
        ],
        NAME,
    )
    listing = read_source(file)
    assert (listing.kind, listing.root, listing.left_out) == ("mapillary_tools", file, ())
    first, second = listing.places
    assert (first.id, first.path) == ("sub/ä b.jpg", tmp_path / "photos/sub/ä b.jpg")
    assert (first.position, first.heading_deg) == (LatLon(55.5, 13.25), 1.5)
    assert first.time == datetime(2024, 9, 23, 16, 6, 58, 250_000, tzinfo=UTC)
    assert (second.id, second.path, second.heading_deg, second.time) == ("b.jpg", Path(absolute), None, None)


@pytest.mark.parametrize(
    ("odd", "outcome", "code", "reason"),
    [
        (
            {"filename": "b.jpg", "error": {"type": "MapillaryGeoTaggingError", "message": "No GPS"}},
            "skipped",
            "listed_error",
            "mapillary_tools says MapillaryGeoTaggingError: No GPS",
        ),
        ({"filename": "b.jpg", "error": "broken"}, "skipped", "listed_error", "mapillary_tools says broken"),
        ({"filename": "b.jpg", "error": {}}, "skipped", "listed_error", "says that it failed"),
        ({"filename": "b.mp4", "filetype": "gopro", "MAPGPSTrack": []}, "skipped", "invalid_row", "is a video"),
        (described("b.jpg", MAPLatitude=None), "skipped", "no_position", "MAPLatitude or MAPLongitude is missing"),
        (described("b.jpg", MAPLatitude="55"), "skipped", "invalid_position", "'55', 13.25 are not degrees"),
        (described("b.jpg", MAPLatitude=True), "skipped", "invalid_position", "not degrees"),
        (described("b.jpg", MAPLatitude=10**400), "skipped", "invalid_position", "not degrees"),
        (described("b.jpg", MAPLatitude=0, MAPLongitude=0), "skipped", "null_island", "0, 0"),
        (described("gone.jpg"), "rejected", "missing_file", "there is no file"),
        (described("\ud800.jpg"), "skipped", "invalid_name", "not text"),
        (described("./sub/../a.jpg"), "skipped", "duplicate", "same picture as entry 1"),
        (described(""), "skipped", "invalid_row", "names no picture"),
        (described(7), "skipped", "invalid_row", "names no picture"),
        ([], "skipped", "invalid_row", "names no picture"),
    ],
)
def test_every_object_is_accounted_for(
    write_json: WriteJson, odd: object, outcome: str, code: str, reason: str
) -> None:
    listing = read_source(write_json([described("a.jpg"), odd], NAME))
    assert [place.id for place in listing.places] == ["a.jpg"]
    [left] = listing.left_out
    assert (left.outcome, left.code) == (outcome, code)
    assert left.reason.startswith("entry 2")
    assert reason in left.reason


def test_paths_written_on_windows(write_json: WriteJson, tmp_path: Path) -> None:
    [place] = read_source(write_json([described("sub\\ä b.jpg")], NAME)).places
    assert (place.id, place.path) == ("sub/ä b.jpg", tmp_path / "photos/sub/ä b.jpg")


def test_pictures_elsewhere_and_links_are_taken_as_in_csv_files(write_json: WriteJson, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.jpg").write_bytes(b"not opened")
    file = write_json([described("../elsewhere.jpg"), described("link.jpg"), described("broken.jpg")], NAME)
    (tmp_path / "photos" / "link.jpg").symlink_to("a.jpg")
    (tmp_path / "photos" / "broken.jpg").symlink_to("nothing.jpg")
    listing = read_source(file)
    assert [place.id for place in listing.places] == [(tmp_path / "elsewhere.jpg").as_posix(), "link.jpg"]
    assert [left.code for left in listing.left_out] == ["missing_file"]
