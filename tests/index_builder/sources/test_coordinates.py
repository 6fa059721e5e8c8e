"""Degrees and headings as people and programs write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.sources.coordinates import (
    parse_angle,
    parse_number,
    position_from_pair,
    position_from_text,
)
from index_builder.sources.headings import heading_in, parse_heading
from model.geo import LatLon
from model.positions import Unplaced, checked_position

NORTH = 48 + 12 / 60 + 29.9 / 3600


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("48.2083", 48.2083),
        ("48,2083", 48.2083),
        (" +48.2083 ", 48.2083),
        ("-48.2083", -48.2083),
        ("−48.2083", -48.2083),
        ("–48.2083", -48.2083),
        ("48.2083°", 48.2083),
        ("4.82083e1", 48.2083),
        (".5", 0.5),
        ("48.", 48),
        ("48°12'29.9\"", NORTH),
        ("48° 12′ 29.9″", NORTH),
        ("48º12’29,9”", NORTH),
        ("48°12'29.9''", NORTH),
        ("48 12 29.9", NORTH),
        ("48:12:29.9", NORTH),
        ("48 deg 12' 29.9\"", NORTH),
        ("48d12m29.9s", NORTH),
        ("-48 12 29.9", -NORTH),
        ("48 12.5", 48 + 12.5 / 60),
        ("48°12.5'", 48 + 12.5 / 60),
        ("48,12.5", 48 + 12.5 / 60),
        ("48,12,30", 48 + 12.5 / 60),
    ],
)
@pytest.mark.parametrize("letter", ["", "N", " n", " North"])
def test_degrees(text: str, degrees: float, letter: str) -> None:
    angle = parse_angle(text + letter)
    assert angle is not None
    assert angle.degrees == pytest.approx(degrees, abs=1e-9)
    assert angle.letter == letter.strip()[:1].upper()


@pytest.mark.parametrize(
    "text",
    ["", "N", "north", "NaN", "inf", "1e999", "48.2.1", "48 61", "48 12 61", "N48E", "a48", "48 1234", "4_8"],
)
def test_what_is_no_degrees(text: str) -> None:
    assert parse_angle(text) is None


@given(st.text(alphabet="0123456789.,-+°'\" NSEWdeg:", max_size=14))
def test_nonsense_is_never_a_crash(text: str) -> None:
    assert isinstance(position_from_text(text, text), LatLon | Unplaced)
    heading = parse_heading(text)
    assert heading is None or abs(heading) < float("inf")


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        ("48.2N", "16.3E", LatLon(48.2, 16.3)),
        ("48.2S", "16.3W", LatLon(-48.2, -16.3)),
        ("-48.2 S", "-16.3 W", LatLon(-48.2, -16.3)),
        ("N 48.2", "W16.3", LatLon(48.2, -16.3)),
        ("South 48.2", "west16.3", LatLon(-48.2, -16.3)),
        ("-33.5", "343.75", LatLon(-33.5, -16.25)),
        ("10", "360", LatLon(10, 0)),
    ],
)
def test_positions(latitude: str, longitude: str, expected: LatLon) -> None:
    assert position_from_text(latitude, longitude) == expected


def test_hemispheres_in_columns_of_their_own() -> None:
    assert position_from_text("48.2", "16.3", north_or_south="South", east_or_west="W") == LatLon(-48.2, -16.3)
    assert position_from_text("-48.2", "16.3", north_or_south="South", east_or_west="E") == LatLon(-48.2, 16.3)


@pytest.mark.parametrize(
    ("latitude", "longitude", "code", "reason"),
    [
        ("", "16", "no_position", "empty"),
        ("48", " ", "no_position", "empty"),
        ("north", "16", "invalid_position", "'north', '16' are not degrees"),
        ("16.3E", "48.2N", "invalid_position", "latitude and longitude swapped"),
        ("48.2N", "16.3 O", "invalid_position", "O is east in German (Ost) and west in French"),
        ("N 48°12'", "Ost 16°22'", "invalid_position", "write E or W"),
        ("48°12'N", "16°22' Ouest", "invalid_position", "write E or W"),
        ("116.3", "48.2", "invalid_position", "latitude and longitude swapped"),
        ("-48.2N", "16", "invalid_position", "yet marked N"),
        ("48", "361", "invalid_position", "longitude 361"),
        ("0", "0", "null_island", "0, 0"),
    ],
)
def test_what_is_no_position(latitude: str, longitude: str, code: str, reason: str) -> None:
    found = position_from_text(latitude, longitude)
    assert isinstance(found, Unplaced)
    assert found.code == code
    assert reason in found.reason


def test_a_hemisphere_of_two_meanings_in_a_column_of_its_own_is_refused() -> None:
    found = position_from_text("48.2", "16.3", north_or_south="N", east_or_west="O")
    assert isinstance(found, Unplaced)
    assert "O is east in German (Ost) and west in French" in found.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("48.5, 16.25", LatLon(48.5, 16.25)),
        ("48.5,16.25", LatLon(48.5, 16.25)),
        ("48,5; 16,25", LatLon(48.5, 16.25)),
        ("48,5 16,25", LatLon(48.5, 16.25)),
        ("-48.5 16.25", LatLon(-48.5, 16.25)),
        ("48 deg 30' 0.00\" N, 16 deg 15' 0.00\" W", LatLon(48.5, -16.25)),
        ("POINT (16.25 48.5)", LatLon(48.5, 16.25)),
        ("point z(16.25 48.5 210)", LatLon(48.5, 16.25)),
        ("SRID=4326;POINT(16.25 48.5)", LatLon(48.5, 16.25)),
        ("", "no_position"),
        ("48.5", "invalid_position"),
        ("1,2,3", "invalid_position"),
        ("LINESTRING (16.25 48.5, 1 2)", "invalid_position"),
        ("POINT (16.25 north)", "invalid_position"),
    ],
)
def test_both_degrees_in_one_text(text: str, expected: LatLon | str) -> None:
    found = position_from_pair(text)
    assert (found.code if isinstance(found, Unplaced) else found) == expected


def test_numbers() -> None:
    assert checked_position(10, 190) == LatLon(10, -170)
    assert [parse_number(text) for text in ("1,5", "−2", "1 2", "3N", "")] == [1.5, -2, None, None, None]


@pytest.mark.parametrize(
    ("value", "heading_deg"),
    [
        (270, 270),
        ("270", 270),
        ("270°", 270),
        ("270,5 deg", 270.5),
        ("+170.1", 170.1),
        ("27000/100", 270),
        ("0/0", None),
        ("north", None),
        ("", None),
        (True, None),
        (None, None),
        (10**400, None),
        (float("nan"), None),
    ],
)
def test_headings(value: object, heading_deg: float | None) -> None:
    assert heading_in(value) == heading_deg
