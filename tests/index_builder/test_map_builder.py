"""The class for programs: what docs/maps.md shows, on a small collection."""

from pathlib import Path

import pytest

from index_builder.changes.area import Area
from index_builder.changes.remove import Selection
from index_builder.map_builder import MapBuilder
from model.encoder import Encoder
from model.errors import InvalidInput
from place_map.reader import PlaceMap
from tests.index_builder.map_factory import SMALL, photo_listing


def test_a_program_does_what_the_commands_do(tmp_path: Path, tiny_encoder: Encoder) -> None:
    first, second = photo_listing(tmp_path / "2026", 5), photo_listing(tmp_path / "2027", 3)
    builder = MapBuilder(tmp_path / "maps" / "town", tiny_encoder, SMALL)
    assert builder.build(first).placed == 5
    assert builder.add(second, prefix="2027/").change.added == 3
    assert builder.update(first).version == "000002"  # nothing to do
    area = Area.box(west=13, south=55.0005, east=14, north=55.0015)  # the second place, which both have
    assert builder.remove(Selection(area=area)).change.removed == 2
    assert builder.compact().change.kind == "compact"
    assert [version.manifest.change.kind for version in builder.versions()] == ["build", "add", "remove", "compact"]
    assert builder.roll_back().after == "000003"
    assert builder.activate("4").after == "000004"
    assert builder.prune(keep=1).versions == ("000001", "000002", "000003")
    assert not builder.abandon()
    assert builder.verify().reencoded > 0
    with PlaceMap.open(builder.path) as place_map:
        assert place_map.places.ids == ["00.jpg", "02.jpg", "03.jpg", "04.jpg", "2027/00.jpg", "2027/02.jpg"]


def test_without_an_encoder_nothing_is_encoded(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 3)
    MapBuilder(tmp_path / "town", tiny_encoder, SMALL).build(listing)
    builder = MapBuilder(tmp_path / "town")
    with pytest.raises(InvalidInput, match="give MapBuilder an encoder"):
        builder.update(listing)
    assert builder.remove(Selection(ids=("01.jpg",))).counts.placed == 2
