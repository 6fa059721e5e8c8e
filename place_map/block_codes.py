"""Codes of blocks of local features, by a codebook that is learned for a map: a byte stands for 8 to 32 numbers.

Neighbouring cells are much alike: SelaVPR computes 61 × 61 of them from 16 × 16 tokens. Therefore 4 × 4 cells are coded
together. The numbers of a block are multiplied by *axes*, the principal axes of many blocks. A few products describe
nearly all of the block. A byte names the *entry* of the codebook that is nearest to some of these products: a single
product if it varies much, many if they vary little. (Transform coding, Huang and Schultheiss, Block Quantization of
Correlated Gaussian Random Variables, 1963, with vectors in place of single products.)

Axes, entries and rounded features are whole numbers, and their sums stay below 2^24. float32 adds these numbers
without an error in any order. So products and read codes are the same on every processor, with any number of threads
and in any batch. The nearest entry is chosen in float64: only between two that are equally near to fifteen digits could
processors differ.

``place_map.code_learning`` learns codebooks.
"""

import logging
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from place_map.block_reading import BlockReader, block_readers
from place_map.entry_finder import EntryFinder

ENTRIES: Final = 256
LARGEST_CODE: Final = 127
LARGEST_SIDE: Final = 4

AXIS_ONE: Final = 2048
"""The whole number that stands for 1 in an axis."""

FEATURE_ONE: Final = 1800
"""The whole number that stands for 1 in a feature: 4 × 1800 × 2048, the greatest product of a block and an axis, stays
below 2^24, with room for their rounding."""

EXACT_BELOW: Final = 2**24
"""float32 represents all whole numbers up to this one."""

_SEED_OF_TRIAL: Final = 0
_log = logging.getLogger("placefix.place_map")


@dataclass(frozen=True, eq=False)
class BlockCodes:
    """Hold a codebook for features on a grid of cells.

    Attributes:
        grid: Rows and columns of cells, N in all.
        side: The rows and the columns of cells in a block.
        axes: ``(K, side · side · C)`` int16, orthogonal in units of ``AXIS_ONE``.
        widths: The number of axes of each byte, one after the other; their sum is K.
        entries: ``(K, 256)`` int16, for each axis the number that a value of its byte stands for.
        unit: The product of a block and an axis for which an entry of 1 stands.
        cosine: The mean cosine between a projected feature of the sample and its codes, in (0, 1].
    """

    grid: tuple[int, int]
    side: int
    axes: NDArray[np.int16]
    widths: tuple[int, ...]
    entries: NDArray[np.int16]
    unit: float
    cosine: float

    @property
    def blocks(self) -> int:
        """Return the number of blocks of a picture; the last row and column of cells fill up incomplete ones."""
        return count_blocks(self.grid, self.side)

    @property
    def width(self) -> int:
        """Return the bytes of a block."""
        return len(self.widths)

    @property
    def largest_sum(self) -> float:
        """Return a bound on all sums of products of entries and axes: the greatest length of the entries of a block,
        times the greatest length of a column of axes.
        """
        of_bytes = np.split(np.square(self.entries.astype(np.float64)), np.cumsum(self.widths, dtype=np.int64)[:-1])
        longest = sum(float(part.sum(axis=0).max(initial=0)) for part in of_bytes)
        columns = np.square(self.axes.astype(np.float64)).sum(axis=0)
        return float(np.sqrt(longest * columns.max(initial=0)))

    def cut(self, cells: Tensor) -> Tensor:
        """See ``cut_blocks``."""
        return cut_blocks(cells, self.grid, self.side)

    def join(self, blocks: Tensor) -> Tensor:
        """Return the values ``(N, X)`` of all cells in blocks ``(blocks, side · side, X)``."""
        return blocks.reshape(self.blocks * self.side**2, blocks.shape[-1])[self._places]

    def encode(self, features: Tensor) -> Tensor:
        """Return the nearest entries of features.

        Args:
            features: ``(…, N, C)`` float32 of length 1.

        Returns:
            ``(…, blocks, width)`` uint8, on the same device.
        """
        nearest = np.empty((*features.shape[:-2], self.blocks, self.width), np.uint8)
        if not nearest.size:
            return torch.from_numpy(nearest).to(features.device)
        pictures = features.reshape(-1, *features.shape[-2:]), nearest.reshape(-1, self.blocks, self.width)
        for picture, of_picture in zip(*pictures, strict=True):
            products = self.products(picture).cpu()
            if self._finder is None:
                self.find_plainly(products, of_picture)
            else:
                self._finder.find(products, of_picture)
        return torch.from_numpy(nearest).to(features.device)

    def find_plainly(self, products: Tensor, nearest: NDArray[np.uint8]) -> None:
        """Write the same entries as ``encode``, in steps of torch.

        Args:
            products: ``(blocks, K)`` float32, on the CPU.
            nearest: ``(blocks, width)``; the result is written to it.
        """
        of_bytes = torch.split(products.double(), list(self.widths), dim=1)
        for place, (of_byte, (entries, half_squares)) in enumerate(zip(of_bytes, self._targets, strict=True)):
            # The nearest entry has the greatest product less half of its squared length. NumPy takes the first of
            # equal ones.
            scores = torch.addmm(half_squares, of_byte, entries, beta=-1)
            nearest[:, place] = scores.numpy().argmax(axis=1)

    def products(self, features: Tensor) -> Tensor:
        """Return the products of all blocks of a picture and all axes.

        Args:
            features: ``(N, C)`` float32 of length 1.

        Returns:
            ``(blocks, K)`` float32, whole numbers in units of 1 / (``AXIS_ONE`` · ``FEATURE_ONE``).
        """
        whole = self.cut((features * FEATURE_ONE).round_()).flatten(1)
        return whole @ self._axes_on(whole.device).T

    def project(self, features: Tensor) -> Tensor:
        """Return the part of the features of a picture that the axes describe.

        A query is compared in this form. Codes lack all else, which would be noise in the comparison: it changes which
        cell of the query is nearest.

        Args:
            features: ``(N, C)`` float32.

        Returns:
            ``(N, C)`` float32 of length 1, on the same device.
        """
        axes = self._axes_on(features.device)
        blocks = self.cut(features).flatten(1) @ axes.T @ axes
        return normalize(self.join(blocks.view(self.blocks, self.side**2, features.shape[1])), dim=-1)

    def decode(self, stored: NDArray[np.uint8], out: NDArray[np.int8]) -> None:
        """Write the codes of stored features: the largest of a feature becomes 127 or -127.

        Args:
            stored: ``(…, blocks, width)``.
            out: ``(…, N, C)``, contiguous; the result is written to it.
        """
        if not out.size:
            return
        if self._reader is None:
            self.decode_plainly(stored, out)
        else:
            codes = out.reshape(-1, *out.shape[-2:])  # a view, because ``out`` is contiguous
            self._reader.read(np.ascontiguousarray(stored.reshape(-1, self.blocks, self.width)), codes)

    def decode_plainly(self, stored: NDArray[np.uint8], out: NDArray[np.int8]) -> None:
        """Write the same codes as ``decode``, in steps of torch."""
        pictures = stored.reshape(-1, self.blocks, self.width)
        for picture, codes in zip(pictures, torch.from_numpy(out).view(-1, *out.shape[-2:]), strict=True):
            of_axes = np.ascontiguousarray(picture.T)[self._byte_of_axis].astype(np.int64)
            products = self._entries.gather(1, torch.from_numpy(of_axes))
            features = (products.T @ self._axes_on(products.device)).view(self.blocks, self.side**2, -1)
            largest = features.abs().amax(dim=2, keepdim=True).clamp_(min=1)
            # Torch would compute a number divided by a tensor by its reciprocal, which rounds twice.
            factors = torch.full_like(largest, LARGEST_CODE).div_(largest)
            codes.copy_(self.join(features.mul_(factors).round_().to(torch.int8)))

    @cached_property
    def _places(self) -> Tensor:
        """Return the first place of each cell, ``(N,)``."""
        return torch.from_numpy(np.unique(_cells_of_blocks(self.grid, self.side).numpy(), return_index=True)[1])

    @cached_property
    def _reader(self) -> BlockReader | None:
        """Return the fastest reader that reads a picture of random bytes as ``decode_plainly`` does."""
        cell_of_place = np.full(self.blocks * self.side**2, -1, np.int32)
        cell_of_place[self._places.numpy()] = np.arange(len(self._places))
        trial = np.random.default_rng(_SEED_OF_TRIAL).integers(0, ENTRIES, (1, self.blocks, self.width), np.uint8)
        expected = np.empty((1, len(self._places), self.axes.shape[1] // self.side**2), np.int8)
        for reader in block_readers(self.axes, self.entries, self.widths, cell_of_place.reshape(self.blocks, -1)):
            self.decode_plainly(trial, expected)
            found = np.zeros_like(expected)
            reader.read(trial, found)
            if np.array_equal(found, expected):
                return reader
            wrong = np.count_nonzero(found != expected)
            _log.warning("%s reads %d of %d codes of a trial wrongly", reader.instructions, wrong, found.size)
        return None

    @cached_property
    def _finder(self) -> EntryFinder | None:
        return EntryFinder.of(self._targets)

    def _axes_on(self, device: torch.device) -> Tensor:
        if device not in self._axes:
            self._axes[device] = torch.from_numpy(self.axes).float().to(device)
        return self._axes[device]

    @cached_property
    def _axes(self) -> dict[torch.device, Tensor]:
        return {}

    @cached_property
    def _entries(self) -> Tensor:
        return torch.from_numpy(self.entries).float()

    @cached_property
    def _byte_of_axis(self) -> NDArray[np.intp]:
        return np.repeat(np.arange(self.width), self.widths)

    @cached_property
    def _targets(self) -> list[tuple[Tensor, Tensor]]:
        """Return for each byte its entries ``(axes, 256)`` in the unit of ``products``, and half of their squares."""
        entries = torch.from_numpy(self.entries).double() * (self.unit * AXIS_ONE * FEATURE_ONE)
        return [(part, part.square().sum(dim=0) / 2) for part in torch.split(entries, list(self.widths))]


def cut_blocks(cells: Tensor, grid: tuple[int, int], side: int) -> Tensor:
    """Cut the values of the cells of a picture into blocks; repeat the last row and column to complete the last ones.

    Args:
        cells: ``(N, X)``.
        grid: Rows and columns of cells, N in all.
        side: The rows and the columns of cells in a block.

    Returns:
        ``(blocks, side · side, X)``.
    """
    of_blocks = _cells_of_blocks(grid, side).to(cells.device)
    return cells[of_blocks].view(count_blocks(grid, side), side**2, cells.shape[-1])


def count_blocks(grid: tuple[int, int], side: int) -> int:
    """Return the number of blocks of ``side`` × ``side`` cells that cover a grid."""
    return _upwards(grid[0], side) * _upwards(grid[1], side)


@lru_cache
def _cells_of_blocks(grid: tuple[int, int], side: int) -> Tensor:
    """Return the cell at each place of each block, ``(blocks · side · side,)``."""
    rows, columns = (np.minimum(np.arange(_upwards(cells, side) * side), cells - 1).reshape(-1, side) for cells in grid)
    return torch.from_numpy((rows[:, None, :, None] * grid[1] + columns[None, :, None, :]).ravel())


def _upwards(cells: int, side: int) -> int:
    return -(-cells // side)
