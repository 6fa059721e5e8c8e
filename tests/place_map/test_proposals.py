"""The parts of a map propose the same rows as the whole: by code distance, then by row, whatever ties."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import faiss
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from index_builder.changes.remove import Selection, remove_pictures
from place_map.global_index import open_searcher, read_index
from place_map.index_codes import rounding_of
from place_map.index_making import new_index
from place_map.proposals import Proposals, merge_proposals
from place_map.reader import PlaceMap
from place_map.search_effort import proposals_per_hit
from place_map.searching import ExactSearcher, Hits
from place_map.segment import Segment
from place_map.shard import Assign, Assignment, Shard, assign_segments
from tests.examples import drawn
from tests.index_builder.map_factory import unit_rows, write_features_map

WIDTH = 32
KINDS = ("PQ32x4fs", "PQ16x4fs", "PQ8x4fs", "PQ2x4fs", "PQ16x4", "PQ8x4np", "PQ2x4np", "SQ8", "SQ6", "SQ4")
EXHAUSTIVE = ("Flat", "SQfp16")


def contiguous(segments: Sequence[Segment], shards: int) -> tuple[int, ...]:
    return tuple(number * shards // len(segments) for number in range(len(segments)))


def spread(segments: Sequence[Segment], shards: int) -> tuple[int, ...]:
    return tuple(number % shards for number in range(len(segments)))


def few_vectors(random: np.random.Generator, count: int, distinct: int) -> NDArray[np.float16]:
    """Draw rows of which many are equal, and others have equal codes."""
    centres = unit_rows(random.standard_normal((distinct, WIDTH)))
    near = centres[random.integers(0, distinct, count)].astype(np.float64)
    is_moved = random.random(count) < 0.2
    near[is_moved] += 1e-3 * random.standard_normal((int(is_moved.sum()), WIDTH))
    return unit_rows(near)


def bits(found: Proposals) -> tuple[bytes, ...]:
    return tuple(each.tobytes() for each in (found.rows, found.code_distances, found.distances))


def by_definition(place_map: PlaceMap, query: NDArray[np.float32], k: int, without: NDArray[np.int64]) -> Proposals:
    """Search by code in the whole index, and take the first rows."""
    index = read_index(place_map)
    most = int(np.ceil(k * proposals_per_hit(faiss, index))) + 16
    code_distances, rows = index.search(query, len(place_map))
    code_distances, rows = (each[0][~np.isin(rows[0], without)] for each in (code_distances, rows))
    order = np.lexsort((rows, code_distances))[:most]
    rows = rows[order]
    differences = place_map.global_features(rows).astype(np.float64) - query
    return Proposals(rows, code_distances[order], np.sqrt((differences**2).sum(axis=1)).astype(np.float32), most)


@pytest.mark.parametrize("index", KINDS)
@drawn(few=3, many=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(40, 300),
    distinct=st.integers(1, 40),
    segment_rows=st.integers(7, 90),
    shards=st.integers(1, 3),
    k=st.integers(1, 30),
    gone=st.integers(0, 9),
    left_out=st.integers(0, 40),
    assign=st.sampled_from([assign_segments, contiguous, spread]),
)
def test_the_parts_propose_the_rows_of_the_whole_map(
    index: str,
    seed: int,
    count: int,
    distinct: int,
    segment_rows: int,
    shards: int,
    k: int,
    gone: int,
    left_out: int,
    assign: Assign,
) -> None:
    random = np.random.default_rng(seed)
    features = few_vectors(random, count, distinct)
    with TemporaryDirectory() as folder, ExitStack() as stack:
        path = write_features_map(Path(folder) / "town", features, segment_rows=segment_rows, index=index)
        if gone:
            remove_pictures(path, Selection(ids=tuple(f"p{row}" for row in random.permutation(count)[:gone].tolist())))
        whole = stack.enter_context(PlaceMap.open(path))
        shards = min(shards, len(whole.segments))
        assignment = Assignment(whole.manifest, shards, assign)
        without = random.permutation(len(whole))[:left_out]
        for asked in (features[:1], unit_rows(random.standard_normal((1, WIDTH)))):
            query = asked.astype(np.float32)
            found = []
            for number in range(shards):
                part = stack.enter_context(PlaceMap.open(path, shard=Shard(number + 1, shards, assign)))
                rows = assignment.rows_of(number)
                own = np.flatnonzero(np.isin(rows, without))
                searcher = open_searcher(part, "cpu")
                assert searcher.rule.startswith("codes ")
                [proposals] = searcher.propose(torch.from_numpy(query), k, own)
                found.append(Proposals(rows[proposals.rows], *bits_of(proposals), proposals.most))
            searcher = open_searcher(whole, "cpu")
            [expected] = searcher.propose(torch.from_numpy(query), k, without)
            definition = by_definition(whole, query, k, without)
            assert bits(expected) == bits(definition)
            assert expected.most == definition.most
            merged = merge_proposals(found)
            assert bits(merged) == bits(expected)
            assert merged.most == expected.most
            if not left_out:
                result, nearest = searcher.search(torch.from_numpy(query), k), merged.nearest(k)
                assert result.rows.tobytes() == nearest.rows.tobytes()
                assert result.distances.tobytes() == nearest.distances.tobytes()


def bits_of(found: Proposals) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return found.code_distances, found.distances


@pytest.mark.parametrize("index", KINDS)
def test_a_part_holds_codes_and_no_vectors(index: str, tmp_path: Path) -> None:
    features = few_vectors(np.random.default_rng(1), 900, 300)
    path = write_features_map(tmp_path / "town", features, segment_rows=150, index=index)
    with PlaceMap.open(path, shard=Shard(1, 2)) as part:
        held = read_index(part)
        assert type(held) is type(new_index(index, WIDTH))
        assert held.ntotal == len(part) < 900
        codebook_bytes = (path / "codes/000001/codebook.faiss").stat().st_size
        held_bytes = len(faiss.serialize_index(held)) - codebook_bytes
        assert held_bytes <= (len(part) + 31) * held.sa_code_size() + 100
        assert held_bytes < len(part) * WIDTH * 2  # as float16


@pytest.mark.parametrize("index", EXHAUSTIVE)
def test_an_exhaustive_index_proposes_the_nearest_themselves(index: str, tmp_path: Path) -> None:
    features = few_vectors(np.random.default_rng(2), 200, 20)
    query = torch.from_numpy(features[:1].astype(np.float32))
    with PlaceMap.open(write_features_map(tmp_path / "town", features, segment_rows=50, index=index)) as place_map:
        for backend in ("faiss", "torch"):
            searcher = open_searcher(place_map, "cpu", backend)
            assert searcher.rule == "all"
            [found] = searcher.propose(query, 7, np.array([0, 3]))
            assert (len(found.rows), found.most) == (7, 7)
            np.testing.assert_array_equal(found.code_distances, found.distances)
            assert not np.isin(found.rows, [0, 3]).any()
            [nothing] = searcher.propose(query, 7, np.arange(200))
            assert (len(nothing.rows), nothing.most) == (0, 7)


class Counted:
    """Note the number of rows in each request to a proposer."""

    def __init__(self, searcher: ExactSearcher) -> None:
        self.counts: list[int] = []
        self._proposer = searcher._proposer
        self._propose = self._proposer.propose
        self._proposer.propose = self.propose  # type: ignore[method-assign]

    def propose(self, queries: NDArray[np.float32], count: int) -> Hits:
        self.counts.append(count)
        return self._propose(queries, count)


def test_codes_are_asked_once_and_again_only_while_the_last_of_them_ties(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    features = unit_rows(random.standard_normal((2000, WIDTH)))
    features[1000:1600] = features[7]  # 601 equal pictures
    with PlaceMap.open(write_features_map(tmp_path / "town", features, index="PQ32x4fs")) as place_map:
        searcher = open_searcher(place_map, "cpu")
        assert isinstance(searcher, ExactSearcher)
        counted = Counted(searcher)
        searcher.propose(torch.from_numpy(features[:1].astype(np.float32)), 10)
        assert counted.counts == [4 * 10 + 16 + 16]
        counted.counts.clear()
        [found] = searcher.propose(torch.from_numpy(features[7:8].astype(np.float32)), 10)
        assert counted.counts == [72, 288, 1152]
        np.testing.assert_array_equal(found.rows, [7, *range(1000, 1055)])


@pytest.mark.parametrize("index", ["PQ32x4fs", "SQ8"])
def test_the_digest_tells_whether_distances_to_codes_are_rounded_alike(index: str, tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    features = unit_rows(random.standard_normal((300, WIDTH)))
    path = write_features_map(tmp_path / "town", features, segment_rows=60, index=index)
    other = write_features_map(tmp_path / "other", unit_rows(random.standard_normal((300, WIDTH))), index=index)
    digests = []
    for each, shard in ((path, None), (path, Shard(1, 2)), (path, Shard(2, 2)), (other, None)):
        with PlaceMap.open(each, shard=shard) as place_map:
            entry = place_map.manifest.index
            assert entry.codes is not None
            digests.append(rounding_of(each, entry, entry.codes, WIDTH))
            assert open_searcher(place_map, "cpu").rule == f"codes {digests[-1]}"
            assert open_searcher(place_map, "cpu", "torch").rule == "all"
    assert len(set(digests[:3])) == 1
    assert digests[3] != digests[0]
