"""Answers of the Mapillary API, saved beside the pictures."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from index_builder.sources.read import read_source
from model.geo import LatLon
from tests.index_builder.sources.conftest import WriteJson

PICTURES = ("1.jpg", "2.jpeg", "images/3.webp", "images/4.png")


def point(longitude: object, latitude: object) -> dict[str, object]:
    return {"type": "Point", "coordinates": [longitude, latitude]}


def entity(key: object, **members: object) -> dict[str, object]:
    return {"id": key, "geometry": point(13.25, 55.5), **members}


ENTITIES = [
    entity(
        "1",
        computed_geometry=point(13.5, 55.75),
        compass_angle=10.0,
        computed_compass_angle=-90,
        captured_at=1_727_107_618_250,
        is_pano=False,
        thumb_original_url="https://example.org/never-fetched.jpg",
    ),
    entity("2", computed_geometry=None, compass_angle=10.5, computed_compass_angle=None, captured_at=None),
    entity(3, captured_at="2024-09-23T16:06:58Z"),
]


@pytest.mark.parametrize(
    ("document", "name"),
    [({"data": ENTITIES}, "answer.json"), (ENTITIES, "answer.JSON"), (ENTITIES, "answer.jsonl")],
)
def test_what_is_computed_is_preferred(write_json: WriteJson, tmp_path: Path, document: object, name: str) -> None:
    file = write_json(document, name, PICTURES)
    listing = read_source(file)
    assert (listing.kind, listing.root, listing.left_out) == ("mapillary api", file, ())
    first, second, third = listing.places
    assert (first.id, first.path, first.position) == ("1", tmp_path / "photos/1.jpg", LatLon(55.75, 13.5))
    assert (first.heading_deg, first.time) == (270, datetime(2024, 9, 23, 16, 6, 58, 250_000, tzinfo=UTC))
    assert (second.id, second.path, second.position) == ("2", tmp_path / "photos/2.jpeg", LatLon(55.5, 13.25))
    assert (second.heading_deg, second.time) == (10.5, None)
    assert (third.id, third.path) == ("3", tmp_path / "photos/images/3.webp")
    assert (third.heading_deg, third.time) == (None, datetime(2024, 9, 23, 16, 6, 58, tzinfo=UTC))


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        (entity("4", is_pano=True), ("images/4.png", "skipped", "panorama")),
        (entity("4", camera_type="spherical"), ("images/4.png", "skipped", "panorama")),
        (entity("5"), ("5.jpg", "rejected", "missing_file")),
        (entity("4", geometry=None), ("images/4.png", "skipped", "no_position")),
        ({"id": "4"}, ("images/4.png", "skipped", "no_position")),
        (entity("4", geometry=point(0, 0)), ("images/4.png", "skipped", "null_island")),
        (entity("4", geometry=point(55.5, 113.25)), ("images/4.png", "skipped", "invalid_position")),
        (entity("1"), ("1.jpg", "skipped", "duplicate")),
        (entity("../photos/1"), ("../photos/1", "skipped", "invalid_row")),
        (entity(""), ("", "skipped", "invalid_row")),
        (entity(True), ("", "skipped", "invalid_row")),
        (entity("\ud800"), ("\\ud800.jpg", "skipped", "invalid_name")),
        ("4", ("", "skipped", "invalid_row")),
        (None, ("", "skipped", "invalid_row")),
    ],
)
def test_every_entity_is_accounted_for(write_json: WriteJson, odd: object, expected: tuple[str, str, str]) -> None:
    listing = read_source(write_json({"data": [*ENTITIES, odd]}, pictures=PICTURES))
    assert [place.id for place in listing.places] == ["1", "2", "3"]
    [left] = listing.left_out
    assert (left.path, left.outcome, left.code) == expected
    assert "entry 4" in left.reason
    left.reason.encode("utf-8")


def test_an_entity_in_a_line_is_named_by_its_line(write_json: WriteJson) -> None:
    listing = read_source(write_json([ENTITIES[0], entity("9")], "answer.jsonl", PICTURES))
    assert re.search(r"line 2: there is no file \S+9.jpg, nor .*9.jpeg", listing.left_out[0].reason)


def test_progress_counts_entities(write_json: WriteJson) -> None:
    seen: list[int] = []
    read_source(write_json(ENTITIES, pictures=PICTURES), on_progress=seen.append)
    assert seen == [1, 2, 3]


def test_one_picture_alone(write_json: WriteJson) -> None:
    """So the API answers a question about one picture."""
    [place] = read_source(write_json(ENTITIES[0], pictures=PICTURES)).places
    assert (place.id, place.position) == ("1", LatLon(55.75, 13.5))
