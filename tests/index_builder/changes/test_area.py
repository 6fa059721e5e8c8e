"""Areas: which points lie in boxes and polygons."""

import json
from pathlib import Path

import numpy as np
import pytest

from index_builder.changes.area import Area
from model.errors import InvalidInput


def square(west: float, south: float, size: float) -> list[list[float]]:
    east, north = west + size, south + size
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def polygon(*rings: list[list[float]]) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": list(rings)}


def area_of(tmp_path: Path, geometry: object) -> Area:
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps(geometry))
    return Area.from_geojson(path)


def holds(area: Area, longitude: float, latitude: float) -> bool:
    return bool(area.contains(np.array([latitude]), np.array([longitude]))[0])


OVERLAPPING = [polygon(square(0, 0, 4)), polygon(square(2, 2, 4))]


@pytest.mark.parametrize(
    "document",
    [
        {
            "type": "FeatureCollection",
            "features": [{"type": "Feature", "properties": {}, "geometry": each} for each in OVERLAPPING],
        },
        {"type": "GeometryCollection", "geometries": OVERLAPPING},
        {"type": "MultiPolygon", "coordinates": [each["coordinates"] for each in OVERLAPPING]},
    ],
)
def test_what_lies_in_two_polygons_is_in_the_area(tmp_path: Path, document: object) -> None:
    area = area_of(tmp_path, document)
    for longitude, latitude in ((1, 1), (3, 3), (5, 5)):
        assert holds(area, longitude, latitude)
    assert not holds(area, 1, 5)


def test_a_hole_is_outside_unless_another_polygon_covers_it(tmp_path: Path) -> None:
    with_hole = polygon(square(0, 0, 10), square(4, 4, 2))
    assert not holds(area_of(tmp_path, with_hole), 5, 5)
    assert holds(area_of(tmp_path, with_hole), 3, 5)
    both = {"type": "GeometryCollection", "geometries": [with_hole, polygon(square(4.5, 4.5, 1))]}
    assert holds(area_of(tmp_path, both), 5, 5)


@pytest.mark.parametrize("point", [(0, 2), (4, 2), (2, 0), (2, 4), (0, 0), (4, 4), (0, 4), (4, 0)])
def test_every_edge_and_corner_belongs_to_the_area(tmp_path: Path, point: tuple[float, float]) -> None:
    assert holds(Area.box(0, 0, 4, 4), *point)
    assert holds(area_of(tmp_path, polygon(square(0, 0, 4))), *point)
    assert holds(area_of(tmp_path, polygon(square(0, 0, 4)[::-1])), *point)


def test_an_area_across_the_antimeridian_is_given_as_two() -> None:
    area = Area.union([Area.box(170, -1, 180, 1), Area.box(-180, -1, -170, 1)])
    for longitude in (170, 175, 180, -180, -175, -170):
        assert holds(area, longitude, 0)
    assert not holds(area, 169, 0)
    assert not holds(area, -169, 0)


def test_the_antimeridian_has_two_names() -> None:
    assert holds(Area.box(170, -1, 180, 1), -180, 0)
    assert holds(Area.box(-180, -1, -170, 1), 180, 0)


def test_nesting_too_deep_is_told(tmp_path: Path) -> None:
    path = tmp_path / "area.geojson"
    path.write_text("[" * 100_000)
    with pytest.raises(InvalidInput, match="nests lists or objects too deep"):
        Area.from_geojson(path)
    deep = polygon(square(0, 0, 4))
    for _ in range(200):
        deep = {"type": "GeometryCollection", "geometries": [deep]}
    assert holds(area_of(tmp_path, deep), 1, 1)
