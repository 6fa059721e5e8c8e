"""The memory that the kernels for the CPU read and write: a query, and a candidate with its nearest cells."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

if TYPE_CHECKING:  # LLVM may be missing and is loaded with the first match
    from model.cpu_kernels.compiled import Kernels
    from model.cpu_kernels.rounding import FeatureType
    from model.cpu_kernels.tiles import AnyTile


@dataclass(frozen=True)
class Panels:
    """Hold a query in the layout that the kernel reads.

    Attributes:
        numbers: ``(panels, columns · C / 2)`` int32, as the tile arranges them. Copies of the first cell fill up the
            last panel.
        squares: ``(panels · columns,)`` int32, the squared length of each cell.
    """

    numbers: Tensor
    squares: Tensor

    @classmethod
    def of(cls, query: Tensor, kernels: "Kernels", kind: "FeatureType") -> Self:
        """Round ``(L, C)`` float32, for candidates of a type."""
        tile = kernels.tiles[kind]
        cells = _filled_up(len(query), tile.columns)
        numbers = torch.empty(cells, query.shape[1], dtype=torch.int16)
        kernels.read["float32"](query.data_ptr(), *query.shape, numbers.data_ptr())
        numbers[len(query) :] = numbers[0]  # if scores are equal the first wins, so a copy never wins
        squares = torch.empty(cells, dtype=torch.int32)  # like scores, squared lengths fit into 32 bits
        kernels.squares(numbers.data_ptr(), *numbers.shape, squares.data_ptr())
        panels = torch.empty(cells // tile.columns, tile.columns * query.shape[1] // 2, dtype=torch.int32)
        kernels.arrange[kind](numbers.data_ptr(), len(panels), query.shape[1], panels.data_ptr())
        return cls(panels, squares)

    def shares(self, count: int) -> "list[Panels]":
        """Return the query in parts of nearly equal size, one after the other, at most ``count`` of them."""
        number = min(count, len(self.numbers))
        squares = self.squares.view(len(self.numbers), -1)
        parts = zip(self.numbers.tensor_split(number), squares.tensor_split(number), strict=True)
        return [Panels(numbers, squares.flatten()) for numbers, squares in parts]

    @property
    def arguments(self) -> tuple[int, int]:
        """Return the arguments of the kernels: the address and the number of panels."""
        return self.numbers.data_ptr(), len(self.numbers)


@dataclass(frozen=True)
class Memory:
    """Hold the memory of one thread: 1 MB for 3721 cells of 128 channels.

    Tensors begin where a line of the cache begins; the rows of the numbers should.

    Attributes:
        numbers: ``(rows, C)`` int16 or int8, a candidate in the form that the kernel reads; at least M rows.
        squares: ``(rows,)`` int32, the squared length of each cell of the candidate.
        weights: ``(rows,)`` float32, the weight of each cell of the candidate.
        best: ``(rows,)`` int32, the score of each cell of the candidate with its nearest cell.
        nearest_query: ``(rows,)`` int32, the nearest cell of the query for each cell of the candidate.
        nearest_candidate: ``(at least L,)`` int32, the nearest cell of the candidate for each cell of the query.
    """

    numbers: Tensor
    squares: Tensor
    weights: Tensor
    best: Tensor
    nearest_query: Tensor
    nearest_candidate: Tensor

    @classmethod
    def of(cls, query: Panels, candidate: Tensor, tile: "AnyTile") -> Self:
        """Make the memory for a query and any candidate with the shape of this one, ``(M, C)``."""
        rows = _filled_up(len(candidate), tile.rows)
        return cls(
            numbers=torch.empty(rows, candidate.shape[1], dtype=getattr(torch, tile.numbers)),
            squares=torch.empty(rows, dtype=torch.int32),
            weights=torch.empty(rows),
            best=torch.empty(rows, dtype=torch.int32),
            nearest_query=torch.empty(rows, dtype=torch.int32),
            nearest_candidate=torch.empty(len(query.squares), dtype=torch.int32),
        )

    @property
    def arguments(self) -> tuple[int, ...]:
        """Return the addresses, in the order of the kernels' arguments."""
        return tuple(getattr(self, each.name).data_ptr() for each in fields(self))

    @classmethod
    def joined(cls, found: Sequence[Self]) -> Self:
        """Return the nearest cells of one candidate and a query, found for shares of the query one after the other."""
        best, nearest_query, columns = found[0].best, found[0].nearest_query, len(found[0].nearest_candidate)
        for each in found[1:]:
            is_nearer = each.best > best  # if scores are equal the first wins
            best = torch.where(is_nearer, each.best, best)
            nearest_query = torch.where(is_nearer, each.nearest_query + columns, nearest_query)
            columns += len(each.nearest_candidate)
        nearest_candidate = torch.cat([each.nearest_candidate for each in found])
        return replace(found[0], best=best, nearest_query=nearest_query, nearest_candidate=nearest_candidate)


def _filled_up(count: int, size: int) -> int:
    return count + -count % size
