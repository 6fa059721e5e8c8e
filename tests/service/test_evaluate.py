"""An evaluation asks the localizer that is served, and agrees with plain retrieval."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.errors import InvalidInput
from model.features import Features
from model.geo import LatLon
from model.images import open_image
from model.picture_errors import ImageError
from model.places import Place
from model.preprocess import preprocess
from model.recall import positives_within, recalls
from model.retrieval import retrieve
from model.selavpr.initialisation import seeded_network
from place_map.global_index import open_searcher
from place_map.local_codec import StoreType
from place_map.reader import PlaceMap
from service.evaluate import EvaluationOptions, QueryResult, evaluate
from service.localizer import Localizer
from service.stages import Stage
from tests.conftest import TINY_CELLS, TINY_CONFIG, write_photo

BATCH = 3
ALL_VALUES = EvaluationOptions(rerank=5, recall_values=(1, 2, 5), batch_size=BATCH)


def line_of_places(folder: Path, count: int, first_seed: int) -> list[Place]:
    """Place photos on a line to the north, 20 m apart, so that 25 m are one neighbour to each side."""
    return [
        Place(f"{number}.jpg", write_photo(folder / f"{number}.jpg", first_seed + number), LatLon(number * 1.8e-4, 7))
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> list[Place]:
    return line_of_places(tmp_path_factory.mktemp("database"), 9, 0)


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory) -> list[Place]:
    """Make other pictures of the same line, and one from far away."""
    places = line_of_places(tmp_path_factory.mktemp("queries"), 7, 50)
    return [*places, replace(places[0], id="far.jpg", position=LatLon(40, 7))]


def open_localizer(folder: Path, database: list[Place], encoder: Encoder, store: StoreType) -> Localizer:
    listing = SourceListing(tuple(database), (), "exif folder", database[0].path.parent)
    build_map(listing, encoder, folder / "line", BuildOptions(batch_size=BATCH, segment_size=6, store=store))
    place_map = PlaceMap.open(folder / "line")
    return Localizer(encoder, place_map, open_searcher(place_map, "cpu"), "exact")


@pytest.fixture(scope="module")
def localizer(
    tmp_path_factory: pytest.TempPathFactory, database: list[Place], tiny_encoder: Encoder
) -> Iterator[Localizer]:
    localizer = open_localizer(tmp_path_factory.mktemp("maps"), database, tiny_encoder, "float32")
    yield localizer
    localizer.place_map.close()


def features_of(places: list[Place], encoder: Encoder) -> Features:
    """Encode in the same batches as builder and evaluation: batches of another size may round otherwise."""
    parts = [
        encoder.encode(torch.stack([preprocess(open_image(place.path)) for place in places[start : start + BATCH]]))
        for start in range(0, len(places), BATCH)
    ]
    return Features(
        torch.cat([part.global_features for part in parts]),
        torch.cat([part.local_features for part in parts]),
        encoder.local_grid,
    )


def rows_of(result: QueryResult) -> tuple[list[int], list[int]]:
    assert result.after is not None
    return [candidate.row for candidate in result.before], [candidate.row for candidate in result.after]


def test_with_a_float32_store_the_predictions_are_those_of_plain_retrieval(
    localizer: Localizer, database: list[Place], queries: list[Place], tiny_encoder: Encoder
) -> None:
    positives = positives_within(queries, database)
    results: list[QueryResult] = []
    evaluation = evaluate(localizer, queries, positives, ALL_VALUES, on_result=results.append)

    database_features, query_features = features_of(database, tiny_encoder), features_of(queries, tiny_encoder)
    rows_before: list[NDArray[np.int64]] = []
    rows_after: list[NDArray[np.int64]] = []
    for number, result in enumerate(results):
        query = query_features[number : number + 1]
        plain = retrieve(query, database_features, 5, rerank=False)
        reranked = retrieve(query, database_features, 5)
        assert reranked.mutual_matches is not None
        assert rows_of(result) == (plain.rows.tolist(), reranked.rows.tolist())
        assert [candidate.mutual_matches for candidate in result.final] == reranked.mutual_matches.tolist()
        np.testing.assert_allclose(
            [candidate.global_distance for candidate in result.before], plain.global_distances, atol=1e-6
        )
        rows_before.append(plain.rows.numpy())
        rows_after.append(reranked.rows.numpy())
    assert [result.query for result in results] == queries
    assert evaluation.before == recalls(rows_before, positives, (1, 2, 5))
    assert evaluation.after == recalls(rows_after, positives, (1, 2, 5))
    assert any(rows_of(result)[0] != rows_of(result)[1] for result in results)  # re-ranking has changed something


def test_counts_stages_and_memory_are_told(localizer: Localizer, database: list[Place], queries: list[Place]) -> None:
    evaluation = evaluate(localizer, queries, positives_within(queries, database), ALL_VALUES)
    assert evaluation.before is not None
    assert (evaluation.database, evaluation.before.queries, evaluation.before.without_positive) == (9, 8, 1)
    assert evaluation.queries == 8
    assert set(evaluation.seconds) == {Stage.DECODE, Stage.ENCODE, Stage.SHORTLIST, Stage.GATHER, Stage.RERANK}
    assert all(duration_s > 0 for duration_s in evaluation.seconds.values())
    # One thread encodes, searches and compares: what it did cannot have taken longer than everything.
    assert sum(evaluation.seconds.values()) - evaluation.seconds[Stage.DECODE] <= evaluation.duration_s
    assert evaluation.peak_memory_bytes > 50_000_000
    assert evaluation.peak_device_bytes is None


def test_without_reranking_there_is_one_line(localizer: Localizer, database: list[Place], queries: list[Place]) -> None:
    positives = positives_within(queries, database)
    results: list[QueryResult] = []
    options = EvaluationOptions(rerank=0, recall_values=(2, 1), batch_size=BATCH)
    evaluation = evaluate(localizer, queries, positives, options, on_result=results.append)
    assert evaluation.after is None
    assert Stage.RERANK not in evaluation.seconds
    assert all(result.final == result.before and len(result.before) == 2 for result in results)
    everything = evaluate(localizer, queries, positives, ALL_VALUES).before
    assert evaluation.before is not None
    assert everything is not None
    assert evaluation.before.percent == {value: recall for value, recall in everything.percent.items() if value < 5}


def test_a_float16_store_changes_counts_by_little(
    tmp_path: Path, localizer: Localizer, database: list[Place], queries: list[Place], tiny_encoder: Encoder
) -> None:
    """On this network, where all cells of a flat picture resemble each other; see docs/evaluation.md."""
    positives = positives_within(queries, database)
    exact: list[QueryResult] = []
    rounded: list[QueryResult] = []
    options = EvaluationOptions(rerank=9, recall_values=(1,), batch_size=BATCH)
    evaluate(localizer, queries, positives, options, on_result=exact.append)
    half = open_localizer(tmp_path, database, tiny_encoder, "float16")
    evaluate(half, queries, positives, options, on_result=rounded.append)
    half.place_map.close()
    differences = []
    for one, other in zip(exact, rounded, strict=True):
        counts = {candidate.row: candidate.mutual_matches for candidate in one.final}
        differences += [
            abs((candidate.mutual_matches or 0) - (counts[candidate.row] or 0)) for candidate in other.final
        ]
    assert 0 < max(differences) <= 0.02 * TINY_CELLS


def test_a_network_without_local_features_is_measured_by_its_global_one(
    tmp_path: Path, database: list[Place], queries: list[Place]
) -> None:
    encoder = Encoder(seeded_network(replace(TINY_CONFIG, local_features="none"), seed=7))
    localizer = open_localizer(tmp_path, database, encoder, "float16")
    positives = positives_within(queries, database)
    with pytest.raises(InvalidInput, match="no local features"):
        evaluate(localizer, queries, positives, ALL_VALUES)
    options = EvaluationOptions(rerank=0, recall_values=(9,), batch_size=BATCH)
    table = evaluate(localizer, queries, positives, options).before
    assert table is not None
    assert table.percent == {9: 87.5}
    localizer.place_map.close()


def test_queries_whose_place_nobody_knows_are_asked_all_the_same(localizer: Localizer, queries: list[Place]) -> None:
    results: list[QueryResult] = []
    evaluation = evaluate(localizer, queries, None, ALL_VALUES, on_result=results.append)
    assert (evaluation.before, evaluation.after, evaluation.queries) == (None, None, 8)
    assert [result.positives for result in results] == [None] * 8
    assert all(result.after is not None and len(result.after) == 5 for result in results)


def test_what_cannot_be_evaluated_is_refused(localizer: Localizer, database: list[Place], queries: list[Place]) -> None:
    with pytest.raises(InvalidInput, match="not one of 8 queries has a positive"):
        evaluate(localizer, queries, [np.empty(0, np.int64)] * 8, ALL_VALUES)
    with pytest.raises(InvalidInput, match="no query to ask"):
        evaluate(localizer, [], [], ALL_VALUES)
    with pytest.raises(InvalidInput, match="8 queries, and positives for 1"):
        evaluate(localizer, queries, [np.zeros(1, np.int64)], ALL_VALUES)
    broken = replace(queries[0], path=queries[0].path.with_name("gone.jpg"))
    with pytest.raises(ImageError, match=r"gone\.jpg"):
        evaluate(localizer, [broken, *queries], positives_within([broken, *queries], database), ALL_VALUES)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rerank": 10}, "recall@20 needs as many candidates, and only 10"),
        ({"rerank": 1001}, "between 0 and 1000"),
        ({"rerank": -1}, "between 0 and 1000"),
        ({"recall_values": ()}, "from 1 to 1000"),
        ({"recall_values": (0, 5)}, "from 1 to 1000"),
        ({"rerank": 0, "recall_values": (1, 2000)}, "from 1 to 1000"),
        ({"batch_size": 0}, "is empty"),
    ],
)
def test_options_that_contradict_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        EvaluationOptions(**options)  # type: ignore[arg-type]
