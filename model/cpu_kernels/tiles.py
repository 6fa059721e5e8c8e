"""Which instructions of a processor the kernels use, and how many scores they hold in its registers."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Tile:
    """A block of scores that lives in registers: cells of the candidate down, cells of the query across.

    Attributes:
        instructions: What it is made of, in words.
        needs: Features of the processor, as LLVM names them.
        multiply_add: LLVM's name of the instruction that multiplies pairs of 16 bits and adds the two products.
        lanes: 32-bit numbers in a register.
        vectors: Registers across; ``lanes · vectors`` cells of the query, at most 64.
        rows: Cells of the candidate.
    """

    instructions: str
    needs: frozenset[str]
    multiply_add: str
    lanes: int
    vectors: int
    rows: int

    @property
    def columns(self) -> int:
        """Cells of the query."""
        return self.lanes * self.vectors


# Of 32 registers 24 hold scores, 4 the query and 1 the candidate; of 16 it is 12, 2 and 1. LLVM makes one instruction
# (VNNI) of the multiplication and the sum that follows it, where the processor has that.
TILES = (
    Tile("AVX-512", frozenset({"avx512f", "avx512bw"}), "llvm.x86.avx512.pmaddw.d.512", lanes=16, vectors=4, rows=6),
    Tile("AVX2", frozenset({"avx2", "fma", "f16c"}), "llvm.x86.avx2.pmadd.wd", lanes=8, vectors=2, rows=6),
)


def best_tile(features: Collection[str]) -> Tile | None:
    """The first tile for which a processor has all that is needed; None where there is none.

    Args:
        features: Of the processor, as LLVM names them.
    """
    return next((tile for tile in TILES if tile.needs <= frozenset(features)), None)
