"""The description of a map agrees with its files."""

import json
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from index_builder.description.describe import describe_map
from index_builder.description.headings import DIRECTIONS, summarise_headings
from model.encoder import Encoder
from model.geo import EARTH_RADIUS_M, LatLon
from place_map.current import Current
from place_map.place_file import PlaceRecord
from place_map.reader import PlaceMap
from tests.index_builder.map_factory import build_small, unit_rows, write_features_map

METRE_DEG = float(np.degrees(1 / EARTH_RADIUS_M))


def record(number: int, north_m: float, heading_deg: float | None, time: datetime | None) -> PlaceRecord:
    return PlaceRecord(f"p{number}", LatLon(north_m * METRE_DEG, 7), heading_deg, time, f"{number}.jpg", "0" * 64)


def test_places_and_times_of_a_map(tmp_path: Path) -> None:
    """Four pictures on a meridian, 10, 20 and 300 m apart; the last one of a segment is dead."""
    summer = timezone(timedelta(hours=2))
    records = [
        record(0, 5, 0.0, datetime(2024, 7, 1, 0, 30, tzinfo=summer)),
        record(1, 15, 180.0, datetime(2024, 7, 2, 12)),
        record(2, 35, 20.0, None),
        record(3, 335, None, datetime(2024, 7, 3, 23, 59)),
        record(4, 9000, 20.0, datetime(1999, 1, 1)),
    ]
    random = np.random.default_rng(0)
    path = write_features_map(tmp_path / "town", unit_rows(random.standard_normal((5, 8))), records=records)
    manifest_path = path / "versions/000001/manifest.json"
    manifest = json.loads(manifest_path.read_text())
    manifest["segments"][0]["dead_rows"] = [4]
    manifest["counts"] |= {"placed": 4, "skipped": 2, "rejected": 1}
    content = json.dumps(manifest).encode()
    manifest_path.write_bytes(content)
    (path / "CURRENT").write_bytes(Current("000001", sha256(content).hexdigest()).to_bytes())

    with PlaceMap.open(path) as place_map:
        described = describe_map(place_map)
    assert (described.pictures, described.segments, described.dead_rows) == (4, 1, 1)
    assert (described.skipped, described.rejected) == (2, 1)
    assert (described.box.west, described.box.east) == (7, 7)
    assert described.box.height_m == pytest.approx(330)
    assert described.covered_cells == 2
    assert described.covered_km2 == pytest.approx(0.02)
    assert described.pictures_per_km2 == pytest.approx(200)
    assert described.median_nearest_m == pytest.approx(15)  # between 10, 10, 20 and 300
    assert (described.headings.known, described.headings.with_same_view) == (3, 0)
    assert (described.dates.known, described.dates.unit) == (3, "day")
    assert described.dates.first == datetime(2024, 7, 1, 0, 30)  # as the clock there showed it
    assert [each.pictures for each in described.dates.bins] == [1, 1, 1]


def test_sizes_are_those_on_the_disk(tmp_path: Path, tiny_encoder: Encoder) -> None:
    path = build_small(tmp_path, tiny_encoder).map_path
    on_disk = {file.relative_to(path).as_posix(): file.stat().st_size for file in path.rglob("*") if file.is_file()}
    for name, size in {"versions/000007/manifest.json": 5, "versions/000007/index.faiss": 70}.items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(bytes(size))
    (path / "segments/000099/thumbnails").mkdir(parents=True)
    (path / "segments/000099/locals.npy").write_bytes(bytes(1000))
    (path / "segments/000099/thumbnails/000000.jpg").write_bytes(bytes(300))

    with PlaceMap.open(path) as place_map:
        described = describe_map(place_map)
    sizes = described.sizes
    pointers = sum(size for name, size in on_disk.items() if "manifest.json" in name) + on_disk["CURRENT"]
    assert sizes.version == sum(on_disk.values()) - pointers
    assert sizes.thumbnails == sum(size for name, size in on_disk.items() if name.endswith(".mjpeg")) > 0
    assert sizes.local_features == sum(size for name, size in on_disk.items() if name.endswith("locals.npy"))
    assert described.bytes_per_picture == sizes.version / 6
    assert (sizes.other_versions, sizes.beside) == (1, 1375)
    assert described.headings.known == 3  # every second one
    assert described.dates.known == 0


def test_directions_reach_half_a_step_to_each_side() -> None:
    headings_deg = np.array([0.0, 359.9, 348.76, 11.24, 11.26, 90.0, 348.74, np.nan])
    found = summarise_headings(np.arange(8.0), np.zeros(8), headings_deg)
    assert found.known == 7
    counted = {name: count for name, count in zip(DIRECTIONS, found.by_direction, strict=True) if count}
    assert counted == {"N": 4, "NNE": 1, "E": 1, "NNW": 1}
    assert found.same_view_share == 0


def test_a_single_picture_has_no_neighbour(tmp_path: Path) -> None:
    with PlaceMap.open(write_features_map(tmp_path / "one", unit_rows(np.ones((1, 8))))) as place_map:
        described = describe_map(place_map)
    assert described.median_nearest_m is None
    assert described.headings.same_view_share is None
    assert (described.box.width_m, described.box.height_m, described.covered_cells) == (0, 0, 1)
