"""The kernels for the CPU against plain integer products, for each of their tiles."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from model import cpu_matching
from model.codes import as_features
from model.cosines import pair_cosines
from model.cpu_matching import count_in_int16, nearest_in_int16
from model.matching import count_mutual_matches
from place_map.local_codec import LocalCodec

if cpu_matching.kernel_name() is None:
    pytest.skip("there are no kernels for this processor", allow_module_level=True)

import llvmlite.binding as llvm

from model.cpu_kernels.compiled import Kernels, host_amx_tile, kernels_for
from model.cpu_kernels.tiles import TILES, AmxTile, Tile, best_tile
from tests.examples import drawn
from tests.model.threads import threads

HOST = {name for name, is_there in llvm.get_host_cpu_features().items() if is_there}
_TILES = [tile for tile in TILES if tile.needs <= HOST]
RUNNABLE = [(tile, None) for tile in _TILES] + [
    (_TILES[0], amx) for amx in (AmxTile(is_plain=True), host_amx_tile()) if amx is not None
]
NAMES = [f"{tile.instructions} and {amx}" for tile, amx in RUNNABLE]


@pytest.fixture(params=RUNNABLE, ids=NAMES)
def kernels(request: pytest.FixtureRequest) -> Kernels:
    return kernels_for(*request.param)


def rounded(features: Tensor) -> Tensor:
    """Round features as the kernels must, and keep codes: ``(N, C)`` int64."""
    if features.dtype is torch.int8:
        return features.long()
    norm = float(features.double().norm(dim=1).max())
    factor = 2.0 ** np.floor(np.log2(32_700 / norm)) if norm else 1.0
    return (features.double() * factor).round().long()


def weights(candidate: Tensor) -> np.ndarray:
    """Return the weight of each cell, ``(N,)`` float32: 1 for features, 1 divided by the length for codes."""
    squares = rounded(candidate).square().sum(dim=1).numpy().astype(np.float32)
    one = np.float32(1)
    return one / np.sqrt(np.maximum(squares, one)) if candidate.dtype is torch.int8 else np.ones_like(squares)


def nearest_plainly(query: Tensor, candidate: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return a whole score matrix and the nearest cells both ways; the first of equal ones is the nearest."""
    scores = rounded(query).double() @ rounded(candidate).double().T  # exact: integers below 2⁵³
    weighted = scores.numpy().astype(np.float32) * weights(candidate)
    return scores, torch.from_numpy(weighted.argmax(axis=1)), scores.argmax(dim=0)


def plainly(query: Tensor, candidates: Tensor, floor: float | None = None) -> list[int]:
    """Count from whole score matrices."""
    counts = []
    for candidate in candidates:
        scores, to_candidate, to_query = nearest_plainly(query, candidate)
        is_mutual = to_query[to_candidate] == torch.arange(len(query))
        if floor is not None:
            # Only quotients are rounded: squared lengths are below 2³¹.
            one, other = (rounded(each).square().sum(dim=1).double() for each in (query, candidate))
            cosines = scores / (one[:, None] * other).sqrt().clamp(min=1)
            is_mutual &= cosines.gather(1, to_candidate[:, None])[:, 0] >= floor
        counts.append(int(is_mutual.sum()))
    return counts


def random_features(rng: np.random.Generator, kind: str, *shape: int) -> Tensor:
    if kind == "int8":
        return torch.from_numpy(rng.integers(-127, 128, shape, dtype=np.int8))
    if kind == "ties":
        return torch.from_numpy(rng.integers(-1, 2, shape).astype(np.float32))
    features = normalize(torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)), dim=-1)
    return features.half() if kind == "float16" else features


pictures = st.tuples(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["float32", "float16", "int8", "ties"]),
    st.integers(1, 150),  # cells of the query
    st.integers(1, 150),  # cells of a candidate
    st.integers(1, 40) | st.sampled_from([64, 65, 128, 200]),  # channels
    st.sampled_from(["as they are", "with duplicates", "with zeros", "all the same"]),
    st.sampled_from([None, -1.0, -0.5, 0.0, 0.25, 0.5, 0.6, 1.0]),
    st.sampled_from([1, 3]),  # threads: as many as candidates at most, or more
)


@pytest.mark.parametrize("tiles", RUNNABLE, ids=NAMES)
@drawn(few=150, many=5000)
@given(pictures)
def test_any_pictures(
    tiles: tuple[Tile, AmxTile | None], drawn: tuple[int, str, int, int, int, str, float | None, int]
) -> None:
    seed, kind, cells, others, channels, what, floor, number = drawn
    rng = np.random.default_rng(seed)
    query, candidates = random_features(rng, kind, cells, channels), random_features(rng, kind, 2, others, channels)
    if what == "with duplicates":
        query, candidates = query[rng.integers(0, cells, cells)], candidates[:, rng.integers(0, others, others)]
    elif what == "with zeros":
        query[:: 1 + cells // 2] = 0
        candidates[:, ::2] = 0
    elif what == "all the same":
        candidates[:] = candidates[:, :1]
    query = as_features(query)
    with threads(number):
        counted = count_in_int16(query, candidates, floor, kernels=kernels_for(*tiles))
    assert counted.tolist() == plainly(query, candidates, floor)
    if floor == -1:
        assert counted.tolist() == plainly(query, candidates)


@pytest.mark.parametrize("kind", ["float32", "float16", "int8"])
@pytest.mark.parametrize(("cells", "channels"), [(256, 120), (961, 128), (77, 33), (1, 1), (1, 120)])
def test_rounding_hardly_moves_a_cosine(kernels: Kernels, kind: str, cells: int, channels: int) -> None:
    """No pair is admitted whose cosine is below the floor by more than the bound, and none above it is left out."""
    rng = np.random.default_rng(cells)
    query = random_features(rng, "float32", cells, channels)
    noise = random_features(rng, "float32", 3, cells, channels)
    candidates = normalize(query + torch.from_numpy(rng.uniform(0.1, 1.5, (3, cells, 1))).float() * noise, dim=-1)
    stored = LocalCodec("int8", channels).encode(candidates) if kind == "int8" else candidates.to(getattr(torch, kind))
    bound = min(channels**0.5 * 2**-14, 2e-4)
    to_candidate, to_query = nearest_in_int16(query.expand(3, -1, -1), stored, kernels)
    cosines = []
    for forth, back, candidate in zip(to_candidate, to_query, stored, strict=True):
        own = (back[forth] == torch.arange(cells)).nonzero()[:, 0]
        cosines.append(pair_cosines(query, candidate, own, forth[own]))
    assert [len(each) for each in cosines] == count_in_int16(query, stored, kernels=kernels).tolist()
    for floor in np.linspace(-1, 1, 41):
        counted = count_in_int16(query, stored, float(floor), kernels=kernels).tolist()
        for number, each in zip(counted, cosines, strict=True):
            assert (each >= floor + bound).sum() <= number <= (each >= floor - bound).sum()


def test_what_fills_up_a_picture_never_matches(kernels: Kernels) -> None:
    """With 1 or 7 cells of 120 channels, most of a tile is padding: copies of the first cell, and zeros."""
    for cells in (1, 7):
        query = torch.eye(cells, 120)
        for floor, expected in ((None, cells), (-1.0, cells), (0.0, cells), (1.0, cells)):
            assert count_in_int16(query, query.half()[None], floor, kernels=kernels).tolist() == [expected]
        apart = torch.zeros(1, cells, 120)
        apart[:, :, -1] = 1  # no channel in common: all cosines are 0, and the first cells match
        assert count_in_int16(query, apart, 0.0, kernels=kernels).tolist() == [1]
        assert count_in_int16(query, apart, 1e-9, kernels=kernels).tolist() == [0]


def test_without_channels_one_pair_matches_and_reaches_no_floor_above_0(kernels: Kernels) -> None:
    nothing = torch.empty(5, 0)
    for floor, expected in ((None, 1), (-0.5, 1), (0.0, 1), (0.1, 0)):
        assert count_in_int16(nothing, nothing[None], floor, kernels=kernels).tolist() == [expected]


@pytest.mark.parametrize("kind", ["float16", "int8"])
@pytest.mark.parametrize("channels", [32, 128, 200])
def test_whole_pictures(kernels: Kernels, channels: int, kind: str) -> None:
    rng = np.random.default_rng(channels)
    query = random_features(rng, "float32", 3721, channels)
    noise = random_features(rng, "float32", 2, 3721, channels)
    candidates = normalize(query.roll(7, 0) + 0.8 * noise, dim=-1)
    stored = LocalCodec("int8", channels).encode(candidates) if kind == "int8" else candidates.half()
    counted = count_in_int16(query, stored, kernels=kernels)
    assert counted.tolist() == plainly(query, stored)
    assert (counted - count_mutual_matches(query, stored)).abs().max() <= 2


def test_float16_is_rounded_as_the_same_numbers_in_float32_are(kernels: Kernels) -> None:
    query, candidates = (
        random_features(np.random.default_rng(1), "float16", *each) for each in ((90, 16), (4, 80, 16))
    )
    assert torch.equal(
        count_in_int16(query, candidates, kernels=kernels),
        count_in_int16(query.float(), candidates.float(), kernels=kernels),
    )


def test_codes_are_features_of_one_length_whatever_their_own(kernels: Kernels) -> None:
    """If codes were multiplied without scaling, the longer of two cells in the same direction would be nearer."""
    codes = torch.randint(-30, 31, (50, 24), dtype=torch.int8, generator=torch.Generator().manual_seed(4))
    query = normalize(codes.float(), dim=-1)
    longer = codes.clone()
    longer[::2] *= 4
    assert count_in_int16(query, torch.stack([codes, longer]), kernels=kernels).tolist() == [50, 50]
    assert count_in_int16(query, longer[None].float(), kernels=kernels).item() < 50


def test_codes_of_nothing_but_zeros_and_the_longest_ones(kernels: Kernels) -> None:
    query = torch.eye(3, 16_384)
    codes = torch.zeros(1, 3, 16_384, dtype=torch.int8)
    assert count_in_int16(query, codes, kernels=kernels).tolist() == plainly(query, codes) == [1]
    codes[0, 0] = 127
    codes[0, 1] = -127
    assert count_in_int16(query, codes, kernels=kernels).tolist() == plainly(query, codes)


def test_extremes_of_the_numbers_overflow_nothing(kernels: Kernels) -> None:
    extreme = torch.full((70, 16_384), 3e38)
    extreme[::2] = -3e38
    assert count_in_int16(extreme, extreme[None], kernels=kernels).tolist() == [2]
    tiny = torch.full((3, 8), 1e-38)
    tiny[1] = -1e-38
    assert count_in_int16(tiny, tiny[None], kernels=kernels).tolist() == [2]


def test_one_thread_and_many_count_the_same(kernels: Kernels) -> None:
    rng = np.random.default_rng(2)
    query, candidates = random_features(rng, "float32", 61, 8), random_features(rng, "float16", 9, 61, 8)
    counts = []
    for number in (1, 2, 4, 16):
        with threads(number):
            counts.append(count_in_int16(query, candidates, kernels=kernels).tolist())
    assert counts == [plainly(query, candidates.float())] * 4


def test_more_threads_than_pairs_share_the_query(kernels: Kernels) -> None:
    """With ties across the shares of the query, and fewer panels than threads."""
    rng = np.random.default_rng(6)
    queries, candidates = random_features(rng, "ties", 2, 300, 5), random_features(rng, "int8", 2, 90, 5)
    candidates[:, 10:30] = candidates[:, 50:70]
    queries[:, 100:] = queries[:, :200].clone()
    with threads(1):
        expected = nearest_in_int16(queries, candidates, kernels)
    for number in (3, 4, 20):
        with threads(number):
            found = nearest_in_int16(queries, candidates, kernels)
        assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_counts_in_the_mode_of_inference(kernels: Kernels) -> None:
    for number in (1, 4):
        with torch.inference_mode(), threads(number):
            query, candidates = torch.eye(12, 16), torch.eye(12, 16).expand(3, -1, -1)
            assert count_in_int16(query, candidates, kernels=kernels).tolist() == [12, 12, 12]
            to_candidate, _ = nearest_in_int16(query[None], candidates[:1], kernels)
            assert to_candidate[0].tolist() == list(range(12))


def test_candidates_may_be_parts_of_something_larger(kernels: Kernels) -> None:
    rng = np.random.default_rng(3)
    query, larger = random_features(rng, "float32", 20, 16), random_features(rng, "float32", 6, 20, 32)
    candidates = larger[::2, :, :16]
    assert count_in_int16(query, candidates, kernels=kernels).tolist() == plainly(query, candidates)


def test_a_processor_gets_the_best_tile_that_it_can_run() -> None:
    avx2 = {"avx2", "fma", "f16c", "sse4.2"}
    assert [best_tile(features) for features in (avx2 | {"avx512f", "avx512bw"}, avx2, {"neon"})] == [*TILES, None]


@pytest.mark.parametrize("kind", ["float32", "int8", "ties"])
@pytest.mark.parametrize(("cells", "others", "channels"), [(1, 1, 1), (37, 150, 20), (150, 37, 128)])
def test_nearest_cells_both_ways(kernels: Kernels, kind: str, cells: int, others: int, channels: int) -> None:
    rng = np.random.default_rng(cells)
    queries = random_features(rng, "ties" if kind == "ties" else "float32", 5, cells, channels)
    candidates = random_features(rng, kind, 5, others, channels)
    to_candidate, to_query = nearest_in_int16(queries, candidates, kernels)
    for pair in range(5):
        _, expected, expected_back = nearest_plainly(queries[pair], candidates[pair])
        assert torch.equal(to_candidate[pair], expected)
        assert torch.equal(to_query[pair], expected_back)


def test_every_kernel_passes_the_trial(kernels: Kernels) -> None:
    assert cpu_matching.wrong_cells(kernels) == 0
