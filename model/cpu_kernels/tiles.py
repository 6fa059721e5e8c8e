"""The instructions of a processor that the kernels use, and the number of scores in its registers."""

from collections.abc import Collection
from dataclasses import dataclass


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
    """

    instructions: str
    needs: frozenset[str]
    multiply_add: str
    lanes: int
    vectors: int
    rows: int

    @property
    def columns(self) -> int:
        """Return the number of cells of the query."""
        return self.lanes * self.vectors


# 24 of 32 registers hold scores, 4 the query and 1 the candidate; with 16 registers it is 12, 2 and 1. LLVM joins the
# multiplication and the following sum into one instruction (VNNI) if the processor has it.
TILES = (
    Tile("AVX-512", frozenset({"avx512f", "avx512bw"}), "llvm.x86.avx512.pmaddw.d.512", lanes=16, vectors=4, rows=6),
    Tile("AVX2", frozenset({"avx2", "fma", "f16c"}), "llvm.x86.avx2.pmadd.wd", lanes=8, vectors=2, rows=6),
)


def best_tile(features: Collection[str]) -> Tile | None:
    """Return the first tile that a processor supports; None if it supports none.

    Args:
        features: The features of the processor, by LLVM's names.
    """
    return next((tile for tile in TILES if tile.needs <= frozenset(features)), None)
