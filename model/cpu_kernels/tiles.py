"""The instructions of a processor that the kernels use, and the number of scores in its registers."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

NumberType = Literal["int16", "int8"]


@dataclass(frozen=True)
class Tile:
    """Describe a block of scores in registers: cells of the candidate down, cells of the query across.

    Attributes:
        instructions: The instruction set, in words.
        needs: The features of the processor that it needs, by LLVM's names.
        multiply_add: LLVM's name of the instruction that multiplies pairs of 16 bits and adds the two products.
        lanes: The 32-bit numbers in a register.
        vectors: The registers across; ``lanes · vectors`` cells of the query, at most 64.
        rows: The cells of the candidate.
        numbers: The type of the candidate's numbers.
        channels_together: The number of channels is a multiple of it.
    """

    instructions: str
    needs: frozenset[str]
    multiply_add: str
    lanes: int
    vectors: int
    rows: int
    numbers: NumberType = "int16"
    channels_together: int = 8

    @property
    def columns(self) -> int:
        """Return the number of cells of the query."""
        return self.lanes * self.vectors

    def arranged(self, query: NDArray[np.int16]) -> NDArray[np.int32]:
        """Return a query in the order in which ``nearest_int16`` reads it.

        Args:
            query: ``(panels · columns, C)``.

        Returns:
            ``(panels, C / 2, columns)`` int32, not contiguous; a number is a pair of channels.
        """
        pairs = query.view(np.int32).reshape(-1, self.columns, query.shape[1] // 2)
        return pairs.swapaxes(1, 2)


@dataclass(frozen=True)
class AmxTile:
    """Describe the scores of codes that AMX sums in its tile registers; the query has 16 bits, in two products.

    Attributes:
        is_plain: Whether loops over memory stand for the instructions, so that any processor can run the kernel.
        instructions, needs, rows, columns, numbers, channels_together: The same as of ``Tile``.
    """

    is_plain: bool = False
    instructions = "AMX"
    needs = frozenset({"amx-tile", "amx-int8", "amx-bf16"})  # codes are multiplied in int8, attention in bfloat16
    rows = 16
    columns = 64
    numbers: ClassVar[NumberType] = "int8"
    channels_together = 64

    def arranged(self, query: NDArray[np.int16]) -> NDArray[np.int32]:
        """Return a query in the order in which ``nearest_int8`` reads it.

        A number of 16 bits is 256 times its high byte, signed, plus its low byte, unsigned. Four channels in a row of
        a tile stand side by side, as the instructions multiply them.

        Args:
            query: ``(panels · 64, C)``.

        Returns:
            ``(panels, 2 halves, C / 64, 2 tiles, 2 bytes, 16 fours of channels, 16 cells)`` int32, not contiguous; a
            number is four channels, and the low bytes are first.
        """
        steps = query.shape[1] // self.channels_together
        bytes_apart = np.stack([query & 0xFF, query >> 8]).astype(np.uint8)  # (2 bytes, panels · 64, C)
        fours = bytes_apart.view(np.int32).reshape(2, -1, 2, 2, 16, steps, 16)
        return fours.transpose(1, 2, 5, 3, 0, 6, 4)


AnyTile: TypeAlias = Tile | AmxTile

# 24 of 32 registers hold scores, 4 the query and 1 the candidate; with 16 registers it is 12, 2 and 1. LLVM joins the
# multiplication and the following sum into one instruction (VNNI) if the processor has it.
TILES = (
    Tile("AVX-512", frozenset({"avx512f", "avx512bw"}), "llvm.x86.avx512.pmaddw.d.512", lanes=16, vectors=4, rows=6),
    Tile("AVX2", frozenset({"avx2", "fma", "f16c"}), "llvm.x86.avx2.pmadd.wd", lanes=8, vectors=2, rows=6),
)


def kernel_name(tile: AnyTile) -> str:
    """Return the name of a tile's kernel, its instructions and numbers: ``avx-512-int16``, …"""
    return f"{tile.instructions}-{tile.numbers}".lower()


def best_tile(features: Collection[str]) -> Tile | None:
    """Return the first tile that a processor supports; None if it supports none.

    Args:
        features: The features of the processor, by LLVM's names.
    """
    return next((tile for tile in TILES if tile.needs <= frozenset(features)), None)
