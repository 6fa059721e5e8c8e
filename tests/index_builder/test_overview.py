"""Survey collections before a map is built from them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from index_builder.overview import overview_of
from index_builder.sources.geotag import Remark
from index_builder.sources.likely_reasons import likely_reasons
from index_builder.sources.listing import LeftOutCode, SourceListing
from index_builder.suspicions import suspicious_collections, suspicious_positions
from model.geo import LatLon
from model.places import Place
from place_map.left_out import LeftOut

VIENNA = [LatLon(48.2 + number / 1000, 16.37) for number in range(8)]


def places(*positions: LatLon, start: int = 0) -> tuple[Place, ...]:
    return tuple(Place(f"{start + number}.jpg", Path("x"), position) for number, position in enumerate(positions))


def left(code: LeftOutCode, number: int = 1, outcome: str = "skipped") -> tuple[LeftOut, ...]:
    return tuple(
        LeftOut(f"{code}{each}.jpg", "rejected" if outcome == "rejected" else "skipped", code, f"it is {code}")
        for each in range(number)
    )


def test_counts_extent_and_times_of_all_collections() -> None:
    noon = datetime(2024, 5, 6, 12, tzinfo=UTC)
    taken = (
        Place("a", Path("a"), VIENNA[0], 10.0, noon),
        Place("b", Path("b"), VIENNA[1], None, (noon - timedelta(days=2)).replace(tzinfo=None)),
    )
    first = SourceListing(taken, left(LeftOutCode.NO_POSITION, 2), "exif folder", Path("1"), passed_over={".tif": 2})
    second = SourceListing(
        places(VIENNA[2]),
        (*left(LeftOutCode.MISSING_FILE, 3, "rejected"), *left(LeftOutCode.NO_POSITION)),
        "csv",
        Path("2"),
        remarks={Remark.UNREADABLE_TIME: 1},
        passed_over={".tif": 1},
    )
    overview = overview_of([first, second])
    assert (overview.pictures, overview.placed, overview.skipped, overview.rejected) == (9, 3, 3, 3)
    assert {group.example.code: group.count for group in overview.left_out} == {"no_position": 3, "missing_file": 3}
    assert (overview.passed_over, overview.remarks) == ({".tif": 3}, {Remark.UNREADABLE_TIME: 1})
    assert (overview.headings, overview.dates) == (1, 2)
    assert (overview.first, overview.last) == (datetime(2024, 5, 4, 12), datetime(2024, 5, 6, 12))
    assert overview.box is not None
    assert (overview.box.south, overview.box.north) == pytest.approx((48.2, 48.202))
    assert overview.spacing_m == pytest.approx(111.2, abs=0.1)


def test_collections_of_nothing() -> None:
    overview = overview_of([SourceListing((), left(LeftOutCode.NO_POSITION), "exif folder", Path("1"))])
    assert (overview.placed, overview.box, overview.spacing_m, overview.first) == (0, None, None, None)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (LatLon(16.37, 48.2), "to have latitude and longitude swapped"),
        (LatLon(-48.2, 16.37), "to have north and south confused"),
        (LatLon(48.2, -16.37), "to have east and west confused"),
        (LatLon(-48.2, -16.37), "to have both hemispheres confused"),
        (LatLon(5, 100), "km from all others"),
    ],
)
def test_what_cannot_be_right_is_told(wrong: LatLon, told: str) -> None:
    [sentence] = suspicious_positions([*places(*VIENNA), *places(wrong, start=8)])
    assert sentence.startswith("8.jpg (")
    assert told in sentence


def test_several_alike_are_told_once() -> None:
    wrong = [LatLon(16.37, 48.2), LatLon(16.37, 48.201)]
    [sentence] = suspicious_positions([*places(*VIENNA), *places(*wrong, start=8)])
    assert "8.jpg (16.3700, 48.2000) and 1 more seem to have latitude and longitude swapped" in sentence


def test_cities_in_several_countries_and_over_the_antimeridian_are_not_suspicious() -> None:
    sydney = [LatLon(-33.8 + number / 1000, 151.2) for number in range(8)]
    assert suspicious_positions(places(*VIENNA, *sydney)) == ()
    fiji = [LatLon(-17, 179.99 if number % 2 else -179.99) for number in range(8)]
    assert suspicious_positions(places(*fiji)) == ()
    assert suspicious_positions(places(LatLon(0, 1), LatLon(50, 50), LatLon(-50, 100))) == ()


def test_the_likeliest_reasons_come_first_with_what_helps() -> None:
    entries = (*left(LeftOutCode.NO_HEMISPHERE, 5), *left(LeftOutCode.NULL_ISLAND, 2), *left(LeftOutCode.PANORAMA, 3))
    first, second, third = likely_reasons([SourceListing((), entries, "exif folder", Path("1"))])
    assert "--assume-hemisphere" in first
    assert "5 of 10 pictures" in first
    assert "panoramas" in second
    assert "0, 0" in third


@pytest.mark.parametrize(
    ("passed_over", "told"),
    [
        ({".gpx": 1}, "--gpx"),
        ({".csv": 1}, "in a list that lies there (.csv)"),
        ({".tif": 1}, "location is switched on"),
    ],
)
def test_what_lies_beside_the_photos_tells_where_the_positions_may_be(passed_over: dict[str, int], told: str) -> None:
    listing = SourceListing((), left(LeftOutCode.NO_POSITION, 2), "exif folder", Path("1"), passed_over=passed_over)
    reasons = likely_reasons([listing])
    assert told in reasons[0]
    assert len(reasons) <= 3


@pytest.mark.parametrize(
    ("wrong", "mistake"),
    [
        ([LatLon(where.longitude, where.latitude) for where in VIENNA], "latitude and longitude swapped"),
        ([LatLon(where.latitude, -where.longitude) for where in VIENNA], "east and west confused"),
    ],
)
def test_a_whole_collection_with_a_mistake(wrong: list[LatLon], mistake: str) -> None:
    [sentence] = suspicious_collections({"right": places(*VIENNA), "list.csv": places(*wrong, start=8)})
    assert sentence.startswith("all of list.csv (")
    assert f"seems to have {mistake}, or all else has" in sentence


def test_collections_of_several_places_are_not_suspicious() -> None:
    sydney = [LatLon(-33.5, 151.25), LatLon(-33.51, 151.25)]
    assert suspicious_collections({"a": places(*VIENNA), "b": places(*sydney, start=8), "c": ()}) == ()
    assert suspicious_collections({"a": places(*VIENNA)}) == ()
