"""docs/collections.md names tests that exist, and all that is read."""

import re
from pathlib import Path
from typing import get_args

import pytest

from index_builder.sources.listing import ListingKind
from index_builder.sources.pictures import PICTURE_SUFFIXES

TESTS = Path(__file__).parent
DOCUMENT = (Path(__file__).parents[3] / "docs" / "collections.md").read_text("utf-8")
WORDS = {
    "exif folder": "a folder of photos",
    "utm folder": "@UTM_east@UTM_north",
    "csv": "a CSV file",
    "exiftool": "a table of exiftool",
    "msls": "a city of MSLS",
    "mapillary api": "Mapillary API",
    "geojson": "GeoJSON",
    "stac": "STAC and Panoramax",
}


# Evaluations alone read frames.
@pytest.mark.parametrize("kind", [kind for kind in get_args(ListingKind) if kind != "frames"])
def test_every_kind_stands_in_the_table(kind: str) -> None:
    assert f"{WORDS.get(kind, kind)}" in DOCUMENT


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+\.py)`", DOCUMENT))
    assert len(named) >= 10
    assert [name for name in sorted(named) if not (TESTS / name).exists()] == []


def test_every_suffix_of_pictures_is_named() -> None:
    assert [suffix for suffix in sorted(PICTURE_SUFFIXES) if f"`{suffix}`" not in DOCUMENT] == []
