"""Both ways of gathering, from every store, on a small map."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.gather import OURS, PLAIN
from benchmarks.synthetic_map import write_synthetic_map
from index_builder.verify import verify_map
from place_map.local_codec import LEARNED, STORES
from place_map.reader import PlaceMap


def test_every_store_is_gathered_in_both_ways(tmp_path: Path) -> None:
    out = tmp_path / "new" / "gather.json"
    arguments = ["gather", "--places", "5", "--candidates", "3", "--repeats", "2", "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    written = json.loads(out.read_text())
    assert [(each["store"], each["way"]) for each in written["ways"]] == [
        (store, way) for store in STORES if store not in LEARNED for way in (PLAIN, OURS)
    ]
    for each in written["ways"]:
        assert each["cold_ms"] > 0
        assert each["warm_ms"] > 0
        assert 0 <= each["cold_share"] <= 1
        assert each["cold_floor_ms"] == pytest.approx(1000 * each["gathered_bytes"] / written["disk_bytes_per_s"])
        assert each["warm_floor_ms"] == pytest.approx(1000 * each["moved_bytes"] / written["memory_bytes_per_s"])
    assert written["ways"][4]["gathered_bytes"] == 3 * 476_288
    assert written["ways"][4]["moved_bytes"] == 3 * (476_288 + 476_288)  # codes are read as they are


def test_a_synthetic_map_is_a_good_map(tmp_path: Path) -> None:
    path = write_synthetic_map(tmp_path / "map", 18, "int4")
    assert verify_map(path, sample=0).is_good
    with PlaceMap.open(path) as place_map:
        assert len(place_map) == 18
        assert place_map.store == "int4"
        first, again = (place_map.global_features(np.array([row])) for row in (0, 16))
        np.testing.assert_array_equal(first, again)
