"""Fewer cells, as the benchmark chooses and counts them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.cells.kept_features import KeptFeatures
from benchmarks.cells.measure import ALL, measure
from benchmarks.cells.ways import SCORES, chosen, evenly, longest, unlike_others, ways_of
from benchmarks.performance.cell_tables import cells_table
from model.errors import InvalidInput
from model.geo import LatLon
from model.matching import count_mutual_matches
from model.places import Place
from model.progress import SILENT
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from place_map.local_codec import LocalCodec
from tests.conftest import TINY_CELLS, TINY_CONFIG, write_photo

CELLS, CHANNELS = 40, 16


def kept(seed: int, pictures: int) -> KeptFeatures:
    random = torch.Generator().manual_seed(seed)
    dense = torch.randn(pictures, CELLS, CHANNELS, generator=random) + 0.3
    return KeptFeatures(
        normalize(torch.randn(pictures, 8, generator=random), dim=-1).numpy(),
        normalize(dense, dim=-1).half().numpy(),
        dense.norm(dim=-1).numpy(),
    )


def places(count: int) -> list[Place]:
    """Return places of which two each lie together, 1 km from the next two."""
    return [Place(f"{each}", Path(f"{each}.jpg"), LatLon(50 + each // 2 / 100, 8)) for each in range(count)]


def lengths_of(features: KeptFeatures, row: int) -> Tensor:
    return torch.from_numpy(features.lengths[row])


def test_counts_are_those_of_chosen_cells_by_the_plain_matcher() -> None:
    database, queries = kept(0, 6), kept(1, 2)
    ways = ways_of(database, places(6), ["longest", "matched"])
    found = measure(
        database,
        queries,
        [np.array([0]), np.array([3])],
        ways,
        stores=["int8"],
        counts=[10, 25],
        floor=None,
        shortlist=4,
        progress=SILENT,
    )
    codec = LocalCodec("int8", CHANNELS)
    assert {(each.way, each.cells, each.query_cells) for each in found} == {(ALL, CELLS, CELLS)} | {
        (way, count, asked) for way in ways for count in (10, 25) for asked in (CELLS, count)
    }
    for choice, outcome in found.items():
        score = ways.get(choice.way, evenly)
        for number in range(2):
            away = np.linalg.norm(database.global_features - queries.global_features[number], axis=1)
            query = queries.local(number)
            query = query[chosen(score(query, lengths_of(queries, number)), choice.query_cells)]
            for rank, row in enumerate(np.argsort(away, kind="stable")[:4].tolist()):
                features = database.local(row)
                codes = codec.round_trip(features[None])[0]
                picked = codes[chosen(score(features, lengths_of(database, row)), choice.cells)]
                [plain] = count_mutual_matches(query, picked[None])
                assert outcome.counts is not None
                assert abs(int(outcome.counts[number, rank]) - int(plain)) <= 1
                assert outcome.is_right[number, rank] == (row == 3 * number)


def test_the_highest_scores_stay_in_the_order_of_cells() -> None:
    assert chosen(torch.tensor([3.0, 1.0, 3.0, 4.0]), 2).tolist() == [0, 3]
    assert chosen(torch.tensor([3.0, 1.0, 3.0, 4.0]), 3).tolist() == [0, 2, 3]


def test_scores_mean_what_their_names_say() -> None:
    features = normalize(torch.tensor([[1.0, 0.1], [1.0, 0.0], [0.0, 1.0], [1.0, 0.2]]), dim=-1)
    lengths = torch.tensor([2.0, 5.0, 1.0, 3.0])
    assert chosen(longest(features, lengths), 2).tolist() == [1, 3]
    assert chosen(unlike_others(features, lengths), 1).tolist() == [2]
    assert chosen(evenly(torch.zeros(100, 2), torch.zeros(100)), 10).diff().max() <= 20


def test_learned_weights_prefer_cells_that_are_found_again() -> None:
    """The first half of the cells of a picture looks alike in both pictures of a place, the other half never does."""
    random = torch.Generator().manual_seed(0)
    count, half = 12, CELLS // 2
    steady = torch.randn(count // 2, half, CHANNELS // 2, generator=random).repeat_interleave(2, dim=0)
    local = torch.zeros(count, CELLS, CHANNELS)
    local[:, :half, : CHANNELS // 2] = steady.abs()
    local[:, half:, CHANNELS // 2 :] = torch.randn(count, half, CHANNELS // 2, generator=random).abs()
    of_place = torch.eye(count // 2).repeat_interleave(2, dim=0)
    features = KeptFeatures(
        of_place.numpy(), normalize(local, dim=-1).half().numpy(), np.ones((count, CELLS), np.float32)
    )
    for name in ("matched", "matched here alone"):
        score = ways_of(features, places(count), [name])[name]
        cells = chosen(score(features.local(0), lengths_of(features, 0)), half)
        assert (cells < half).sum() > 0.8 * half


def test_nothing_is_learned_from_pictures_that_lie_alone() -> None:
    with pytest.raises(InvalidInput, match="within 25 m"):
        ways_of(kept(0, 3), places(6)[::2], ["matched"])


def write_side(folder: Path, name: str, count: int) -> Path:
    lines = ["path,latitude,longitude"]
    for number in range(count):
        write_photo(folder / name / f"{number:02d}.jpg", seed=number, size=(64, 48))
        lines.append(f"{name}/{number:02d}.jpg,{55 + number / 5000},13")
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder / f"{name}.csv"


def test_the_command_encodes_once_and_finds_the_same_pictures(tmp_path: Path) -> None:
    weights = tmp_path / "network.safetensors"
    save_network(seeded_network(TINY_CONFIG, seed=7), weights)
    database, queries = write_side(tmp_path, "database", 11), write_side(tmp_path, "queries", 3)
    out, keep = tmp_path / "cells.json", tmp_path / "kept"
    arguments = ["cells", "--database", str(database), "--queries", str(queries), "--weights", str(weights)]
    arguments += ["--keep", str(keep), "--shortlist", "11", "--cells", str(TINY_CELLS // 2), "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    written = json.loads(out.read_text())
    assert [row["way"] for row in written["rows"][:1]] == [ALL]
    assert {row["way"] for row in written["rows"][1:]} == {ALL, *SCORES}
    for row in written["rows"]:
        if row["way"] == ALL or row["query_cells"] == row["cells"]:  # the query is a picture of the database
            assert row["recall"]["R@1"]["value"] == 100
    sizes = {(row["store"], row["cells"]): row["bytes"] for row in written["rows"]}
    assert sizes["int8", TINY_CELLS] == 8 * sizes["binary", TINY_CELLS]
    assert sizes["int8", TINY_CELLS // 2] == TINY_CELLS // 2 * 16
    before = (keep / "database" / "locals.npy").stat()
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 0, again.output
    assert json.loads(out.read_text()) == written
    after = (keep / "database" / "locals.npy").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    save_network(seeded_network(TINY_CONFIG, seed=8), tmp_path / "other.safetensors")
    for changed in (("--queries-every", "2"), ("--weights", str(tmp_path / "other.safetensors"))):
        other = CliRunner().invoke(app, [*arguments, *changed])
        assert isinstance(other.exception, InvalidInput)
        assert "other pictures or of another network" in str(other.exception)


def test_the_table_has_a_line_for_each_number_of_cells() -> None:
    def row(way: str, cells: int, query_cells: int, change: float) -> dict[str, object]:
        interval = {"value": change, "low": change - 1, "high": change + 1}
        recall, difference = {"R@1": {"value": 90.0}}, {"R@1": interval}
        values = {"store": "int8", "way": way, "cells": cells, "query_cells": query_cells, "bytes": 128 * cells}
        return {**values, "recall": recall, "difference": difference}

    conditions = {"queries": ["a/b.csv"], "asked": 33, "shortlist": 50, "cells": 40, "weights": "starter"}
    rows = [row(ALL, 40, 40, 0), row("longest", 10, 40, -2), row("longest", 10, 10, -3)]
    found = {"conditions": conditions, "rows": rows, "hardware": "a machine"}
    lines = cells_table(found, found).splitlines()
    assert lines[0].startswith(
        "| store | kept | cells | bytes a picture | a/b (33): Δ R@1 | the query's cells chosen, too |"
    )
    assert lines[2] == "| int8 | all | 40 | 5,120 | +0.0 [-1.0, +1.0] |  | +0.0 [-1.0, +1.0] |  |"
    both = "-2.0 [-3.0, -1.0] | -3.0 [-4.0, -2.0]"
    assert lines[3] == f"| int8 | longest | 10 | 1,280 | {both} | {both} |"
    assert "a/b 90.0; a/b 90.0. Top 50, weights `starter`. a machine." in lines[5]


@pytest.mark.parametrize(("option", "value"), [("--store", "itq1"), ("--way", "best"), ("--cells", "0")])
def test_unknown_choices_are_refused(tmp_path: Path, option: str, value: str) -> None:
    weights = tmp_path / "network.safetensors"
    save_network(seeded_network(TINY_CONFIG, seed=7), weights)
    database, queries = write_side(tmp_path, "database", 2), write_side(tmp_path, "queries", 1)
    arguments = ["cells", "--database", str(database), "--queries", str(queries), "--weights", str(weights)]
    result = CliRunner().invoke(app, [*arguments, "--keep", str(tmp_path / "kept"), option, value])
    assert isinstance(result.exception, InvalidInput)
    assert option in str(result.exception)
