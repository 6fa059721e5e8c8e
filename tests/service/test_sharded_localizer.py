"""Shards give the answers of one machine, to the last bit."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from demo.shipped import SHIPPED
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.changes.add import add_pictures
from index_builder.changes.remove import Selection, remove_pictures
from index_builder.sources.read import read_source
from model.encoder import Encoder
from model.errors import InvalidInput
from model.features import Features
from model.geo import LatLon
from model.images import open_image
from model.preprocess import preprocess
from model.rerankers.reranker import LocalFeatures
from model.selavpr.initialisation import seeded_network
from place_map.calibration import Auto, Calibration, Logistic, Step
from place_map.evidence import SIGNALS
from place_map.global_index import open_searcher
from place_map.proposals import NO_ROWS
from place_map.reader import PlaceMap
from place_map.shard import Assign, Shard, assign_segments
from service.asked import Together
from service.encoded_query import EncodedQuery, encode_queries
from service.errors import DeadlineExceeded
from service.fusion import fuse
from service.localization import Localization
from service.localizer import Localizer
from service.map_shard import MapShard
from service.prior import Prior
from service.query_options import QueryOptions
from service.rounds import count_ahead
from tests.calibrations import SCALE, calibration
from tests.conftest import TINY_CONFIG
from tests.examples import drawn
from tests.index_builder.map_factory import NO_NETWORK, unit_rows, write_features_map
from tests.place_map.test_index_codes import version_with
from tests.service.conftest import Town
from tests.service.sharding import LocalShards, check_same, contiguous, sharded

QUERIES = 8
TWICE = "again/"


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """Return a network that counts as trained: ``auto`` compares with it."""
    network = seeded_network(TINY_CONFIG, seed=7)
    network.is_trained = True
    return Encoder(network)


@pytest.fixture(scope="module")
def demo_map(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Path:
    """Build half of the demo's pictures in six segments; the others have each of them twice, the third by codes."""
    path = tmp_path_factory.mktemp("maps") / "demo"
    listing, options = read_source(SHIPPED.database), BuildOptions(batch_size=8, segment_size=17, thumbnails=False)
    listing = replace(listing, places=listing.places[::2])
    build_map(listing, encoder, path, options)
    add_pictures(path, listing, encoder, options, prefix=TWICE)
    version_with(path, {}, None, f"PQ{encoder.global_dim}x4fs", "000003")
    return path


@pytest.fixture(scope="module")
def queries(encoder: Encoder) -> list[EncodedQuery]:
    """Encode some of the demo's queries, evenly spread."""
    with SHIPPED.query_list.open(encoding="utf-8", newline="") as lines:
        paths = [SHIPPED.pictures / row["path"] for row in csv.DictReader(lines)]
    images = torch.stack([preprocess(open_image(path)) for path in paths[:: len(paths) // QUERIES][:QUERIES]])
    return encode_queries(encoder, images)


SURE_SHARES = {0: 1.0, 5: 0.6, 10: 0.35, 20: 0.2, 50: 0.18}
"""Compared candidates → share of the votes at which ``by_votes`` is sure."""


def by_votes() -> Calibration:
    """Make a calibration that is sure of each query after another number of candidates, and never of some."""
    weights = tuple(8.0 * (name == "share") for name in SIGNALS)
    zeros, ones = (0.0,) * len(SIGNALS), (1.0,) * len(SIGNALS)
    steps = tuple(
        Step(
            compared=compared,
            logistic=Logistic(means=zeros, scales=ones, weights=weights, intercept=-8.0 * share),
            scale=SCALE,
        )
        for compared, share in SURE_SHARES.items()
    )
    return calibration().model_copy(update={"steps": steps, "auto": Auto(sure_from=0.5, scale=SCALE)})


@cache
def asked_of(position: LatLon) -> tuple[QueryOptions, ...]:
    return (
        QueryOptions(100, 100, "never"),
        QueryOptions(1000, 1000, "never"),
        QueryOptions(10, 20, "always"),
        QueryOptions(10, 60, "auto"),
        QueryOptions(10, 30, "always", prior=Prior(position, 25)),
        QueryOptions(10, 10, "auto", prior=Prior(position, 1000, 90, 60)),
        QueryOptions(2, 20, "never", evidence="matches"),
    )


@pytest.fixture(scope="module", params=["000001", "000002", "000003"])
def whole(request: pytest.FixtureRequest, demo_map: Path, encoder: Encoder) -> Iterator[Localizer]:
    """Open a version of the demo on one machine."""
    localizer = one_machine(encoder, demo_map, request.param)
    localizer.place_map.calibration = by_votes()
    yield localizer
    localizer.close()


@pytest.fixture(scope="module")
def expected(whole: Localizer, queries: list[EncodedQuery]) -> dict[QueryOptions, list[Localization]]:
    """Return the answers of one machine."""
    options = asked_of(whole.place_map.places[20].position)
    return {each: [whole.localize(query, each) for query in queries[::2]] for each in options}


def one_machine(encoder: Encoder, path: Path, version: str | None = None) -> Localizer:
    place_map = PlaceMap.open(path, version)
    return Localizer(encoder, place_map, open_searcher(place_map, encoder.device))


CASES: list[tuple[int, Assign]] = [
    (1, assign_segments),
    (2, assign_segments),
    (2, contiguous),
    (3, assign_segments),
    (3, contiguous),
]


@pytest.mark.parametrize(("shards", "assign"), CASES, ids=lambda value: getattr(value, "__name__", value))
def test_the_demo_is_answered_by_shards_as_by_one_machine(
    shards: int,
    assign: Assign,
    whole: Localizer,
    expected: dict[QueryOptions, list[Localization]],
    demo_map: Path,
    encoder: Encoder,
    queries: list[EncodedQuery],
) -> None:
    with sharded(encoder, demo_map, shards, assign, whole.place_map.version) as parts:
        parts.place_map.calibration = by_votes()
        for options, answers in expected.items():
            for query, answer in zip(queries[::2], answers, strict=True):
                check_same(parts.localize(query, options), answer)
            if options.rerank == "auto":
                place = Together("place")
                check_same(fuse(parts, answers, place, options), fuse(whole, answers, place, options))


def test_pictures_that_are_there_twice_are_ties_that_fall_on_two_shards(
    demo_map: Path, encoder: Encoder, queries: list[EncodedQuery]
) -> None:
    with sharded(encoder, demo_map, 2, version="000002") as parts:
        found = parts.localize(queries[0], QueryOptions(1000, 1000, "never")).ranking
        assert found is not None
        owners = parts._assignment.owners_of(found.rows)
        is_tie = found.distances[1:] == found.distances[:-1]
        assert is_tie.sum() >= 99
        assert (owners[1:] != owners[:-1])[is_tie].any()
        assert (np.diff(found.rows)[is_tie] > 0).all()


def test_auto_stops_where_one_machine_stops_after_four_rounds_at_most(
    demo_map: Path, encoder: Encoder, queries: list[EncodedQuery]
) -> None:
    compared = set()
    with sharded(encoder, demo_map, 3, version="000001") as parts:
        assert isinstance(parts.shards, LocalShards)
        parts.place_map.calibration = by_votes()
        for query in queries:
            parts.shards.rounds = 0
            found = parts.localize(query, QueryOptions(10, 100, "auto"))
            assert found.verdict.evidence is not None
            compared.add(found.verdict.evidence.compared)
            assert parts.shards.rounds <= 3  # and one for the shortlist
    assert {5, 10, 20, 50} <= compared


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=12, unique=True).map(sorted), st.integers(1, 6))
def test_counting_ahead_reaches_every_stop_in_few_rounds(stops: list[int], most_rounds: int) -> None:
    ahead = count_ahead(stops, most_rounds)
    assert all(counted >= stop for counted, stop in zip(ahead, stops, strict=True))
    assert ahead == sorted(ahead)
    assert set(ahead) <= set(stops) | {0}
    assert ahead[-1] == stops[-1]
    assert len(set(ahead) - {0}) <= most_rounds
    assert count_ahead(stops, len(stops)) == stops


def test_the_stops_of_a_usual_calibration_take_three_rounds_of_counting() -> None:
    assert count_ahead((0, 5, 10, 20, 50, 100), 3) == [0, 5, 20, 20, 100, 100]


@drawn(few=8, many=200)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(8, 40),
    segment_rows=st.integers(2, 9),
    shards=st.integers(1, 7),
    shortlist=st.integers(1, 50),
    gone=st.integers(0, 5),
    within_m=st.none() | st.sampled_from([1.0, 400.0, 3000.0]),
    rerank=st.sampled_from(["always", "never"]),
    index=st.sampled_from(["Flat", "SQ8", "SQ4"]),
)
def test_any_map_in_any_parts_is_answered_as_a_whole(
    seed: int,
    count: int,
    segment_rows: int,
    shards: int,
    shortlist: int,
    gone: int,
    within_m: float | None,
    rerank: str,
    index: str,
    encoder: Encoder,
) -> None:
    random = np.random.default_rng(seed)
    coarse = random.integers(-1, 2, size=(count, 3)) + np.array([0.5, 0.25, 0.125])  # few values: many ties
    network = NO_NETWORK.model_copy(update={"fingerprint": encoder.fingerprint})

    def anyhow(segments: object, shards: int) -> tuple[int, ...]:
        owners = np.arange(len(list(segments))) % shards  # type: ignore[call-overload]
        return tuple(np.random.default_rng(seed).permutation(owners).tolist())

    with TemporaryDirectory() as folder:
        path = Path(folder) / "town"
        local = unit_rows(random.standard_normal((count, 6, 4)))
        write_features_map(path, unit_rows(coarse), local, segment_rows=segment_rows, index=index, network=network)
        if gone:
            remove_pictures(path, Selection(ids=tuple(f"p{row}" for row in random.permutation(count)[:gone].tolist())))
        whole = one_machine(encoder, path)
        prior = None if within_m is None else Prior(LatLon(count / 2000, 1), within_m)
        options = QueryOptions(1, shortlist, rerank, prior=prior)  # type: ignore[arg-type]
        without = random.permutation(len(whole.place_map))[:2]
        features = Features(
            torch.from_numpy(unit_rows(random.integers(-1, 2, size=(1, 3)) + 0.5).astype(np.float32)),
            torch.from_numpy(unit_rows(random.standard_normal((1, 6, 4))).astype(np.float32)),
            (6, 1),
        )
        query = EncodedQuery(features, 0.0)
        with sharded(encoder, path, min(shards, len(whole.place_map.segments)), anyhow) as parts:
            check_same(parts.localize(query, options, without=without), whole.localize(query, options, without=without))
            found, expected = (each.searcher.search(features.global_features, shortlist) for each in (parts, whole))
            assert (found.rows.tobytes(), found.distances.tobytes()) == (
                expected.rows.tobytes(),
                expected.distances.tobytes(),
            )
        whole.close()


def test_a_query_that_nobody_waits_for_is_given_up(
    demo_map: Path, encoder: Encoder, queries: list[EncodedQuery]
) -> None:
    with sharded(encoder, demo_map, 2) as parts, pytest.raises(DeadlineExceeded):
        parts.localize(queries[0], QueryOptions(1, 1, "never"), is_wanted=lambda: False)


def test_a_shard_compares_no_rows_of_others_and_passes_over_what_they_leave_out(
    demo_map: Path, encoder: Encoder, queries: list[EncodedQuery]
) -> None:
    with PlaceMap.open(demo_map, shard=Shard(1, 2)) as part:
        shard = MapShard(Localizer(encoder, part, open_searcher(part, "cpu")))
        own = Shard(1, 2).rows(part.manifest)
        others = np.setdiff1d(np.arange(part.manifest.counts.placed), own)
        features = queries[0].features
        query = LocalFeatures(features.local_features[0])
        with pytest.raises(InvalidInput, match="1 of 2 rows are not in this shard"):
            shard.compare(query, np.array([own[0], others[0]]), lambda: True)
        with pytest.raises(InvalidInput, match="1 of 1 rows are not in this shard"):
            shard.compare(query, np.array([10_000]), lambda: True)
        options = QueryOptions(1, 5, "never")
        plain = shard.shortlist(features.global_features, options, NO_ROWS, lambda: True).answers.rows
        left_out = shard.shortlist(features.global_features, options, others, lambda: True).answers.rows
        np.testing.assert_array_equal(plain, left_out)
        assert np.isin(plain, own).all()


def test_a_whole_map_is_no_shard_and_too_few_segments_are_refused(demo_map: Path, encoder: Encoder) -> None:
    whole = one_machine(encoder, demo_map)
    with pytest.raises(InvalidInput, match="open as a whole"):
        MapShard(whole)
    with pytest.raises(InvalidInput, match="6 segments cannot be shared out among 7 shards"):
        PlaceMap.open(demo_map, "000001", Shard(1, 7))
    whole.close()


def test_matches_are_told_of_shards_as_of_one_machine(town: Town, tiny_encoder: Encoder) -> None:
    query = encode_queries(tiny_encoder, torch.zeros(1, *tiny_encoder.picture_shape))[0]
    options = QueryOptions(3, 6, "always", evidence="matches")
    alone = one_machine(tiny_encoder, town.map_path)
    with sharded(tiny_encoder, town.map_path, 2) as localizer:
        found = localizer.localize(query, options)
    check_same(found, alone.localize(query, options))
    alone.close()
    assert found.matches is not None
    assert {
        localizer._assignment.owners_of(np.array([each.candidate.row])).item() for each in found.matches.candidates
    } == {0, 1}
