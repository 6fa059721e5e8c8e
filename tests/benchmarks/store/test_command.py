"""Every store, asked by the command on a small set."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.store.recode import recode
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.verify import verify_map
from model.encoder import Encoder
from model.errors import InvalidInput
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from place_map.local_codec import STORES, StoreType
from place_map.reader import PlaceMap
from tests.conftest import TINY_CELLS, TINY_CONFIG, write_photo
from tests.index_builder.map_factory import photo_listing

PICTURES = 12


def write_side(folder: Path, name: str, count: int) -> Path:
    """Write pictures 100 m apart; the queries show the first ones of the database."""
    lines = ["path,latitude,longitude"]
    for number in range(count):
        write_photo(folder / name / f"{number:02d}.jpg", seed=number, size=(64, 48))
        lines.append(f"{name}/{number:02d}.jpg,{55 + number / 1000},13")
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder / f"{name}.csv"


@pytest.mark.parametrize(("precision", "exact_every"), [("fast", 2), ("exact", 8)])
def test_every_store_is_compared_with_float32(tmp_path: Path, precision: str, exact_every: int) -> None:
    weights = tmp_path / "network.safetensors"
    save_network(seeded_network(TINY_CONFIG, seed=7), weights)
    database, queries = write_side(tmp_path, "database", PICTURES), write_side(tmp_path, "queries", 4)
    out = tmp_path / "new" / "store.json"
    arguments = ["--database", str(database), "--queries", str(queries), "--weights", str(weights)]
    arguments += ["--shortlist", "11", "--precision", precision, "--exact-every", str(exact_every), "--out", str(out)]
    result = CliRunner().invoke(app, ["store", *arguments])
    assert result.exit_code == 0, result.output
    written = json.loads(out.read_text())
    ways = [(row["way"]["store"], row["way"]["precision"]) for row in written["rows"]]
    others = [(store, precision) for store in STORES if (store, precision) != ("float32", "exact")]
    assert ways == [("float32", "exact"), *others]
    assert written["conditions"]["asked"] == 4
    for row in written["rows"]:
        # A query is the same picture as one of the database, which no store mistakes for another.
        assert row["recall"]["R@1"] == {"value": 100, "low": 100, "high": 100}
        assert row["changes"]["queries"] == (2 if precision == "fast" else 4)
        assert row["changes"]["pairs"] == 11 * row["changes"]["queries"]
    sizes = [row["bytes_per_picture"] for row in written["rows"]]
    assert sizes[-1] * 32 == sizes[0] == 4 * TINY_CELLS * 16
    mean_changes = {row["way"]["store"]: row["changes"]["mean"] for row in written["rows"]}
    assert mean_changes["float16"] < mean_changes["int4"] < mean_changes["binary"]


@pytest.mark.parametrize("store", STORES)
def test_a_recoded_map_is_the_one_that_would_have_been_built(
    tmp_path: Path, tiny_encoder: Encoder, store: StoreType
) -> None:
    listing = photo_listing(tmp_path / "photos", 5)
    options = BuildOptions(batch_size=5, segment_size=3, thumbnails=False, store="float32")
    source = build_map(listing, tiny_encoder, tmp_path / "float32", options).map_path
    path = recode(source, store, tmp_path / "recoded")
    assert verify_map(path, encoder=tiny_encoder).is_good
    built = build_map(
        listing, tiny_encoder, tmp_path / "built", BuildOptions(5, 3, thumbnails=False, store=store)
    ).map_path
    with PlaceMap.open(path) as place_map, PlaceMap.open(built) as expected:
        assert place_map.store == store
        rows = np.arange(5)
        assert place_map.local_features(rows).equal(expected.local_features(rows))


def test_only_exact_features_are_recoded(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 2)
    source = build_map(listing, tiny_encoder, tmp_path / "half", BuildOptions(thumbnails=False, store="float16"))
    with pytest.raises(InvalidInput, match="float32"):
        recode(source.map_path, "int8", tmp_path / "recoded")
