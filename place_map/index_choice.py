"""Which index a map gets when it is left to the builder: ``--index auto``.

``Flat`` compares a query with every picture: nothing is missed, and it needs no training. It costs the memory of all
vectors in float32, and the time of reading them. ``SQfp16`` does the same with half of that, since a map stores
float16; only a GPU does not take it over. ``PQ…x4fs`` has 4 bits a number, an eighth of ``Flat``, and a query reads
them all; what they propose is ordered by exact distance. docs/decisions/0012-which-index.md reasons the thresholds.
"""

from dataclasses import dataclass

AUTO = "auto"

MOST_FLAT_BYTES = 100_000_000
"""Up to this size nobody feels the memory of ``Flat``, nor the time."""

MOST_EXACT_BYTES = 1_000_000_000
"""Up to this size of ``Flat``, reading half of it for each query is felt little, beside encoding and re-ranking."""


@dataclass(frozen=True)
class IndexChoice:
    """An index, and why.

    Attributes:
        factory: A string of faiss's ``index_factory``; the manifest keeps it.
        reason: For people.
    """

    factory: str
    reason: str


def choose_index(pictures: int, width: int) -> IndexChoice:
    """The index for a collection.

    Args:
        pictures: How many it is to hold, at most.
        width: Width of the global features.
    """
    flat_bytes = 4 * pictures * width
    size = f"{pictures:,} pictures of width {width} are {flat_bytes / 1e6:,.0f} MB in float32"
    if flat_bytes <= MOST_FLAT_BYTES:
        return IndexChoice("Flat", f"{size}, which is little: exact")
    if flat_bytes <= MOST_EXACT_BYTES:
        return IndexChoice("SQfp16", f"{size}: exact too in float16, with half the memory")
    return IndexChoice(f"PQ{width}x4fs", f"{size}: codes of an eighth of that, and exact distances afterwards")
