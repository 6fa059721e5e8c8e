"""Which positions and headings are believed, and what is passed over."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from PIL import ExifTags
from PIL.TiffImagePlugin import IFDRational

from index_builder.errors import SourceError
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from index_builder.sources.rules import is_excluded
from model.errors import InvalidInput
from model.geo import LatLon

WritePicture = Callable[..., Path]
GPS: dict[int, object] = {1: "N", 2: (48.0, 30.0, 0.0), 3: "E", 4: (16.0, 15.0, 0.0)}
STATUS, DOP, ERROR, DIRECTION, DIRECTION_REF = 9, 11, 31, 17, 16
BASE = ExifTags.Base
TAKEN, AT, NEVER = "2024:05:06 07:08:09", datetime(2024, 5, 6, 7, 8, 9), "0000:00:00 00:00:00"
SUMMER = timezone(timedelta(hours=2))


def test_void_fixes_are_left_out_unless_they_state_their_error(tmp_path: Path, write_picture: WritePicture) -> None:
    write_picture(tmp_path / "active.jpg", {**GPS, STATUS: "A"})
    write_picture(tmp_path / "stated.jpg", {**GPS, STATUS: "V", ERROR: 8.0})
    write_picture(tmp_path / "void.jpg", {**GPS, STATUS: "V"})
    listing = read_source(tmp_path)
    assert [place.id for place in listing.places] == ["active.jpg", "stated.jpg"]
    assert [(left.path, left.outcome, left.code) for left in listing.left_out] == [("void.jpg", "skipped", "void_fix")]


def test_stated_errors(tmp_path: Path, write_picture: WritePicture) -> None:
    write_picture(tmp_path / "1.jpg", {**GPS, ERROR: 5.0, DOP: 20.0})
    write_picture(tmp_path / "2.jpg", {**GPS, ERROR: 65.0})
    write_picture(tmp_path / "3.jpg", {**GPS, DOP: 9.0})  # 45 m
    write_picture(tmp_path / "4.jpg", GPS)
    listing = read_source(tmp_path)
    assert len(listing.places) == 4
    assert listing.remarks == {"doubtful_position": 2}
    listing = read_source(tmp_path, ReadOptions(max_gps_error_m=50))
    assert [place.id for place in listing.places] == ["1.jpg", "3.jpg", "4.jpg"]
    assert [(left.path, left.code) for left in listing.left_out] == [("2.jpg", "inaccurate_position")]
    assert "65 m off, more than the 50 m of --max-gps-error-m" in listing.left_out[0].reason


def test_seconds_of_zero_by_zero_are_none(tmp_path: Path, write_picture: WritePicture) -> None:
    nothing = IFDRational(0, 0)
    write_picture(tmp_path / "1.jpg", {**GPS, 2: (48.0, 30.5, nothing), 4: (16.0, 15.25, nothing)})
    write_picture(tmp_path / "2.jpg", {**GPS, 2: (48.0, 30.0, nothing), 4: (16.0, 15.0, nothing)})
    write_picture(tmp_path / "3.jpg", {**GPS, 2: (48.0, nothing, nothing)})
    listing = read_source(tmp_path)
    exact, to_the_minute = (place.position for place in listing.places)
    assert (exact.latitude, exact.longitude) == pytest.approx((48 + 30.5 / 60, 16 + 15.25 / 60))
    assert to_the_minute == LatLon(48.5, 16.25)
    assert listing.remarks == {"doubtful_position": 1}
    assert [(left.path, left.code) for left in listing.left_out] == [("3.jpg", "invalid_position")]


def test_hemispheres_may_be_assumed(tmp_path: Path, write_picture: WritePicture) -> None:
    write_picture(tmp_path / "1.jpg", {2: GPS[2], 4: GPS[4]})
    write_picture(tmp_path / "2.jpg", {**GPS, 1: "S"})
    assert [left.code for left in read_source(tmp_path).left_out] == ["no_hemisphere"]
    positions = [place.position for place in read_source(tmp_path, ReadOptions(assume_hemisphere="NW")).places]
    assert positions == [LatLon(48.5, -16.25), LatLon(-48.5, 16.25)]
    with pytest.raises(InvalidInput, match="NE, NW, SE or SW"):
        ReadOptions(assume_hemisphere="EN")


def test_magnetic_headings_are_counted_and_taken_when_asked_for(tmp_path: Path, write_picture: WritePicture) -> None:
    write_picture(tmp_path / "1.jpg", {**GPS, DIRECTION: 22.0, DIRECTION_REF: "M"})
    write_picture(tmp_path / "2.jpg", {**GPS, DIRECTION: IFDRational(0, 0), DIRECTION_REF: "T"})
    listing = read_source(tmp_path)
    assert [place.heading_deg for place in listing.places] == [None, None]
    assert listing.remarks == {"magnetic_heading": 1, "unreadable_heading": 1}
    listing = read_source(tmp_path, ReadOptions(magnetic_headings=True))
    assert [place.heading_deg for place in listing.places] == [22, None]
    assert listing.remarks == {"unreadable_heading": 1}


@pytest.mark.parametrize(
    ("camera", "time"),
    [
        (
            {BASE.DateTimeOriginal: "2024:05:06 07:08:09", BASE.SubsecTimeOriginal: "25"},
            datetime(2024, 5, 6, 7, 8, 9, 250_000),
        ),
        (
            {BASE.DateTimeOriginal: "0000:00:00 00:00:00", BASE.DateTimeDigitized: "2024:05:06 07:08:09"},
            datetime(2024, 5, 6, 7, 8, 9),
        ),
        (
            {
                BASE.DateTimeDigitized: "2024:05:06 07:08:09",
                BASE.SubsecTimeDigitized: "5",
                BASE.OffsetTimeDigitized: "+02:00",
            },
            datetime(2024, 5, 6, 7, 8, 9, 500_000, tzinfo=timezone(timedelta(hours=2))),
        ),
        ({BASE.DateTimeOriginal: "2024:05:06 07:08:09", BASE.SubsecTimeOriginal: "??"}, datetime(2024, 5, 6, 7, 8, 9)),
    ],
)
def test_times_fall_back(
    tmp_path: Path, write_picture: WritePicture, camera: dict[int, object], time: datetime
) -> None:
    write_picture(tmp_path / "1.jpg", GPS, camera)
    [place] = read_source(tmp_path).places
    assert place.time == time
    assert place.time.utcoffset() == time.utcoffset()


def test_the_time_of_the_file_is_the_last_resort(tmp_path: Path, write_picture: WritePicture) -> None:
    write_picture(tmp_path / "1.jpg", GPS, base={BASE.DateTime: "2024:05:06 07:08:09"})
    write_picture(tmp_path / "2.jpg", GPS, {BASE.DateTimeOriginal: "yesterday"})
    listing = read_source(tmp_path)
    assert [place.time for place in listing.places] == [datetime(2024, 5, 6, 7, 8, 9), None]
    assert listing.remarks == {"unreadable_time": 1}


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("a/b/c.jpg", "c.jpg", True),
        ("a/b/c.jpg", "b", True),
        ("a/b/c.jpg", "b/", True),
        ("a/b/c.jpg", "*.jpg", True),
        ("a/b/c.jpg", "a/b", True),
        ("a/b/c.jpg", "a/*.jpg", True),
        ("a/b/c.jpg", "b/c.jpg", False),
        ("a/b/c.jpg", "c", False),
        ("a/b/c.jpg", "C.JPG", False),
    ],
)
def test_patterns(path: str, pattern: str, fits: bool) -> None:
    assert is_excluded(path, (pattern,)) is fits


def test_folders_of_machines_and_patterns_are_passed_over(tmp_path: Path, write_picture: WritePicture) -> None:
    for name in (
        "real.jpg", "x.TIF", "y.tif", "notes", "@eaDir/real.jpg/T.jpg", "#recycle/1.jpg",
        "$RECYCLE.BIN/2.jpg", "@Recycle/3.jpg", ".@__thumb/4.jpg", "out/5.jpg", "out/deep/6.jpg", "in/b_7.jpg",
        "in/8.jpg",
    ):  # fmt: skip
        write_picture(tmp_path / name, GPS)
    listing = read_source(tmp_path, ReadOptions(exclude=("out", "b_*")))
    assert [place.id for place in listing.places] == ["real.jpg", "in/8.jpg"]
    assert listing.passed_over == {
        ".tif": 2, "": 1, "@eaDir/": 1, "#recycle/": 1, "$RECYCLE.BIN/": 1, "@Recycle/": 1, "--exclude": 2,
    }  # fmt: skip


def test_patterns_fit_the_names_of_a_list(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "list.csv").write_text("path,lat,lon\na.jpg,1,2\nb.jpg,1,2\n")
    listing = read_source(tmp_path / "list.csv", ReadOptions(exclude=("b*",)))
    assert [place.id for place in listing.places] == ["a.jpg"]
    assert listing.passed_over == {"--exclude": 1}


def test_options_that_say_nothing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path,lat,lon\na.jpg,1,2\n")
    with pytest.raises(SourceError, match="--root applies to lists of pictures alone"):
        read_source(tmp_path, ReadOptions(root=tmp_path))
    with pytest.raises(SourceError, match="--assume-hemisphere is for folders"):
        read_source(tmp_path / "list.csv", ReadOptions(assume_hemisphere="NE"))
