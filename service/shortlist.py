"""Find the pictures of a map that may answer a query: the nearest global features, limited by a prior."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from place_map.evidence import Ranking
from place_map.reader import PlaceMap
from place_map.searching import Searcher, nearest_of
from service.errors import DeadlineExceeded
from service.query_options import QueryOptions

# The number of rows in a prior's circle that are compared at a time: 32 MB of float64 at D = 1024.
_EXACT_ROWS = 4096

NO_ROWS = np.empty(0, dtype=np.int64)
NO_SCORES = np.empty(0, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Nearest:
    """List pictures by their global distance to a query, the nearest first; at the same distance the lower row first.

    Attributes:
        rows: ``(k,)`` int64, rows of the map.
        distances: ``(k,)`` float32, Euclidean.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.float32]


NOTHING = Nearest(NO_ROWS, np.empty(0, dtype=np.float32))


@dataclass(frozen=True, slots=True)
class Shortlist:
    """Hold the candidates of a query in a map, or in a part of one.

    Attributes:
        answers: The pictures that may be the answer.
        rivals: The nearest of the pictures that a prior excludes, only to compare with; none if the answers fill the
            shortlist.
    """

    answers: Nearest
    rivals: Nearest = NOTHING

    @property
    def ranking(self) -> Ranking:
        """Return the candidates by distance, rivals after answers, without scores; none without an answer."""
        answers, rivals = self.answers, self.rivals if len(self.answers.rows) else NOTHING
        rows = np.concatenate([answers.rows, rivals.rows])
        return Ranking(rows, np.concatenate([answers.distances, rivals.distances]), NO_SCORES, len(rivals.rows))


def find_shortlist(
    searcher: Searcher,
    place_map: PlaceMap,
    query: Tensor,
    options: QueryOptions,
    without: NDArray[np.int64],
    is_wanted: Callable[[], bool],
) -> Shortlist:
    """Return the nearest pictures; with a prior those that agree with it, and rivals.

    Args:
        searcher: The searcher of the map's index.
        place_map: The map.
        query: ``(1, D)`` global features of one picture, on any device.
        options: The number of candidates, and the prior.
        without: ``(m,)`` rows that may not be the answer.
        is_wanted: A function that tells whether somebody still waits for the query.

    Raises:
        DeadlineExceeded: Nobody waits for the query any more.
    """
    count = options.shortlist
    if options.prior is None:
        return Shortlist(_nearest(searcher, query, count, without))
    agreeing = np.setdiff1d(options.prior.rows(place_map.places), without)
    answers = _nearest_of(place_map, query, agreeing, count, is_wanted)
    if len(answers.rows) == count:
        return Shortlist(answers)
    others = np.concatenate([answers.rows, without])
    return Shortlist(answers, _nearest(searcher, query, count - len(answers.rows), others))


def merge_shortlists(parts: Sequence[Shortlist], count: int) -> Shortlist:
    """Return the shortlist of a map from the shortlists of its parts: the result of ``find_shortlist`` in all of it.

    Each part names its ``count`` nearest, so none of the map's is missing. Distances do not depend on who computes them
    (``place_map.searching``), and ties are ordered by row.

    Args:
        parts: The shortlist of each part, for the same query; no row is in two of them.
        count: The number of candidates.
    """
    answers = _first([part.answers for part in parts], count)
    return Shortlist(answers, _first([part.rivals for part in parts], count - len(answers.rows)))


def check_wanted(is_wanted: Callable[[], bool]) -> None:
    """Stop a query once nobody waits for it.

    Raises:
        DeadlineExceeded: Nobody waits for the query any more.
    """
    if not is_wanted():
        raise DeadlineExceeded("nobody waits for this query any more; it was stopped")


def _first(parts: Sequence[Nearest], count: int) -> Nearest:
    """Return the ``count`` nearest of several lists."""
    rows = np.concatenate([part.rows for part in parts])
    distances = np.concatenate([part.distances for part in parts])
    order = np.lexsort((rows, distances))[:count]
    return Nearest(rows[order], distances[order])


def _nearest(searcher: Searcher, query: Tensor, count: int, without: NDArray[np.int64]) -> Nearest:
    """Return the nearest global features, without some rows."""
    found = searcher.search(query, count + len(without))
    is_allowed = ~np.isin(found.rows[0], without)
    return Nearest(found.rows[0][is_allowed][:count], found.distances[0][is_allowed][:count])


def _nearest_of(
    place_map: PlaceMap, query: Tensor, rows: NDArray[np.int64], count: int, is_wanted: Callable[[], bool]
) -> Nearest:
    """Return the nearest of some rows; all are compared, in parts that memory holds."""
    vector: NDArray[np.float32] = query[0].detach().to("cpu", torch.float32).numpy()
    best = NOTHING
    for start in range(0, len(rows), _EXACT_ROWS):
        check_wanted(is_wanted)
        these = np.concatenate([best.rows, rows[start : start + _EXACT_ROWS]])
        distances, nearest = nearest_of(place_map, vector, these, count)
        best = Nearest(nearest, distances)
    return best
