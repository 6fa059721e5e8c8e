"""How collections were read is kept in the map, and holds when it is brought up to date."""

from dataclasses import fields
from pathlib import Path

import pytest

from index_builder.build import build_map
from index_builder.changes.kept_options import kept_options, options_as_before
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from model.encoder import Encoder
from model.errors import InvalidInput
from model.geo import LatLon
from place_map.errors import MapCorrupt
from place_map.manifest import SourceHint
from place_map.versions import read_manifest
from tests.conftest import write_photo
from tests.index_builder.map_factory import SMALL


def every_option(folder: Path) -> ReadOptions:
    return ReadOptions(
        path_column="p",
        latitude_column="y",
        longitude_column="x",
        root=folder,
        exclude=("out", "*.png"),
        max_gps_error_m=30,
        assume_hemisphere="SW",
        magnetic_headings=True,
        gpx=(folder / "a.gpx",),
        time_offset_s=-7200,
        max_gap_s=90,
        panoramas="views",
    )


def test_every_option_is_kept(tmp_path: Path) -> None:
    options = every_option(tmp_path)
    defaults = ReadOptions()
    of_the_moment = {"views_folder", "side"}
    for field in fields(ReadOptions):
        assert (getattr(options, field.name) == getattr(defaults, field.name)) is (field.name in of_the_moment)
    known = SourceHint(kind="csv", path=str(tmp_path), reading=kept_options(options))
    again = SourceHint.model_validate_json(known.model_dump_json())
    assert options_as_before(ReadOptions(), (again,), tmp_path) == options
    assert kept_options(ReadOptions()) == {}


def test_what_is_said_now_counts(tmp_path: Path) -> None:
    known = SourceHint(kind="csv", path=str(tmp_path), reading={"exclude": ["out"]})
    other = SourceHint(kind="csv", path="elsewhere", reading={"exclude": ["in"]})
    views = tmp_path / "views"
    now = ReadOptions(max_gps_error_m=5)
    assert options_as_before(now, (known,), tmp_path) == now
    assert options_as_before(ReadOptions(views_folder=views), (other, known), tmp_path).views_folder == views
    assert options_as_before(ReadOptions(), (other, known), tmp_path).exclude == ("out",)
    assert options_as_before(ReadOptions(), (other, known), tmp_path, number=0).exclude == ("in",)
    assert options_as_before(ReadOptions(), (known,), tmp_path / "new") == ReadOptions()


def test_what_is_not_there_any_more_is_told(tmp_path: Path) -> None:
    known = SourceHint(kind="csv", path=str(tmp_path), reading={"root": str(tmp_path / "gone")})
    with pytest.raises(InvalidInput, match="gone does not exist"):
        options_as_before(ReadOptions(), (known,), tmp_path)
    broken = SourceHint(kind="csv", path=str(tmp_path), reading={"exclude": 5})
    with pytest.raises(MapCorrupt, match="options of reading"):
        options_as_before(ReadOptions(), (broken,), tmp_path)


def test_a_map_keeps_them(tmp_path: Path, tiny_encoder: Encoder) -> None:
    for number in range(3):
        write_photo(tmp_path / "photos" / f"{number}.jpg", number, LatLon(55.7 + number / 1000, 13.2))
    listing = read_source(tmp_path / "photos", ReadOptions(exclude=("2*",)))
    assert build_map(listing, tiny_encoder, tmp_path / "town", SMALL).placed == 2
    [source] = read_manifest(tmp_path / "town").sources
    assert source.reading == {"exclude": ["2*"]}
