"""Google Takeout: the JSON beside a photo, in all its spellings."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from index_builder.sources.read import read_source
from index_builder.sources.takeout import TakeoutNames, takeout_geotag
from model.geo import LatLon
from model.positions import Unplaced

WritePicture = Callable[..., Path]
ZEROS = {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0}
LONG = "a photo with a name that is longer than most of them.jpg"


def note(latitude: float = 48.2, longitude: float = 16.3, **more: object) -> str:
    said = {"title": "a.jpg", "photoTakenTime": {"timestamp": "1715000000"}, "geoDataExif": ZEROS}
    return json.dumps({**said, "geoData": {"latitude": latitude, "longitude": longitude, "altitude": 1.5}, **more})


@pytest.mark.parametrize(
    ("picture", "name"),
    [
        ("IMG.jpg", "IMG.jpg.json"),
        ("IMG.jpg", "IMG.jpg.supplemental-metadata.json"),
        ("IMG.jpg", "IMG.jpg.supplemental-meta.json"),
        ("IMG.jpg", "IMG.jpg.s.json"),
        ("IMG.jpg", "IMG.jpg..json"),
        ("IMG(1).jpg", "IMG.jpg(1).json"),
        ("IMG(1).jpg", "IMG.jpg.supplemental-metadata(1).json"),
        ("IMG(12).jpg", "IMG.jpg.supp(12).json"),
        ("IMG(1).jpg", "IMG(1).jpg.json"),
        ("IMG-edited.jpg", "IMG.jpg.json"),
        ("IMG-bearbeitet.jpg", "IMG.jpg.supplemental-metadata.json"),
        ("IMG-edited(1).jpg", "IMG.jpg(1).json"),
        (LONG, f"{LONG[:46]}.json"),
        (LONG, f"{LONG[:45]}.json"),
    ],
)
def test_which_file_belongs_to_a_photo(tmp_path: Path, write_picture: WritePicture, picture: str, name: str) -> None:
    write_picture(tmp_path / picture)
    (tmp_path / name).write_text(note())
    (tmp_path / "metadata.json").write_text('{"title": "album"}')
    listing = read_source(tmp_path)
    [place] = listing.places
    assert place.position == LatLon(48.2, 16.3)
    assert place.time == datetime.fromtimestamp(1715000000, UTC)
    assert listing.passed_over == {".json": 1}


@pytest.mark.parametrize(
    ("picture", "name"),
    [
        ("IMG.jpg", "IMG.jpg(1).json"),
        ("IMG(1).jpg", "IMG.jpg.json"),
        ("IMG.jpg", "IMG.png.json"),
        ("IMG-2.jpg", "IMG.jpg.json"),
        ("IMG.jpg", "IMG.jpg.other.json"),
        ("IMG.jpg", "IM.json"),
        (LONG, f"{LONG[:30]}.json"),
    ],
)
def test_which_file_does_not(picture: str, name: str) -> None:
    assert TakeoutNames([name]).of(picture) is None


@pytest.mark.parametrize(
    ("picture", "name"),
    [
        ("IMG.JPG", "IMG.jpg.supplemental-metadata.json"),
        ("cafe\u0301.jpg", "caf\u00e9.jpg.json"),
        ("caf\u00e9-modifie\u0301.jpg", "cafe\u0301.jpg.supplemental-metadata.json"),
        ("20030616.jpg", "20030616.json"),
        ("20030616(1).jpg", "20030616(1).json"),
    ],
)
def test_names_that_another_computer_has_spelled(picture: str, name: str) -> None:
    assert TakeoutNames(["other.json", name]).of(picture) == name


def test_capitals_tell_two_files_apart() -> None:
    names = TakeoutNames(["a.jpg.json", "A.jpg.json"])
    assert [names.of(picture) for picture in ("a.jpg", "A.jpg")] == ["a.jpg.json", "A.jpg.json"]


def test_the_own_file_comes_before_that_of_another() -> None:
    names = TakeoutNames(["IMG.jpg.json", "IMG.jpg(1).json", "IMG-edited.jpg.json"])
    assert names.of("IMG-edited.jpg") == "IMG-edited.jpg.json"
    assert names.of("IMG.jpg") == "IMG.jpg.json"


def test_the_photo_itself_comes_first(tmp_path: Path, write_picture: WritePicture) -> None:
    gps: dict[int, object] = {1: "S", 2: (33.0, 30.0, 0.0), 3: "E", 4: (151.0, 15.0, 0.0)}
    write_picture(tmp_path / "a.jpg", gps)
    (tmp_path / "a.jpg.json").write_text(note())
    [place] = read_source(tmp_path).places
    assert (place.position, place.time) == (LatLon(-33.5, 151.25), datetime.fromtimestamp(1715000000, UTC))


def test_zeros_are_no_position() -> None:
    said = {"latitude": 1.5, "longitude": 2.5}
    assert takeout_geotag(note(0, 0, geoDataExif=said).encode()).position == LatLon(1.5, 2.5)
    nothing = takeout_geotag(note(0, 0).encode()).position
    assert isinstance(nothing, Unplaced)
    assert nothing.code == "no_position"


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"geoData": 5, "photoTakenTime": 7}', '{"geoData": {"latitude": "a"}}']
)
def test_other_json_says_nothing(content: str) -> None:
    geotag = takeout_geotag(content.encode())
    assert isinstance(geotag.position, Unplaced)
    assert geotag.time is None
    assert not geotag.remarks


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 100_000])
def test_broken_json_is_remarked_on(content: bytes) -> None:
    assert takeout_geotag(content).remarks == {"unreadable_note"}
