"""The search effort of an index, set when it is opened, so that older maps use the newest values.

An approximate index has its own parameter of effort: the number of inverted lists that are searched, or the number of
pictures kept in a walk through a graph. faiss's defaults suit a few hits (one list, 16 pictures), but a shortlist needs
a hundred. All proposals are later ordered by exact distance (``searching``), so an index with coarse codes proposes
more rows than are needed, and codes need not be exact.

docs/decisions/0012-which-index.md gives the values.
"""

from typing import Any

GRAPH_CANDIDATES = 1024
"""HNSW: the number of pictures kept during the walk through the graph (``efSearch``)."""

REFINED_PER_HIT = 8
"""``…,RFlat``: the number of candidates per requested row whose distances the index computes again (``k_factor``)."""

PROPOSALS_BY_BITS = ((16, 1.0), (8, 1.5), (4, 4.0), (0, 16.0))
"""Least bits of a number → proposed rows for each row that is needed. Most maps store 16 bits."""

LEAST_LISTS = 16
"""The least number of inverted lists that are searched (``nprobe``)."""

SHARE_OF_LISTS = 1 / 2
"""The share of the inverted lists that is searched. It is large, because another season or hour moves a query away from
its neighbours: they are spread over many lists, and a quarter of the lists holds 96 or 98 of 100.
"""

_PARALLEL_OVER_LISTS = 1  # queries mostly come one at a time; parallel over queries (0), one thread would answer each


def set_effort(faiss: Any, index: Any) -> None:
    """Set the parameters of an approximate index; an exhaustive index has none.

    Args:
        faiss: The module, which only ``global_index`` imports.
        index: The index of faiss, which is changed.
    """
    if isinstance(index, faiss.IndexRefine):
        index.k_factor = REFINED_PER_HIT
    inner = _innermost(faiss, index)
    if isinstance(inner, faiss.IndexIVF):
        inner.nprobe = min(inner.nlist, max(LEAST_LISTS, round(inner.nlist * SHARE_OF_LISTS)))
        inner.parallel_mode = _PARALLEL_OVER_LISTS
        inner = faiss.downcast_index(inner.quantizer)  # it may be a graph itself
    if isinstance(inner, faiss.IndexHNSW):
        inner.hnsw.efSearch = GRAPH_CANDIDATES


def proposals_per_hit(faiss: Any, index: Any) -> float:
    """Return how many rows an index proposes for each row that is needed, by its bits per number."""
    if isinstance(index, faiss.IndexRefine):
        return proposals_per_hit(faiss, faiss.downcast_index(index.refine_index))
    inner = _innermost(faiss, index)
    if isinstance(inner, faiss.IndexHNSW):
        inner = faiss.downcast_index(inner.storage)
    bits = 8 * getattr(inner, "code_size", 4 * index.d) / index.d
    return next(factor for least, factor in PROPOSALS_BY_BITS if bits >= least)


def _innermost(faiss: Any, index: Any) -> Any:
    """Return the index below refinements, rotations (``OPQ…``) and numberings."""
    while True:
        if isinstance(index, faiss.IndexRefine):
            index = index.base_index
        elif isinstance(index, (faiss.IndexPreTransform, faiss.IndexIDMap)):
            index = index.index
        else:
            return index
        index = faiss.downcast_index(index)
