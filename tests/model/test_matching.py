"""Mutual nearest neighbours: recordings, a slow reference by the definition, and the corner cases."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from model.errors import InvalidInput
from model.matching import count_mutual_matches, find_mutual_matches
from tests.golden.recordings import read_arrays


@pytest.mark.parametrize(("pair", "count"), [(2, 817), (3, 132), (4, 148), (5, 11), (6, 564), (7, 2)])
def test_recorded_pairs(pair: int, count: int) -> None:
    recorded = read_arrays("mnn_pairs")
    query = torch.from_numpy(recorded[f"pair{pair}_q"]).flatten(0, 1)
    candidate = torch.from_numpy(recorded[f"pair{pair}_c"]).flatten(0, 1)
    query_cells, candidate_cells = recorded[f"pair{pair}_u"], recorded[f"pair{pair}_v"]
    matches = find_mutual_matches(query, candidate)
    assert len(matches) == count
    np.testing.assert_array_equal(matches.query_cells.numpy(), query_cells)
    np.testing.assert_array_equal(matches.candidate_cells.numpy(), candidate_cells)
    assert count_mutual_matches(query, candidate[None]).tolist() == [count]


def test_recorded_ranking() -> None:
    recorded = read_arrays("mnn_batch_rerank")
    query = torch.from_numpy(recorded["q"]).flatten(0, 1)
    candidates = torch.from_numpy(recorded["c"]).flatten(1, 2)
    scores, order = recorded["scores"], recorded["stable_desc_order"]
    counts = count_mutual_matches(query, candidates)
    np.testing.assert_array_equal(counts.numpy(), scores)
    np.testing.assert_array_equal(counts.argsort(descending=True, stable=True).numpy(), order)


# Integers: float32 products are exact, so there are many exact ties.
small_features = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 3)).flatmap(
    lambda shape: st.tuples(
        arrays.arrays(np.float32, (shape[0], shape[2]), elements=st.integers(-2, 2).map(float)),
        arrays.arrays(np.float32, (shape[1], shape[2]), elements=st.integers(-2, 2).map(float)),
    )
)


@given(small_features)
def test_pairs_are_those_of_the_definition(features: tuple[np.ndarray, np.ndarray]) -> None:
    """The reference is Eq. 7, written as two loops; if similarities are equal, the first index is the nearest."""
    query, candidate = features
    similarity = [[float(np.dot(q, c)) for c in candidate] for q in query]
    expected = []
    for u, row in enumerate(similarity):
        v = row.index(max(row))
        column = [similarity[i][v] for i in range(len(query))]
        if column.index(max(column)) == u:
            expected.append((u, v))
    matches = find_mutual_matches(torch.from_numpy(query), torch.from_numpy(candidate))
    assert list(zip(matches.query_cells.tolist(), matches.candidate_cells.tolist(), strict=True)) == expected
    assert len(matches) >= 1
    assert count_mutual_matches(torch.from_numpy(query), torch.from_numpy(candidate)[None]).tolist() == [len(expected)]


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 8, 64]))
def test_the_count_is_that_of_the_pairs_without_ties_and_with_one(seed: int, channels: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    query, candidate = torch.randn(30, channels, generator=generator), torch.randn(40, channels, generator=generator)
    tied = query.clone()
    tied[20:] = tied[:10]  # every column that is nearest to one of these has its maximum twice
    for features in (query, tied):
        expected = len(find_mutual_matches(features, candidate))
        assert count_mutual_matches(features, candidate[None]).tolist() == [expected]


def test_exactly_one_match_counts_as_one() -> None:
    query = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert count_mutual_matches(query, query[None]).tolist() == [1]


def test_a_picture_matches_itself_everywhere() -> None:
    features = torch.nn.functional.normalize(torch.randn(300, 16, generator=torch.Generator().manual_seed(0)), dim=1)
    assert count_mutual_matches(features, features.half()[None]).tolist() == [300]


def test_counts_are_those_of_each_candidate_alone() -> None:
    generator = torch.Generator().manual_seed(3)
    query, candidates = torch.randn(50, 8, generator=generator), torch.randn(7, 40, 8, generator=generator)
    alone = [int(count_mutual_matches(query, candidate[None])) for candidate in candidates]
    assert count_mutual_matches(query, candidates).tolist() == alone


def test_float16_candidates_are_raised_before_they_are_multiplied() -> None:
    generator = torch.Generator().manual_seed(4)
    query, candidates = torch.randn(60, 8, generator=generator), torch.randn(3, 60, 8, generator=generator).half()
    assert torch.equal(count_mutual_matches(query, candidates), count_mutual_matches(query, candidates.float()))


def test_features_that_ask_for_gradients_are_counted_too() -> None:
    features = torch.randn(30, 8, generator=torch.Generator().manual_seed(5))
    with_gradient = features.clone().requires_grad_()
    counts = count_mutual_matches(with_gradient, with_gradient[None])
    assert torch.equal(counts, count_mutual_matches(features, features[None]))


def test_memory_is_a_few_score_matrices_for_any_number_of_candidates() -> None:
    cells, channels, count = 500, 4, 64
    candidates = torch.randn(1, cells, channels).expand(count, -1, -1)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        count_mutual_matches(candidates[0], candidates)
    in_use = peak = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            in_use += event.nbytes()
            peak = max(peak, in_use)
    score_matrix = cells * cells * 4
    assert score_matrix <= peak < 3 * score_matrix


def test_no_candidates_and_no_cells() -> None:
    assert count_mutual_matches(torch.randn(5, 4), torch.empty(0, 5, 4)).shape == (0,)
    assert count_mutual_matches(torch.randn(5, 4), torch.empty(2, 0, 4)).tolist() == [0, 0]
    assert count_mutual_matches(torch.empty(0, 4), torch.randn(2, 5, 4)).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("query_shape", "candidates_shape"), [((5, 4), (5, 4)), ((5, 4), (2, 5, 3)), ((1, 5, 4), (2, 5, 4))]
)
def test_shapes_that_do_not_go_together(query_shape: tuple[int, ...], candidates_shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match=r"\(L, C\) and \(K, M, C\)"):
        count_mutual_matches(torch.zeros(query_shape), torch.zeros(candidates_shape))


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'sloppy' is not known; known: exact, fast"):
        count_mutual_matches(torch.zeros(2, 2), torch.zeros(1, 2, 2), precision="sloppy")  # type: ignore[arg-type]


@pytest.mark.parametrize(("cells", "others"), [(513, 700), (1025, 300), (1600, 1600), (3721, 961)])
def test_blocks_of_rows_change_no_count(cells: int, others: int) -> None:
    """The nearest cell, and the first of equal ones, may be in any block."""
    generator = torch.Generator().manual_seed(cells)
    query, candidate = (torch.randn(count, 16, generator=generator) for count in (cells, others))
    repeated = query.clone()
    repeated[cells // 2 :] = query[: cells - cells // 2]  # the same cell in two blocks
    twice = query[torch.arange(cells) // 2]  # and next to each other
    for features in (query, repeated, twice, query.round(), torch.zeros_like(query)):
        for other in (candidate, candidate.round(), features[torch.arange(others) % cells]):
            assert count_mutual_matches(features, other[None]).tolist() == [len(find_mutual_matches(features, other))]
