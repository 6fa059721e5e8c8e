"""The learning of codebooks of local features from blocks of a sample of a map's pictures.

The axes are the principal axes of the blocks. The bits of a block go to the axes as reverse water-filling says (Cover
and Thomas, Elements of Information Theory, section 10.3.3): every axis that varies more than a common level gets the
logarithm of their ratio. Bytes take axes in this order until each has about eight bits. The entries of a byte are found
by k-means.

The same blocks give the same codebook on the same machine with the same versions and number of threads.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.codes import as_features
from model.errors import InvalidInput
from model.progress import SILENT, Progress
from place_map.block_codes import (
    AXIS_ONE,
    ENTRIES,
    EXACT_BELOW,
    FEATURE_ONE,
    LARGEST_SIDE,
    BlockCodes,
    count_blocks,
)
from place_map.faiss_library import load_faiss

MOST_NUMBERS = 2048
"""The most numbers of a block, and so the most channels of a feature: a manifest keeps the axes, 4 kB each at most."""

_BITS_OF_A_BYTE = 8.0
_LOGARITHMS_OF_ROUNDING = 15.0  # a moment that is less than the greatest by this factor is a rounding error
_LEAST_BITS = 1.0  # axes that get less make features no better, and reading takes longer
_BLOCKS_FOR_A_NUMBER = 4  # fewer blocks would give axes that fit the sample alone
_SEED = 0
_KMEANS_ITERATIONS = 10
_POINTS_OF_AN_ENTRY = 32
_CHECKED_BLOCKS = 2048  # whose cosine is measured
_LARGEST_ENTRY = 255 * 2**7  # the largest number of eight bits that fits into 16


def largest_side(grid: tuple[int, int], channels: int) -> int:
    """Return the side of the largest blocks that a codebook may have, in cells.

    Args:
        grid: Rows and columns of cells.
        channels: C.

    Raises:
        InvalidInput: The features have too many channels.
    """
    if channels > MOST_NUMBERS:
        raise InvalidInput(
            f"the network's local features have {channels:,} channels, and codes are learned for {MOST_NUMBERS:,} at "
            "most: choose --store int4 or binary, which learn nothing"
        )
    side = LARGEST_SIDE
    while side > 1 and (side > min(grid) or side**2 * channels > MOST_NUMBERS):
        side //= 2
    return side


def learn_codes(blocks: Tensor, grid: tuple[int, int], numbers_a_byte: int, progress: Progress = SILENT) -> BlockCodes:
    """Learn the codebook of a map.

    Blocks are divided into smaller ones if there are too few of them.

    Args:
        blocks: ``(n, side · side, C)`` float32 features of length 1 in blocks of ``largest_side``, on the CPU. If there
            are none, nobody will ask for their codes, and the codebook is an arbitrary one.
        grid: Rows and columns of cells of a picture.
        numbers_a_byte: How many numbers of a feature a byte stands for.
        progress: The display, advanced for each byte of a block.
    """
    cells, channels = blocks.shape[1:]
    side = round(cells**0.5)
    if not len(blocks):
        blocks = torch.full((1, cells, channels), max(channels, 1) ** -0.5)
    while side > 1 and len(blocks) < _BLOCKS_FOR_A_NUMBER * side**2 * channels:
        side //= 2
        # (n, rows, side, columns, side, C), whose rows and columns of smaller blocks come first then
        blocks = blocks.view(-1, 2, side, 2, side, channels).transpose(2, 3).reshape(-1, side**2, channels)
    numbers = blocks.flatten(1)
    bits = _bytes_of_a_block(grid, side, channels, numbers_a_byte) * _BITS_OF_A_BYTE
    moments, axes = np.linalg.eigh((numbers.T @ numbers / len(numbers)).double().numpy())
    share = _shared_out(moments[::-1], bits)
    whole_axes = in_eight_bits(axes.T[::-1][: len(share)] * AXIS_ONE)
    widths = _dealt_out(share)
    empty = np.zeros((len(share), ENTRIES), np.int16)
    found = BlockCodes(grid, side, whole_axes, widths, empty, 1.0, 1.0)
    found = _with_entries(found, (numbers * FEATURE_ONE).round_() @ torch.from_numpy(whole_axes).float().T, progress)
    return replace(found, cosine=_mean_cosine(blocks, found))


def _bytes_of_a_block(grid: tuple[int, int], side: int, channels: int, numbers_a_byte: int) -> int:
    """Return the bytes of a block, so that the blocks of a picture stand for its numbers and not for repeated cells."""
    return max(1, grid[0] * grid[1] * channels // (numbers_a_byte * max(1, count_blocks(grid, side))))


def _shared_out(moments: NDArray[np.float64], bits: float) -> NDArray[np.float64]:
    """Return the bits of the first K axes, at most eight each, whose sum is ``bits`` if there are axes enough.

    Args:
        moments: ``(n,)`` the mean squares of the products with the axes, the greatest first.
        bits: The bits of a block.
    """
    share = _filled(moments, bits)
    while len(share) > 1 and share[-1] < _LEAST_BITS:  # the bits of the axes that are left out go to the others
        share = _filled(moments[: max(1, int((share >= _LEAST_BITS).sum()))], bits)
    return share


def _filled(moments: NDArray[np.float64], bits: float) -> NDArray[np.float64]:
    """Return the bits of each axis by reverse water-filling."""

    def at(level: float) -> NDArray[np.float64]:
        ratios = np.maximum(moments / np.exp(level), 1.0)
        shares: NDArray[np.float64] = np.minimum(np.log2(ratios) / 2, _BITS_OF_A_BYTE)
        return shares

    upper = float(np.log(moments.max(initial=1e-12)))  # where no axis has a bit
    lower = upper - _LOGARITHMS_OF_ROUNDING
    for _ in range(60):
        middle = (lower + upper) / 2
        lower, upper = (middle, upper) if at(middle).sum() > bits else (lower, middle)
    return at(upper)


def _dealt_out(bits: NDArray[np.float64]) -> tuple[int, ...]:
    """Return how many axes each byte takes, one after the other, so that each has about eight bits."""
    middles = np.cumsum(bits) - bits / 2
    _, widths = np.unique((middles / _BITS_OF_A_BYTE).astype(np.int64), return_counts=True)
    return tuple(widths.tolist())


def _with_entries(codes: BlockCodes, products: Tensor, progress: Progress) -> BlockCodes:
    """Return codes with the entries that k-means finds for products ``(n, K)``, in whole numbers."""
    faiss = load_faiss()
    scale = 1 / (AXIS_ONE * FEATURE_ONE)
    found = []
    progress.message(f"finding the entries of {codes.width:,} bytes")
    progress.started(codes.width, 0)
    for part in torch.split(products, list(codes.widths), dim=1):
        points = np.ascontiguousarray(part.numpy() * np.float32(scale))
        points = np.resize(points, (max(len(points), ENTRIES), points.shape[1]))  # faiss wants as many as entries
        means = faiss.Kmeans(
            points.shape[1],
            ENTRIES,
            niter=_KMEANS_ITERATIONS,
            seed=_SEED,
            min_points_per_centroid=1,
            max_points_per_centroid=_POINTS_OF_AN_ENTRY,
        )
        means.train(points)
        found.append(means.centroids.T)
        progress.advanced(1)
    return _in_whole_numbers(codes, found)


def _in_whole_numbers(codes: BlockCodes, entries: Sequence[NDArray[np.float32]]) -> BlockCodes:
    """Return codes with entries in the finest unit in which all sums are exact."""
    joined = np.concatenate([np.zeros((0, ENTRIES), np.float32), *entries]).astype(np.float64)
    finest = _LARGEST_ENTRY / max(float(np.abs(joined).max(initial=0)), 1e-6)
    trial = replace(codes, entries=in_eight_bits(joined * finest))
    per_one = finest * min(1.0, 0.98 * EXACT_BELOW / max(trial.largest_sum, 1.0))
    return replace(codes, entries=in_eight_bits(joined * per_one), unit=1 / per_one)


def in_eight_bits(numbers: NDArray[np.float64]) -> NDArray[np.int16]:
    """Round to whole numbers of eight significant bits, which bfloat16 represents; the sign is a ninth."""
    return torch.from_numpy(np.rint(numbers)).bfloat16().to(torch.int16).numpy()


def _mean_cosine(blocks: Tensor, codes: BlockCodes) -> float:
    """Return the mean cosine of the projected features in some blocks and their codes."""
    some = blocks[:: max(1, len(blocks) // _CHECKED_BLOCKS)]
    if not some.numel():
        return 1.0
    # As the only column of blocks of a picture.
    column = replace(codes, grid=(len(some) * codes.side, codes.side))
    features = some.reshape(-1, some.shape[-1])
    restored = np.empty(features.shape, np.int8)
    column.decode(column.encode(features).numpy(), restored)
    cosines = (column.project(features) * as_features(torch.from_numpy(restored))).sum(dim=1, dtype=torch.float64)
    return min(1.0, float(cosines.mean()))
