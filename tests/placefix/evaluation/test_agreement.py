"""From a map, from folders, from CSV files and by plain retrieval the same is found."""

import json
from pathlib import Path

import numpy as np
import torch

from model.encoder import Encoder
from model.features import Features
from model.images import open_image
from model.places import Place
from model.preprocess import Preprocessing, preprocess
from model.recall import positives_within, recalls
from model.retrieval import retrieve
from model.weights import load_network
from tests.placefix.evaluation.small_set import BATCH, Set, from_folders, measure, run


def oracle(town: Set, encoder: Encoder, shortlist: int) -> list[list[tuple[str, int]]]:
    """Return the ids and counts of plain retrieval for each query, encoded in the same batches."""

    def features(places: list[Place]) -> Features:
        parts = []
        for start in range(0, len(places), BATCH):
            images = [preprocess(open_image(place.path)) for place in places[start : start + BATCH]]
            parts.append(encoder.encode(torch.stack(images)))
        global_features = torch.cat([part.global_features for part in parts])
        return Features(global_features, torch.cat([part.local_features for part in parts]), encoder.local_grid)

    database = sorted(town.database, key=lambda place: place.id)  # as a folder is listed
    queries = sorted(town.queries, key=lambda place: place.id)
    database_features, query_features = features(database), features(queries)
    found = []
    for number in range(len(queries)):
        ranking = retrieve(query_features[number : number + 1], database_features, shortlist)
        assert ranking.mutual_matches is not None
        pairs = zip(ranking.rows.tolist(), ranking.mutual_matches.tolist(), strict=True)
        found.append([(database[row].id, count) for row, count in pairs])
    return found


def test_from_map_from_folders_from_csv_and_by_plain_retrieval_it_is_the_same(
    town: Set, town_map: Path, tmp_path: Path
) -> None:
    flags = ["--rerank", 5, "--recalls", 1, 2, 5]
    expected = oracle(town, Encoder(load_network(town.weights)), 5)
    measured = {}
    for name, source in (
        ("map", ["--map", town_map, "--queries", town.folder / "queries"]),
        ("folders", [*from_folders(town), "--store", "float32"]),
        ("csv", [*from_folders(town, "csv"), "--store", "float32"]),
    ):
        measured[name] = measure(*source, *flags, "--predictions", tmp_path / name)
        files = sorted((tmp_path / name / "queries").iterdir())
        found = [json.loads(file.read_text())["candidates"] for file in files]
        names = [[(Path(each["id"]).name, each["mutual_matches"]) for each in candidates] for candidates in found]
        assert names == expected
    for name in ("folders", "csv"):
        for key in ("database", "queries", "queries_without_positive", "recalls_before", "recalls_after", "settings"):
            assert measured[name][key] == measured["map"][key]

    database, queries = sorted(town.database, key=lambda p: p.id), sorted(town.queries, key=lambda p: p.id)
    rows = {place.id: row for row, place in enumerate(database)}
    predictions = [np.array([rows[place_id] for place_id, _ in candidates]) for candidates in expected]
    table = recalls(predictions, positives_within(queries, database), (1, 2, 5))
    assert measured["map"]["recalls_after"] == {f"R@{value}": percent for value, percent in table.percent.items()}
    assert (table.without_positive, measured["map"]["queries_without_positive"]) == (1, 1)


def test_people_get_the_lines_of_the_field(town: Set, town_map: Path) -> None:
    source = ["--map", town_map, "--queries", town.folder / "queries"]
    output = run(*source, "--rerank", 20)
    measured = measure(*source, "--rerank", 20)
    for stage, name in (("before", "before re-ranking"), ("after", "after re-ranking")):
        line = ", ".join(f"{name}: {percent:.1f}" for name, percent in measured[f"recalls_{stage}"].items())
        assert line.startswith("R@1: ")
        assert f"{name:<17}  {line}" in output
    assert "R@10: 83.3, R@20: 83.3" in output  # all ten pictures, and five of six queries have a right one
    assert "6; 1 have no positive within 25 m and count as misses" in output
    for said in ("ms per query", "decode", "rerank", "peak memory", "not trained for places"):
        assert said in output


def test_an_untrained_network_is_not_asked_to_rerank_unless_told(town: Set, town_map: Path) -> None:
    source = ["--map", town_map, "--queries", town.folder / "queries"]
    assert measure(*source)["recalls_after"] is None
    assert measure(*source, "--rerank", 0)["recalls_after"] is None
    assert set(measure(*source, "--rerank", 20)["seconds"]) == {"decode", "encode", "shortlist", "gather", "rerank"}


def test_fast_matching_finds_nearly_the_same(town: Set, town_map: Path, tmp_path: Path) -> None:
    source = ["--map", town_map, "--queries", town.folder / "queries", "--rerank", 10, "--recalls", 10]
    counts = {}
    for precision in ("exact", "fast"):
        measured = measure(*source, "--matching-precision", precision, "--predictions", tmp_path / precision)
        assert measured["settings"]["precision"] == precision
        files = sorted((tmp_path / precision / "queries").iterdir())
        found = [json.loads(file.read_text())["candidates"] for file in files]
        counts[precision] = {(n, each["id"]): each["mutual_matches"] for n, per in enumerate(found) for each in per}
    assert counts["exact"].keys() == counts["fast"].keys()
    changes = [abs(counts["fast"][pair] - count) for pair, count in counts["exact"].items()]
    assert 0 < max(changes) <= 0.1 * max(counts["exact"].values())


def test_how_it_was_measured_is_told(town: Set) -> None:
    flags = ["--preprocess", "official-eval", "--store", "float16", "--matching-precision", "exact", "--num-heads", 4]
    settings = measure(*from_folders(town), *flags, "--device", "cpu")["settings"]
    assert (settings["store"], settings["precision"]) == ("float16", "exact")
    assert (settings["device"], settings["searcher"], settings["rerank"]) == ("cpu", "faiss-cpu", 0)
    assert settings["preprocessing"] == Preprocessing.OFFICIAL_EVAL
