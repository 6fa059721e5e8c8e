"""Two-stage retrieval in plain torch: the reference for every faster path."""

from dataclasses import dataclass

from torch import Tensor

from model.errors import InvalidInput
from model.features import Features
from model.matching import count_mutual_matches


@dataclass(frozen=True)
class Ranking:
    """Hold the candidates of one query, best first.

    Attributes:
        rows: ``(k,)`` int64, rows of the database.
        global_distances: ``(k,)`` float32, Euclidean distance of the global features.
        mutual_matches: ``(k,)`` int64, or None if candidates were not re-ranked.
    """

    rows: Tensor
    global_distances: Tensor
    mutual_matches: Tensor | None


def retrieve(
    query: Features, database: Features, shortlist: int, *, rerank: bool = True, floor: float | None = None
) -> Ranking:
    """Find a query in a database: the nearest global features, re-ranked by mutual matches of the local ones.

    Equal distances keep the order of the database; equal counts keep the order of the global distance. A shortlist
    longer than the database is the whole database.

    Args:
        query: Features of one picture.
        database: Features of n pictures, on the same device.
        shortlist: The number of nearest global features to keep.
        rerank: Whether to re-rank them.
        floor: The least cosine of a mutual match that counts, in [-1, 1]; None counts all.

    Raises:
        InvalidInput: There is not exactly one query, the shortlist is below 1, or the floor is out of range.
    """
    if len(query) != 1:
        raise InvalidInput(f"retrieval is for one query at a time, not {len(query)}")
    if shortlist < 1:
        raise InvalidInput(f"a shortlist of {shortlist} is empty; it must be at least 1")
    distances = (database.global_features - query.global_features).norm(dim=1)  # (n,)
    rows = distances.argsort(stable=True)[:shortlist]
    if not rerank:
        return Ranking(rows, distances[rows], None)
    counts = count_mutual_matches(query.local_features[0], database.local_features[rows], floor=floor)
    order = counts.argsort(descending=True, stable=True)
    return Ranking(rows[order], distances[rows[order]], counts[order])
