"""The mutual matches that reach a floor: at its border, in every matcher, and as pairs."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from model.cosines import pair_cosines
from model.errors import InvalidInput
from model.matching import (
    MATCHING_PRECISIONS,
    MatchingPrecision,
    MutualMatches,
    count_mutual_matches,
    find_mutual_matches,
)
from place_map.local_codec import LEARNED, STORES, LocalCodec, StoreType
from tests.golden.recordings import read_arrays

SHAPES = [(256, 256, 120), (3721, 3721, 128), (37, 41, 33), (1, 1, 120), (1, 90, 5), (90, 1, 1)]
FLOORS = (None, -1.0, -0.3, 0.0, 0.25, 0.5, 0.6, 0.9, 1.0)


def alike(cells: int, others: int, channels: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Make a query and a candidate with cosines of 0.3 to 1 between their cells."""
    rng = np.random.default_rng(seed)
    query, noise = (normalize(torch.from_numpy(rng.standard_normal((n, channels))), dim=1) for n in (cells, others))
    much = torch.from_numpy(rng.uniform(0, 2, (others, 1)))
    return query.float(), normalize(query[torch.arange(others) % cells] + much * noise, dim=1).float()


def moved_at_most(precision: MatchingPrecision, channels: int) -> float:
    """Return the greatest error of a matcher in a cosine: 16 bits round it, the others do not."""
    return channels**0.5 * 2**-14 if precision == "fast" else 1e-12


@pytest.mark.parametrize("store", ["float32", "float16", "int8", "int4"])
@pytest.mark.parametrize("precision", MATCHING_PRECISIONS)
def test_a_cosine_that_equals_the_floor_reaches_it(precision: MatchingPrecision, store: StoreType) -> None:
    """Cosines of sixteenths, in numbers that each matcher holds exactly."""
    query = torch.zeros(7, 120)
    for cell in range(7):
        query[cell, 16 * cell : 16 * cell + 16] = 0.25
    candidate = query.clone()
    for cell in range(7):
        candidate[cell, 16 * cell : 17 * cell] *= -1  # equal to its number: 1, 14 / 16, 12 / 16, ...
    candidates = LocalCodec(store, 120).round_trip(candidate)[None]
    for cell in range(7):
        cosine = 1 - cell / 8
        for floor, expected in (
            (cosine, cell + 1),
            (np.nextafter(cosine, -1), cell + 1),
            (np.nextafter(cosine, 2), cell),
        ):
            if floor <= 1:
                assert count_mutual_matches(query, candidates, precision=precision, floor=floor).tolist() == [expected]


@pytest.mark.parametrize("store", [store for store in STORES if store not in LEARNED])
@pytest.mark.parametrize("precision", MATCHING_PRECISIONS)
@pytest.mark.parametrize(("cells", "others", "channels"), [(256, 256, 120), (77, 130, 33)])
def test_just_below_a_floor_and_just_above(
    precision: MatchingPrecision, store: StoreType, cells: int, others: int, channels: int
) -> None:
    query, candidate = alike(cells, others, channels)
    stored = LocalCodec(store, channels).round_trip(candidate)
    matches = find_mutual_matches(query, stored, precision=precision)
    one, other = (
        each.double().numpy()[rows.numpy()]
        for each, rows in ((query, matches.query_cells), (stored, matches.candidate_cells))
    )
    cosines = np.sort((one * other).sum(1) / np.sqrt((one**2).sum(1) * (other**2).sum(1)))
    margin = moved_at_most(precision, channels)
    tried = 0
    for cosine in cosines:
        for floor in (cosine - margin, cosine + margin):
            if floor > 1 or np.abs(cosines[cosines != cosine] - floor).min() < margin:
                continue
            expected = int((cosines >= floor).sum())
            counted = count_mutual_matches(query, stored[None], precision=precision, floor=float(floor))
            assert counted.tolist() == [expected]
            tried += 1
    assert tried > 20


@pytest.mark.parametrize("precision", MATCHING_PRECISIONS)
@pytest.mark.parametrize(("cells", "others", "channels"), SHAPES)
def test_pairs_are_those_that_are_counted(precision: MatchingPrecision, cells: int, others: int, channels: int) -> None:
    query, candidate = alike(cells, others, channels)
    all_of_them = find_mutual_matches(query, candidate, precision=precision)
    for floor in FLOORS if cells < 3000 else (None, 0.6):
        matches = find_mutual_matches(query, candidate, precision=precision, floor=floor)
        [counted] = count_mutual_matches(query, candidate[None], precision=precision, floor=floor).tolist()
        if precision == "exact" or floor in (None, -1.0):
            assert len(matches) == counted
        cosines = cosines_of(query, candidate, all_of_them)
        reach = cosines >= (-2 if floor is None else floor)
        assert torch.equal(matches.query_cells, all_of_them.query_cells[reach])
        assert torch.equal(matches.candidate_cells, all_of_them.candidate_cells[reach])
        if floor is not None:
            margin = moved_at_most(precision, channels)
            assert int((cosines >= floor + margin).sum()) <= counted <= int((cosines >= floor - margin).sum())


def cosines_of(query: Tensor, candidate: Tensor, matches: MutualMatches) -> Tensor:
    return pair_cosines(query, candidate, matches.query_cells, matches.candidate_cells)


# Whole numbers with few values: no matcher rounds them, ties are ties, and many.
whole_features = st.tuples(
    st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60), st.integers(1, 6), st.sampled_from(FLOORS)
)


@given(whole_features)
def test_ties_zeros_and_opposites(drawn: tuple[int, int, int, int, float | None]) -> None:
    seed, cells, others, channels, floor = drawn
    rng = np.random.default_rng(seed)
    query, candidate = (
        torch.from_numpy(rng.integers(-2, 3, (n, channels)).astype(np.float32)) for n in (cells, others)
    )
    [exact], [fast] = (
        count_mutual_matches(query, candidate[None], precision=precision, floor=floor).tolist()
        for precision in MATCHING_PRECISIONS
    )
    pairs = find_mutual_matches(query, candidate)
    expected = 0
    for one, other in zip(query[pairs.query_cells].tolist(), candidate[pairs.candidate_cells].tolist(), strict=True):
        expected += floor is None or reaches(one, other, floor)
    assert exact == fast == expected


def reaches(one: list[float], other: list[float], floor: float) -> bool:
    """Return whether a cosine is at least the floor, without rounding except for the floor's decimals."""
    product = Fraction(sum(int(a) * int(b) for a, b in zip(one, other, strict=True)))
    squares = Fraction(sum(int(a) ** 2 for a in one) * sum(int(b) ** 2 for b in other))
    least = Fraction(str(floor))
    if not squares:
        return least <= 0
    return product * abs(product) >= least * abs(least) * squares


@pytest.mark.parametrize("precision", MATCHING_PRECISIONS)
def test_a_floor_of_minus_1_is_no_floor(precision: MatchingPrecision) -> None:
    rng = np.random.default_rng(5)
    for channels in (1, 3, 120):
        query = normalize(torch.from_numpy(rng.standard_normal((200, channels), dtype=np.float32)), dim=1)
        opposite = -query.mean(dim=0, keepdim=True).expand(50, -1)
        for candidates in (-query[None, :1], -query[None], opposite[None], torch.zeros(1, 4, channels)):
            all_of_them = count_mutual_matches(query, candidates, precision=precision)
            assert torch.equal(count_mutual_matches(query, candidates, precision=precision, floor=-1), all_of_them)
            assert len(find_mutual_matches(query, candidates[0], precision=precision, floor=-1)) == int(all_of_them)
    lonely = normalize(torch.from_numpy(rng.standard_normal((1, 120), dtype=np.float32)), dim=1)
    whole = torch.from_numpy(rng.integers(-(2**20), 2**20, (500, 1, 120)) * 2.0 ** rng.integers(-20, 0, (500, 1, 120)))
    for number, one in enumerate(
        whole.float()
    ):  # the last bit of these cosines says -1, a little more, or a little less
        opposite = -(3 + 2 * (number % 3)) * one
        assert count_mutual_matches(one, opposite[None], precision=precision, floor=-1).tolist() == [1]
    assert count_mutual_matches(lonely, -lonely[None], precision=precision, floor=-0.999).tolist() == [0]
    assert count_mutual_matches(lonely, lonely[None], precision=precision, floor=1).tolist() == [1]


@pytest.mark.parametrize("precision", MATCHING_PRECISIONS)
def test_the_length_of_a_feature_does_not_count_and_nor_does_that_of_codes(precision: MatchingPrecision) -> None:
    """A map's features differ from length 1 by the rounding of float16; codes have any length."""
    query, candidate = alike(256, 256, 120)
    expected = count_mutual_matches(query, candidate[None], precision=precision, floor=0.6)
    for factor in (0.5, 2.0, 0.999, 1.001):
        counted = count_mutual_matches(query, factor * candidate[None], precision=precision, floor=0.6)
        assert (counted - expected).abs() <= 1
    codes = LocalCodec("int8", 120).round_trip(candidate)[None]
    as_floats = normalize(codes.double(), dim=-1).float()
    counted, expected = (
        count_mutual_matches(query, each, precision=precision, floor=0.6) for each in (codes, as_floats)
    )
    assert (counted - expected).abs() <= 1


@pytest.mark.parametrize("precision", MATCHING_PRECISIONS)
def test_without_a_cell_there_is_no_pair(precision: MatchingPrecision) -> None:
    for query, candidate in ((torch.empty(0, 4), torch.ones(3, 4)), (torch.ones(3, 4), torch.empty(0, 4))):
        assert len(find_mutual_matches(query, candidate, precision=precision, floor=0.5)) == 0
        assert count_mutual_matches(query, candidate[None], precision=precision, floor=0.5).tolist() == [0]


def test_recorded_pairs_above_a_floor() -> None:
    recorded = read_arrays("mnn_pairs")
    for pair in range(2, 8):
        query = torch.from_numpy(recorded[f"pair{pair}_q"]).flatten(0, 1)
        candidate = torch.from_numpy(recorded[f"pair{pair}_c"]).flatten(0, 1)
        cells = torch.from_numpy(recorded[f"pair{pair}_u"]), torch.from_numpy(recorded[f"pair{pair}_v"])
        cosines = torch.nn.functional.cosine_similarity(query[cells[0]].double(), candidate[cells[1]].double())
        for floor in (0.2, 0.5, 0.8):
            expected = int((cosines >= floor).sum())
            assert count_mutual_matches(query, candidate[None], floor=floor).tolist() == [expected]
            [counted] = count_mutual_matches(query, candidate[None], precision="fast", floor=floor).tolist()
            assert abs(counted - expected) <= 1


@pytest.mark.parametrize("floor", [float("nan"), float("inf"), -float("inf"), 1.0001, -1.0001, 60])
def test_an_impossible_floor_is_refused(floor: float) -> None:
    for count in (count_mutual_matches, find_mutual_matches):
        candidates = torch.ones(1, 2, 3) if count is count_mutual_matches else torch.ones(2, 3)
        with pytest.raises(InvalidInput, match=r"the floor of mutual matches is .*: .* give a number from -1 to 1"):
            count(torch.ones(2, 3), candidates, floor=floor)


def test_cosines_of_many_pairs_and_of_extreme_numbers() -> None:
    query, candidate = alike(50, 60, 7)
    rng = np.random.default_rng(0)
    rows, others = (torch.from_numpy(rng.integers(0, n, 20_000)) for n in (50, 60))
    expected = torch.nn.functional.cosine_similarity(query[rows].double(), candidate[others].double())
    assert (pair_cosines(query, candidate, rows, others) - expected).abs().max() < 1e-14
    extreme = torch.tensor([[3e38, -3e38], [1e-45, 1e-45], [0, 0]])
    cells = torch.tensor([0, 0, 0, 1, 2]), torch.tensor([0, 1, 2, 1, 2])
    assert pair_cosines(extreme, extreme, *cells).tolist() == pytest.approx([1, 0, 0, 1, 0], abs=1e-15)
    none = torch.empty(0, dtype=torch.int64)
    assert pair_cosines(query, candidate, none, none).shape == (0,)
