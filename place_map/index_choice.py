"""The choice of an index for ``--index auto``.

``Flat`` compares a query with every picture: it misses nothing and needs no training. It takes the memory of all
vectors in float32, and each query reads them. ``SQfp16`` does the same in half the memory, because a map stores
float16; only a GPU does not support it. ``PQ…x4fs`` has 4 bits per number, an eighth of ``Flat``, and a query reads
them all; its proposals are ordered by exact distance. docs/decisions/0012-which-index.md explains the thresholds.

``--index binary`` has one bit per number and eight bytes more: RaBitQ (Gao and Long, SIGMOD 2024), the signs of a
randomly rotated vector with two numbers that correct its distances.
"""

from dataclasses import dataclass

AUTO, BINARY = "auto", "binary"

MOST_FLAT_BYTES = 100_000_000
"""Up to this size the memory and the time of ``Flat`` do not matter."""

MOST_EXACT_BYTES = 1_000_000_000
"""Up to this size of ``Flat``, reading half of it for each query takes little time compared with encoding and
re-ranking.
"""


@dataclass(frozen=True)
class IndexChoice:
    """Hold an index and the reason for it.

    Attributes:
        factory: A string of faiss's ``index_factory``; the manifest keeps it.
        reason: A phrase for people.
    """

    factory: str
    reason: str


def factory_named(index: str, width: int) -> str:
    """Return the string of faiss's ``index_factory`` for ``binary``; every other index but ``auto`` is one itself."""
    return f"RR{width},RaBitQfs" if index == BINARY else index


def choose_index(pictures: int, width: int) -> IndexChoice:
    """Choose the index for a collection.

    Args:
        pictures: The greatest number of pictures in it.
        width: Width of the global features.
    """
    flat_bytes = 4 * pictures * width
    size = f"{pictures:,} pictures of width {width} are {flat_bytes / 1e6:,.0f} MB in float32"
    if flat_bytes <= MOST_FLAT_BYTES:
        return IndexChoice("Flat", f"{size}, which is little: exact")
    if flat_bytes <= MOST_EXACT_BYTES:
        return IndexChoice("SQfp16", f"{size}: exact too in float16, with half the memory")
    return IndexChoice(f"PQ{width}x4fs", f"{size}: codes of an eighth of that, and exact distances afterwards")
