"""Counts with fewer bits against exact ones: the allowed differences, and the cases in which they must be equal."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from model import cpu_matching, fast_matching
from model.matching import MATCHING_PRECISIONS, count_mutual_matches, counts_hundreds_a_second, matcher_name
from tests.golden.recordings import read_arrays


def seeded(*shape: int, seed: int = 0) -> Tensor:
    return normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def smooth(seed: int, side: int = 61, channels: int = 128) -> Tensor:
    """Make features that change slowly from cell to cell, like those of up-convolutions: ``(side², channels)``."""
    coarse = torch.randn(1, channels, 16, 16, generator=torch.Generator().manual_seed(seed))
    return normalize(interpolate(coarse, (side, side), mode="bicubic")[0].flatten(1).T, dim=1)


def exact(query: Tensor, candidates: Tensor) -> list[int]:
    return count_mutual_matches(query, candidates, precision="exact").tolist()


def fast(query: Tensor, candidates: Tensor) -> list[int]:
    return count_mutual_matches(query, candidates, precision="fast").tolist()


# 8-bit integers: the kernels represent them exactly, so counts must be equal, including ties.
whole_features = st.tuples(st.integers(1, 700), st.integers(1, 40), st.integers(1, 4), st.integers(0, 2**32 - 1)).map(
    lambda drawn: tuple(
        torch.from_numpy(np.random.default_rng(drawn[3]).integers(-2, 3, (cells, drawn[2])).astype(np.float32) * 63.5)
        for cells in drawn[:2]
    )
)


@given(whole_features)
def test_what_eight_bits_hold_is_counted_exactly(features: tuple[Tensor, Tensor]) -> None:
    query, candidate = (torch.trunc(each) for each in features)
    for each in (query, candidate):
        each[0, 0] = 127
    assert fast(query, candidate[None]) == exact(query, candidate[None])


@given(
    arrays.arrays(np.int8, st.tuples(st.integers(1, 12), st.just(3)), elements=st.integers(-127, 127)),
    arrays.arrays(np.int8, st.tuples(st.integers(1, 12), st.just(3)), elements=st.integers(-127, 127)),
)
def test_all_whole_numbers(query: np.ndarray, candidate: np.ndarray) -> None:
    query[0, 0] = candidate[0, 0] = -127
    features = torch.from_numpy(query).float(), torch.from_numpy(candidate).float()[None]
    assert fast(*features) == exact(*features)


def test_recorded_pairs() -> None:
    recorded = read_arrays("mnn_pairs")
    for pair in range(2, 8):
        query = torch.from_numpy(recorded[f"pair{pair}_q"]).flatten(0, 1)
        candidate = torch.from_numpy(recorded[f"pair{pair}_c"]).flatten(0, 1)
        [counted], [expected] = fast(query, candidate[None]), exact(query, candidate[None])
        assert abs(counted - expected) <= 1, pair


def test_independent_features() -> None:
    query, candidates = seeded(3721, 128), seeded(2, 3721, 128, seed=1)
    for counted, expected in zip(fast(query, candidates), exact(query, candidates), strict=True):
        assert abs(counted - expected) <= 4  # matches of about 1850


def test_smooth_features() -> None:
    query = smooth(1)
    candidates = torch.stack([smooth(2), normalize(query + 0.5 * smooth(3), dim=1), query]).half()
    counted, expected = fast(query, candidates), exact(query, candidates)
    assert all(abs(one - other) <= 4 for one, other in zip(counted, expected, strict=True)), (counted, expected)
    assert counted[0] < counted[1] < counted[2]


def test_a_picture_of_one_colour_matches_once() -> None:
    query = seeded(1, 128).expand(3721, -1)
    assert fast(query, query[None]) == exact(query, query[None]) == [1]


def test_features_that_are_all_zero_match_once() -> None:
    assert fast(torch.zeros(600, 8), torch.zeros(2, 5, 8)) == exact(torch.zeros(600, 8), torch.zeros(2, 5, 8)) == [1, 1]


@pytest.mark.parametrize(("cells", "others"), [(1, 1), (1, 5), (5, 1), (257, 255), (256, 512), (513, 300)])
def test_few_cells_and_whole_blocks(cells: int, others: int) -> None:
    query = torch.zeros(cells, 16)
    query[torch.arange(cells), torch.arange(cells) % 16] = 1  # every column has its maximum in many blocks
    candidate = query[torch.arange(others) % cells]
    assert fast(query, candidate[None]) == exact(query, candidate[None])


@pytest.mark.parametrize("channels", [128, 520, 1024, 2048])
def test_many_channels(channels: int) -> None:
    """The more channels, the fewer rows of a block have room beside a score in 32 bits."""
    extreme = torch.ones(300, channels)
    extreme[::2] = -1
    assert fast(extreme, extreme[None]) == exact(extreme, extreme[None]) == [2]


def test_more_channels_than_a_kernel_has_room_for_are_counted_exactly() -> None:
    features = seeded(3, 20_000)
    assert fast(features, features[None]) == [3]
    assert matcher_name(torch.device("cpu"), 20_000, "fast") == "torch-float32"


def test_without_a_kernel_the_exact_way_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_matching, "_kernels", lambda: None)
    monkeypatch.setattr(fast_matching, "can_fuse", lambda _: False)
    query, candidates = seeded(200, 16), seeded(3, 150, 16, seed=1).half()
    assert fast(query, candidates) == exact(query, candidates)
    for floor in (0.0, 0.3):
        counted = count_mutual_matches(query, candidates, precision="fast", floor=floor)
        assert torch.equal(counted, count_mutual_matches(query, candidates, floor=floor))
    for device in ("cpu", "cuda"):
        assert matcher_name(torch.device(device), 16, "fast") == "torch-float32"
    assert not counts_hundreds_a_second(torch.device("cpu"), 16, "fast")


def test_the_scale_of_a_picture_does_not_count() -> None:
    query, candidates = seeded(300, 16), seeded(3, 200, 16, seed=1)
    scaled = candidates * torch.tensor([2.0**-10, 1.0, 2.0**10])[:, None, None]
    assert fast(query * 64, scaled) == fast(query, candidates)


def test_candidates_are_counted_each_for_itself_whatever_their_type() -> None:
    query, candidates = seeded(60, 8), seeded(5, 70, 8, seed=1).half()
    alone = [fast(query, candidate[None])[0] for candidate in candidates]
    assert fast(query, candidates) == alone == fast(query, candidates.float())
    assert fast(query.requires_grad_(), candidates) == alone


def test_no_candidates_and_no_cells() -> None:
    assert fast(torch.randn(5, 4), torch.empty(0, 5, 4)) == []
    assert fast(torch.randn(5, 4), torch.empty(2, 0, 4)) == [0, 0]
    assert fast(torch.empty(0, 4), torch.randn(2, 5, 4)) == [0, 0]


@pytest.mark.gpu
@pytest.mark.parametrize("precision", MATCHING_PRECISIONS)
def test_a_gpu_counts_nearly_the_same_in_little_memory(precision: str) -> None:
    query = smooth(1)
    candidates = torch.stack([normalize(query + 0.5 * smooth(seed), dim=1) for seed in range(2, 42)]).half()
    expected = torch.tensor(exact(query, candidates[:4]))
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    counted = count_mutual_matches(query.cuda(), candidates.cuda(), precision=precision)  # type: ignore[arg-type]
    assert torch.cuda.max_memory_allocated() - before < 1_300_000_000
    assert len(counted) == 40
    assert (counted[:4].cpu() - expected).abs().max() <= 0.01 * expected.max()


@pytest.mark.gpu
@pytest.mark.parametrize("precision", MATCHING_PRECISIONS)
def test_a_gpu_needs_little_memory_for_a_floor(precision: str) -> None:
    query = smooth(1)
    candidates = torch.stack([normalize(query + 0.5 * smooth(seed), dim=1) for seed in range(2, 42)]).half()
    expected = count_mutual_matches(query, candidates[:4], floor=0.85)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    counted = count_mutual_matches(query.cuda(), candidates.cuda(), precision=precision, floor=0.85)  # type: ignore[arg-type]
    assert torch.cuda.max_memory_allocated() - before < 1_300_000_000
    assert (counted[:4].cpu() - expected).abs().max() <= 0.01 * expected.max()


@pytest.mark.gpu
def test_a_gpu_counts_whole_numbers_exactly() -> None:
    generator = torch.Generator().manual_seed(0)
    query, candidates = (torch.randint(-3, 4, shape, generator=generator).float() for shape in ((500, 3), (9, 400, 3)))
    query[0, 0] = candidates[:, 0, 0] = 4  # a power of two, so that nothing is rounded
    assert fast(query.cuda(), candidates.cuda()) == exact(query, candidates)
