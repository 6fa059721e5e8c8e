"""Codes of blocks, how they are learned, and what a map keeps of them."""

from dataclasses import replace
from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from index_builder.codebook_sample import with_codebook
from model.codes import as_features
from model.cpu_kernels.tiles import TILES, AmxTile
from model.errors import InvalidInput
from model.matching import MATCHING_PRECISIONS, MatchingPrecision, count_mutual_matches
from place_map import block_reading
from place_map.block_codes import AXIS_ONE, EXACT_BELOW, FEATURE_ONE, LARGEST_CODE, BlockCodes, cut_blocks
from place_map.code_learning import MOST_NUMBERS, largest_side, learn_codes
from place_map.codebook_entry import CodebookEntry
from place_map.entry_finder import EntryFinder
from place_map.local_codec import LEARNED, LocalCodec, StoreType
from place_map.manifest import FeatureShapes
from tests.model.threads import threads

GRID = (13, 10)
CELLS = 130
CHANNELS = 16


def features_of(seed: int, count: int, channels: int = CHANNELS, grid: tuple[int, int] = GRID) -> Tensor:
    """Return features ``(count, N, C)`` that change little from cell to cell, and share a direction."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, channels, max(1, grid[0] // 3), max(1, grid[1] // 3), generator=random)
    dense = interpolate(coarse, grid, mode="bilinear", align_corners=True).flatten(2).transpose(1, 2)
    noise = torch.randn(dense.shape, generator=random)
    return normalize(dense * torch.logspace(0, -1, channels) + 0.05 * noise + 0.3, dim=-1)


def codec_of(
    store: StoreType, channels: int = CHANNELS, grid: tuple[int, int] = GRID, pictures: int = 30
) -> LocalCodec:
    shapes = FeatureShapes(
        global_dim=4, local_grid=grid, local_dim=channels, local_extras=0, dtype="float16", local_store=store
    )
    return with_codebook(shapes, features_of(0, pictures, channels, grid)).local_codec


def codes_of(store: StoreType) -> BlockCodes:
    learned = codec_of(store).learned
    assert learned is not None
    return learned


def random_codes(seed: int, grid: tuple[int, int], side: int, channels: int, widths: tuple[int, ...]) -> BlockCodes:
    random = np.random.default_rng(seed)
    count = sum(widths)
    axes = random.integers(-100, 101, (count, side**2 * channels)).astype(np.int16)
    entries = random.integers(-50, 51, (count, 256)).astype(np.int16)
    return BlockCodes(grid, side, axes, widths, entries, 1e-3, 1.0)


cases = st.tuples(
    st.integers(0, 2**32),
    st.sampled_from([(1, 1), (4, 4), (5, 7), (9, 4)]),
    st.sampled_from([1, 2, 4]),
    st.integers(1, 5),
    st.lists(st.integers(1, 3), min_size=1, max_size=4).map(tuple),
)


@settings(max_examples=40, deadline=None)
@given(case=cases)
def test_blocks_have_every_cell_and_are_joined_again(
    case: tuple[int, tuple[int, int], int, int, tuple[int, ...]],
) -> None:
    seed, (rows, columns), side, channels, widths = case
    codes = random_codes(seed, (rows, columns), side, channels, widths)
    cells = torch.arange(rows * columns * channels, dtype=torch.float32).view(rows * columns, channels)
    blocks = codes.cut(cells)
    assert blocks.shape == (codes.blocks, side**2, channels)
    assert torch.equal(codes.join(blocks), cells)
    assert torch.equal(cut_blocks(cells, (rows, columns), side), blocks)
    across = -(-columns // side)
    for block in range(codes.blocks):
        for place in range(side**2):
            row = min(block // across * side + place // side, rows - 1)
            column = min(block % across * side + place % side, columns - 1)
            assert torch.equal(blocks[block, place], cells[row * columns + column])


@settings(max_examples=40, deadline=None)
@given(case=cases)
def test_features_are_the_sum_of_the_named_entries_times_their_axes(
    case: tuple[int, tuple[int, int], int, int, tuple[int, ...]],
) -> None:
    seed, grid, side, channels, widths = case
    codes = random_codes(seed, grid, side, channels, widths)
    random = np.random.default_rng(seed + 1)
    stored = random.integers(0, 256, (2, codes.blocks, codes.width), np.uint8)
    found = np.full((2, grid[0] * grid[1], channels), 99, np.int8)
    codes.decode(stored, found)
    byte_of_axis = np.repeat(np.arange(len(widths)), widths)
    for picture, decoded in zip(stored, found, strict=True):
        entries = codes.entries[np.arange(len(codes.entries)), picture[:, byte_of_axis]].astype(np.int64)
        sums = entries @ codes.axes.astype(np.int64)
        features = codes.join(torch.from_numpy(sums).view(codes.blocks, side**2, channels)).numpy()
        largest = np.maximum(np.abs(features).max(axis=1, keepdims=True), 1).astype(np.float32)
        np.testing.assert_array_equal(decoded, np.rint(features.astype(np.float32) * (LARGEST_CODE / largest)))


@pytest.mark.parametrize("is_plain", [False, True])
@settings(max_examples=20, deadline=None)
@given(case=cases)
def test_every_byte_names_the_nearest_entry(
    is_plain: bool, case: tuple[int, tuple[int, int], int, int, tuple[int, ...]]
) -> None:
    seed, grid, side, channels, widths = case
    codes = random_codes(seed, grid, side, channels, widths)
    features = features_of(seed % 1000, 2, channels, grid)
    if is_plain:
        found = np.empty((2, codes.blocks, codes.width), np.uint8)
        for picture, of_picture in zip(features, found, strict=True):
            codes.find_plainly(codes.products(picture), of_picture)
    else:
        found = codes.encode(features).numpy()
    starts = np.cumsum([0, *widths])
    for picture, of_picture in zip(features, found, strict=True):
        whole = codes.cut((picture * FEATURE_ONE).round()).flatten(1).numpy().astype(np.int64)
        products = whole @ codes.axes.astype(np.int64).T
        np.testing.assert_array_equal(codes.products(picture).numpy(), products)
        for byte, (start, end) in enumerate(pairwise(starts)):
            entries = codes.entries[start:end] * (codes.unit * AXIS_ONE * FEATURE_ONE)
            distances = np.square(products[:, start:end, None] - entries[None]).sum(axis=1)
            chosen = distances[np.arange(len(distances)), of_picture[:, byte]]
            assert (chosen <= distances.min(axis=1) * (1 + 1e-9) + 1e-3).all()


def test_codes_do_not_depend_on_threads_and_on_the_pictures_beside() -> None:
    codec, features = codec_of("block32", 128, (61, 61), 6), features_of(3, 2, 128, (61, 61))
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            stored = codec.encode(features)
            found.append((stored, codec.round_trip(features)))
    finally:
        torch.set_num_threads(threads)
    (stored, read), others = found[0], found[1]
    assert torch.equal(stored, others[0])
    assert torch.equal(read, others[1])
    assert torch.equal(codec.encode(features[1:]), stored[1:])


@pytest.mark.parametrize("store", LEARNED)
def test_axes_are_orthogonal_and_sums_are_exact(store: StoreType) -> None:
    codes = codes_of(store)
    axes = codes.axes.astype(np.float64) / AXIS_ONE
    np.testing.assert_allclose(axes @ axes.T, np.eye(len(axes)), atol=5e-3)
    assert 0.5 * EXACT_BELOW < codes.largest_sum < EXACT_BELOW
    blocks = codes.cut(features_of(4, 1)[0]) * FEATURE_ONE
    greatest = np.linalg.norm(blocks.flatten(1).numpy(), axis=1).max() * AXIS_ONE * np.linalg.norm(axes, axis=1).max()
    assert greatest < EXACT_BELOW


@pytest.mark.parametrize("store", LEARNED)
def test_the_stated_cosine_is_that_of_other_features_too(store: StoreType) -> None:
    codec, features = codec_of(store), features_of(3, 8)
    restored = as_features(codec.round_trip(features))
    torch.testing.assert_close(restored.norm(dim=-1), torch.ones(8, CELLS))
    projected = torch.stack([codec.project(each) for each in features])
    assert float((restored * projected).sum(dim=-1).mean()) == pytest.approx(codec.cosine, abs=0.03)
    assert (restored * projected).sum() > (restored * features).sum()


@settings(max_examples=30, deadline=None)
@given(case=cases)
def test_the_projection_is_the_nearest_combination_of_axes(
    case: tuple[int, tuple[int, int], int, int, tuple[int, ...]],
) -> None:
    seed, grid, side, channels, widths = case
    numbers = side**2 * channels
    directions = np.linalg.qr(np.random.default_rng(seed).standard_normal((numbers, min(sum(widths), numbers))))[0]
    axes = np.rint(directions.T * 32_767).astype(np.int16)
    codes = BlockCodes(grid, side, axes, (len(axes),), np.zeros((len(axes), 256), np.int16), 1.0, 1.0)
    features = features_of(seed % 1000, 1, channels, grid)[0]
    blocks = codes.cut(features).flatten(1).double().numpy()
    combinations, *_ = np.linalg.lstsq(axes.T.astype(np.float64), blocks.T, rcond=None)
    nearest = torch.from_numpy((axes.T @ combinations).T).view(codes.blocks, side**2, channels)
    expected = codes.join(nearest)
    is_clear = expected.norm(dim=1) > 0.05  # the direction of a shorter one is the rounding of the axes
    found = codes.project(features)
    torch.testing.assert_close(found[is_clear], normalize(expected, dim=1)[is_clear].float(), atol=2e-3, rtol=0)
    assert ((found.norm(dim=1) - 1).abs()[is_clear] < 1e-5).all()


@pytest.mark.parametrize("store", get_args(StoreType))
def test_a_query_stays_as_it_is_unless_blocks_are_stored(store: StoreType) -> None:
    codec, query = (codec_of(store) if store in LEARNED else LocalCodec(store, CHANNELS)), features_of(3, 1)[0]
    assert torch.equal(codec.project(query), query) == (store not in LEARNED)


def test_more_bytes_keep_more_and_blocks_keep_more_than_signs_of_the_same_size() -> None:
    features = features_of(3, 8)
    signs = as_features(LocalCodec("binary", CHANNELS).round_trip(features))
    kept = {store: as_features(codec_of(store).round_trip(features)) for store in LEARNED} | {"binary": signs}
    cosines = {store: float((each * features).sum(dim=-1).mean()) for store, each in kept.items()}
    assert cosines["block32"] < cosines["block16"] < cosines["block8"]
    assert cosines["binary"] < cosines["block8"]


@pytest.mark.parametrize("precision", MATCHING_PRECISIONS)
@pytest.mark.parametrize("store", LEARNED)
def test_matches_are_those_of_the_restored_features(store: StoreType, precision: MatchingPrecision) -> None:
    codec, candidates = codec_of(store), features_of(4, 2)
    query = normalize(candidates[0] + 0.05 * features_of(5, 1)[0], dim=-1)
    codes = codec.round_trip(candidates)
    for floor in (None, 0.9):
        found = count_mutual_matches(query, codes, precision=precision, floor=floor)
        plain = count_mutual_matches(query, as_features(codes), floor=floor)
        assert (found - plain).abs().max() <= (4 if precision == "fast" else 1)


@pytest.mark.parametrize("count", [0, 3])
@pytest.mark.parametrize("store", LEARNED)
def test_extras_lie_beside_the_blocks(store: StoreType, count: int) -> None:
    codec, features = replace(codec_of(store), extras=count), features_of(3, 2)
    extras = torch.randn(2, CELLS, count, generator=torch.Generator().manual_seed(0))
    stored = codec.encode(features, extras).numpy()
    assert stored.shape == (2, *codec.row_shape(CELLS))
    assert stored[0].nbytes == codec.bytes_per_picture(CELLS)
    np.testing.assert_array_equal(codec.extras_of(stored), extras.numpy())
    plain = replace(codec, extras=0)
    np.testing.assert_array_equal(codec.channels_of(stored), plain.encode(features).numpy())
    np.testing.assert_array_equal(codec.codes(stored), plain.round_trip(features).numpy())


@pytest.mark.parametrize(
    ("grid", "channels", "side"),
    [((61, 61), 128, 4), ((16, 16), 120, 4), ((61, 61), 256, 2), ((500, 1), 128, 1), ((3, 9), 4, 2), ((9, 9), 2048, 1)],
)
def test_blocks_are_as_large_as_grid_and_channels_allow(grid: tuple[int, int], channels: int, side: int) -> None:
    assert largest_side(grid, channels) == side


@pytest.mark.parametrize(("pictures", "side"), [(1, 1), (6, 2), (90, 4)])
def test_few_blocks_are_divided_into_smaller_ones(pictures: int, side: int) -> None:
    features = features_of(0, pictures)
    blocks = torch.cat([cut_blocks(each, GRID, 4) for each in features])
    learned = learn_codes(blocks, GRID, 16)
    assert learned.side == side
    assert learned.width <= CELLS * CHANNELS / 16 / learned.blocks


def test_smaller_blocks_are_those_of_the_picture() -> None:
    """A codebook of blocks of 2 × 2 cells is the same, whether they come from larger blocks or from the picture."""
    features = features_of(0, 12, grid=(12, 8))
    of_larger = learn_codes(torch.cat([cut_blocks(each, (12, 8), 4) for each in features]), (12, 8), 16)
    of_picture = learn_codes(torch.cat([cut_blocks(each, (12, 8), 2) for each in features]), (12, 8), 16)
    assert (of_larger.side, of_picture.side) == (2, 2)
    assert np.abs(np.abs(of_larger.axes[0].astype(int)) - np.abs(of_picture.axes[0])).max() <= 1


@pytest.mark.parametrize("numbers_a_byte", LEARNED.values())
@pytest.mark.parametrize(("count", "channels"), [(0, 5), (0, 0), (1, 3), (3, 0), (70, 9)])
def test_any_number_of_blocks_gives_a_codebook(numbers_a_byte: int, count: int, channels: int) -> None:
    grid = (2, 3) if channels else (0, 0)
    side = largest_side(grid, channels)
    random = torch.Generator().manual_seed(0)
    blocks = normalize(torch.randn(count, side**2, channels, generator=random), dim=-1)
    entry = CodebookEntry.of(learn_codes(blocks, grid, numbers_a_byte))
    learned = entry.codes(grid, channels)
    features = normalize(torch.randn(2, grid[0] * grid[1], channels, generator=random), dim=-1)
    stored = learned.encode(features)
    assert stored.shape == (2, learned.blocks, learned.width)
    read = np.full(features.shape, 99, np.int8)
    learned.decode(stored.numpy(), read)
    assert np.abs(read.astype(int)).max(initial=0) <= LARGEST_CODE
    assert learned.project(features[0]).shape == features[0].shape
    assert CodebookEntry.of(learn_codes(blocks, grid, numbers_a_byte)) == entry


def test_equal_features_have_one_code() -> None:
    blocks = features_of(0, 1)[0, :1].expand(40, 16, CHANNELS).contiguous()
    for numbers_a_byte in LEARNED.values():
        learned = learn_codes(blocks, GRID, numbers_a_byte)
        assert learned.cosine == pytest.approx(1, abs=1e-3)
        stored = learned.encode(blocks[0, :1].expand(1, CELLS, CHANNELS))
        assert len(np.unique(stored[0].numpy(), axis=0)) == 1


def test_too_many_channels_are_refused() -> None:
    with pytest.raises(InvalidInput, match="2,049 channels"):
        largest_side(GRID, MOST_NUMBERS + 1)


def test_an_entry_that_is_damaged_or_of_other_features_is_refused() -> None:
    learned = codes_of("block16")
    entry = CodebookEntry.of(learned)
    found = entry.codes(GRID, CHANNELS)
    np.testing.assert_array_equal(found.entries, learned.entries)
    np.testing.assert_array_equal(found.axes, learned.axes)
    damages = (
        {"sha256": "0" * 64},
        {"axes": "AAAA"},
        {"entries": "no base64"},
        {"unit": 0.0},
        {"side": 3},
        {"cosine": 2},
    )
    for damage in damages:
        with pytest.raises(ValidationError):
            CodebookEntry.model_validate(entry.model_dump() | damage)
    for channels in (15, 17):
        with pytest.raises(ValueError, match=f"not for {channels} channels"):
            entry.codes(GRID, channels)
    with pytest.raises(ValueError, match="not for 16 channels"):
        entry.model_copy(update={"widths": entry.widths[1:]}).codes(GRID, CHANNELS)
    loud = replace(learned, entries=np.full_like(learned.entries, 32767))
    with pytest.raises(ValueError, match="not exact"):
        CodebookEntry.of(loud).codes(GRID, CHANNELS)


def test_a_store_that_learns_needs_its_codebook() -> None:
    with pytest.raises(ValueError, match="needs the codebook"):
        LocalCodec("block8", 16).encode(features_of(0, 1))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_kernel_finds_the_first_of_equally_near_entries(count: int) -> None:
    """Each entry is there twice and all numbers are small and whole, so every sum is exact."""
    learned = random_codes(0, GRID, 2, 5, (1, 9, 3, 2))
    halves = learned.entries[:, :128] // 8
    learned = replace(learned, entries=np.concatenate([halves, halves], axis=1), unit=1 / (AXIS_ONE * FEATURE_ONE))
    products = torch.from_numpy(np.random.default_rng(0).integers(-20, 21, (learned.blocks, 15)).astype(np.float32))
    found, expected = np.full((2, learned.blocks, 4), 255, np.uint8)
    learned.find_plainly(products, expected)
    with threads(count):
        if learned._finder is None:
            pytest.skip("there is no kernel for this processor")
        learned._finder.find(products, found)
    assert np.array_equal(found, expected)
    assert found.max() < 128


def test_without_a_kernel_torch_finds_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    features = features_of(3, 2)
    learned = codes_of("block16")
    found = learned.encode(features)
    monkeypatch.setattr(EntryFinder, "of", lambda targets: None)  # noqa: ARG005
    assert torch.equal(replace(learned).encode(features), found)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    grid=st.sampled_from([(6, 1), (13, 10), (16, 16), (9, 23), (61, 61)]),
    side=st.sampled_from([1, 2, 4]),
    channels=st.sampled_from([16, 21, 32, 64, 120, 128]),
    widths=st.lists(st.integers(1, 20), min_size=1, max_size=6).map(tuple),
    pictures=st.integers(1, 3),
    count=st.integers(1, 3),
)
def test_every_kernel_reads_the_same_codes(
    seed: int,
    grid: tuple[int, int],
    side: int,
    channels: int,
    widths: tuple[int, ...],
    pictures: int,
    count: int,
) -> None:
    learned = random_codes(seed, grid, side, channels, widths)
    shape = pictures, learned.blocks, learned.width
    stored = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    expected = np.zeros((pictures, grid[0] * grid[1], channels), np.int8)
    learned.decode_plainly(stored, expected)
    for kernel in every_kernel():
        found = np.zeros_like(expected)
        with pytest.MonkeyPatch.context() as patch, threads(count):
            patch.setattr(block_reading, "_kernels", lambda kernel=kernel: [kernel])
            copied = replace(learned)  # a copy looks for a reader again
            assert copied._reader is not None
            copied.decode(stored, found)
        assert np.array_equal(found, expected), kernel.tile


def every_kernel() -> list[Any]:
    """Return a kernel for each tile that this processor supports, and the one of AMX in loops; none without LLVM."""
    if not block_reading._kernels():
        return []
    from model.cpu_kernels.block_reading import block_reading_for, host_block_readings
    from model.cpu_kernels.compiled import _host_features

    others = [tile for tile in TILES if tile.needs <= _host_features()]
    return list({*host_block_readings(), *map(block_reading_for, [*others, AmxTile(is_plain=True)])})


@pytest.mark.parametrize("wrong", [1, 2])
def test_a_kernel_that_reads_wrongly_is_not_chosen(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, wrong: int
) -> None:
    kernels = every_kernel()[:1]
    if not kernels:
        pytest.skip("there are no kernels for this processor")
    monkeypatch.setattr(block_reading, "_kernels", lambda: kernels * 2)
    read, trials = block_reading.BlockReader.read, []

    def damaged(self: Any, stored: Any, codes: Any) -> None:
        read(self, stored, codes)
        trials.append(self)
        if len(trials) <= wrong:
            codes[0, 3, 2] += 1

    monkeypatch.setattr(block_reading.BlockReader, "read", damaged)
    learned = random_codes(0, (16, 16), 2, 64, (5, 2))
    assert (learned._reader is None) == (wrong == len(kernels * 2))
    assert caplog.text.count("reads 1 of 16384 codes of a trial wrongly") == wrong
    stored = np.random.default_rng(0).integers(0, 256, (1, learned.blocks, learned.width), dtype=np.uint8)
    found, expected = np.zeros((1, 256, 64), np.int8), np.zeros((1, 256, 64), np.int8)
    learned.decode(stored, found)
    learned.decode_plainly(stored, expected)
    assert np.array_equal(found, expected)


def test_usual_shapes_have_a_reader() -> None:
    if not block_reading._kernels():
        pytest.skip("there are no kernels for this processor")
    for grid, side, channels in (((61, 61), 4, 128), ((16, 16), 4, 120), ((13, 10), 4, 16), ((31, 31), 1, 64)):
        assert random_codes(0, grid, side, channels, (5, 2))._reader is not None
    assert random_codes(0, (4, 4), 4, 15, (5, 2))._reader is None


@pytest.mark.parametrize("store", LEARNED)
def test_axes_and_entries_have_eight_bits(store: StoreType) -> None:
    """bfloat16 represents them exactly, so that every kernel may read them."""
    codes = codes_of(store)
    for numbers in (codes.axes, codes.entries):
        whole = torch.from_numpy(numbers)
        assert torch.equal(whole.bfloat16().to(torch.int16), whole)
        assert int(whole.abs().max()) > 255


def test_codes_of_more_bits_are_read_by_the_kernels_that_are_exact_for_them() -> None:
    learned = replace(random_codes(0, (16, 16), 2, 64, (5, 2)), entries=np.full((7, 256), 1001, np.int16))
    exact = [kernel for kernel in every_kernel() if kernel.is_exact_for(learned.entries)]
    assert all(kernel.tile.numbers == "int16" for kernel in exact)
    if block_reading._kernels():
        assert learned._reader is not None
        assert learned._reader._kernel in exact


def test_without_a_kernel_torch_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_reading, "_kernels", lambda: ())
    assert random_codes(0, (16, 16), 2, 64, (5, 2))._reader is None
