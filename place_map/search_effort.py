"""How hard an index looks: set when it is opened, so that an older map gains by what was learned after it was built.

An approximate index has a dial of its own kind: how many of its lists are looked into, how many pictures a graph walks
through. faiss leaves them at values for a few hits (one list, 16 pictures), where a shortlist wants a hundred. Whatever
is proposed is ordered by exact distance afterwards (``searching``): so an index whose codes are coarse is asked for
more than is wanted, and no code has to be exact.

The values are those of docs/decisions/0012-which-index.md.
"""

from typing import Any

GRAPH_CANDIDATES = 1024
"""HNSW: pictures that are kept in sight while the graph is walked (``efSearch``)."""

REFINED_PER_HIT = 8
"""``…,RFlat``: candidates whose distances the index computes again, for each that is asked for (``k_factor``)."""

PROPOSALS_BY_BITS = ((16, 1.0), (8, 1.5), (4, 4.0), (0, 16.0))
"""Bits of a number, at least → rows that are asked for, for each that is wanted. Most maps store 16 bits."""

LEAST_LISTS = 16
"""Inverted lists that are looked into at least (``nprobe``)."""

SHARE_OF_LISTS = 1 / 2
"""Share of the inverted lists that is looked into. Large, because a query is far from what it has to find: another
season, another hour. Its neighbours are strewn over so many lists that a quarter of these holds 96 or 98 of 100."""

_PARALLEL_OVER_LISTS = 1  # a query comes alone, as a rule; over queries (0), it would be answered by one thread


def set_effort(faiss: Any, index: Any) -> None:
    """Turns the dials of an approximate index; an exhaustive one has none.

    Args:
        faiss: The module, which only ``global_index`` loads.
        index: Of faiss; changed.
    """
    if isinstance(index, faiss.IndexRefine):
        index.k_factor = REFINED_PER_HIT
    inner = _innermost(faiss, index)
    if isinstance(inner, faiss.IndexIVF):
        inner.nprobe = min(inner.nlist, max(LEAST_LISTS, round(inner.nlist * SHARE_OF_LISTS)))
        inner.parallel_mode = _PARALLEL_OVER_LISTS
        inner = faiss.downcast_index(inner.quantizer)  # which may be a graph itself
    if isinstance(inner, faiss.IndexHNSW):
        inner.hnsw.efSearch = GRAPH_CANDIDATES


def proposals_per_hit(faiss: Any, index: Any) -> float:
    """How many rows to ask an index for, for each that is wanted, by the bits that it spends on a number."""
    if isinstance(index, faiss.IndexRefine):
        return proposals_per_hit(faiss, faiss.downcast_index(index.refine_index))
    inner = _innermost(faiss, index)
    if isinstance(inner, faiss.IndexHNSW):
        inner = faiss.downcast_index(inner.storage)
    bits = 8 * getattr(inner, "code_size", 4 * index.d) / index.d
    return next(factor for least, factor in PROPOSALS_BY_BITS if bits >= least)


def _innermost(faiss: Any, index: Any) -> Any:
    """The index below refinements, rotations (``OPQ…``) and numberings."""
    while True:
        if isinstance(index, faiss.IndexRefine):
            index = index.base_index
        elif isinstance(index, (faiss.IndexPreTransform, faiss.IndexIDMap)):
            index = index.index
        else:
            return index
        index = faiss.downcast_index(index)
