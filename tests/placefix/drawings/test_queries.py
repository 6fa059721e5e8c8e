"""Queries listed by files of several kinds."""

import json
from pathlib import Path

from index_builder.sources.read_options import ReadOptions
from model.geo import LatLon
from placefix.drawings.queries import read_queries
from tests.conftest import write_photo


def test_lists_of_each_kind_are_read_as_lists(tmp_path: Path) -> None:
    """Columns that are named for the CSV file do not disturb the others."""
    for name in ("1.jpg", "2.jpg", "3.jpg"):
        write_photo(tmp_path / name, seed=1)
    point = {"type": "Point", "coordinates": [13.25, 55.5]}
    (tmp_path / "a.csv").write_text("path,nord,lon\n1.jpg,55.5,13.25\n")
    (tmp_path / "b.geojson").write_text(
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [{"type": "Feature", "geometry": point, "properties": {"file": "2.jpg"}}],
            }
        )
    )
    (tmp_path / "c.jsonl").write_text(json.dumps({"id": "3", "geometry": point}) + "\n")
    listing = read_queries(
        [tmp_path / name for name in ("a.csv", "b.geojson", "c.jsonl")], ReadOptions(latitude_column="nord")
    )
    assert [(query.name, query.position) for query in listing.queries] == [
        (name, LatLon(55.5, 13.25)) for name in ("1.jpg", "2.jpg", "3")
    ]
    assert not listing.unreadable
