"""Positions are moved by the right distances, and the findings become a table."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.outliers import Target, move
from benchmarks.performance.outlier_tables import outliers_table
from model.encoder import Encoder
from model.geo import distance_m
from model.selavpr.selavpr import SelaVPR
from model.weights import save_network
from tests.index_builder.map_factory import build_small
from tests.placefix.outliers.street import street


@pytest.mark.parametrize("target", Target)
def test_some_positions_are_moved_far_enough_and_the_others_stay(target: Target) -> None:
    pictures = street(100)
    rows, moved = move(pictures, 0.05, target, 200, seed=3)
    assert len(set(rows.tolist())) == 5
    assert np.array_equal(rows, move(pictures, 0.05, target, 200, seed=3)[0])
    is_moved = (moved.latitudes != pictures.latitudes) | (moved.longitudes != pictures.longitudes)
    assert np.flatnonzero(is_moved).tolist() == sorted(rows.tolist())
    for row in rows.tolist():
        assert 199 < distance_m(pictures.position(row), moved.position(row)) < 1100
        nearest_m = min(distance_m(moved.position(row), pictures.position(other)) for other in range(100))
        assert target is not Target.PICTURE or nearest_m <= 5


def test_a_picture_with_nowhere_to_go_stays() -> None:
    rows, _ = move(street(10), 0.5, Target.PICTURE, 200, seed=0)
    assert len(rows) == 0


def test_maps_are_measured_and_told(tiny_network: SelaVPR, tmp_path: Path) -> None:
    weights, out = tmp_path / "weights.safetensors", tmp_path / "outliers.json"
    save_network(tiny_network, weights)
    build_small(tmp_path, Encoder(tiny_network))
    arguments = ["--map", tmp_path / "maps" / "town", "--weights", weights, "--seeds", 2, "--share", 0.2]
    arguments += ["--candidates", 3, "--out", out]
    result = CliRunner().invoke(app, ["outliers", *map(str, arguments)])
    assert result.exit_code == 0, (result.output, result.exception)
    figures = json.loads(out.read_text("utf-8"))
    [measured] = figures["maps"]
    assert (measured["map"], measured["pictures"], measured["suspects_unmoved"]) == ("town", 6, 0)
    assert [(each["target"], each["moved"]) for each in measured["moved"]] == [
        ("beside another picture", 2),
        ("in any direction", 2),
    ]
    assert measured["cpu_s_per_picture"] > 0
    assert "| town (6) | 20% in any direction | 0 | – | 0.0 [0.0, 0.0] |" in outliers_table(figures)
