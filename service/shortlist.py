"""Which pictures of a map come into question for a query: the nearest global features, and what a prior leaves."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from place_map.evidence import Ranking
from place_map.reader import PlaceMap
from place_map.searching import Searcher, nearest_of
from service.errors import DeadlineExceeded
from service.query_options import QueryOptions

# Rows of a prior's circle that are compared at a time: 32 MB of float64 at D = 1024.
_EXACT_ROWS = 4096

_NO_ROWS = np.empty(0, dtype=np.int64)


def find_shortlist(
    searcher: Searcher,
    place_map: PlaceMap,
    query: Tensor,
    options: QueryOptions,
    without: NDArray[np.int64],
    is_wanted: Callable[[], bool],
) -> Ranking:
    """Return the nearest pictures, by distance; with a prior those that agree with it, and then rivals.

    Args:
        searcher: Of the map's index.
        place_map: The map.
        query: ``(1, D)`` global features of one picture, on any device.
        options: What is asked.
        without: ``(m,)`` rows that may not be the answer.
        is_wanted: Whether somebody still waits for the query.

    Returns:
        Without mutual matches.

    Raises:
        DeadlineExceeded: Nobody waits for it any more.
    """
    count = options.shortlist
    if options.prior is None:
        return Ranking(*_nearest(searcher, query, count, without), _NO_ROWS)
    agreeing = np.setdiff1d(options.prior.rows(place_map.places), without)
    rows, distances = _nearest_of(place_map, query, agreeing, count, is_wanted)
    if not 0 < len(rows) < count:
        return Ranking(rows, distances, _NO_ROWS)
    rivals, rival_distances = _nearest(searcher, query, count - len(rows), np.concatenate([rows, without]))
    return Ranking(np.concatenate([rows, rivals]), np.concatenate([distances, rival_distances]), _NO_ROWS, len(rivals))


def check_wanted(is_wanted: Callable[[], bool]) -> None:
    """Give a query up once nobody waits for it.

    Raises:
        DeadlineExceeded: That is so.
    """
    if not is_wanted():
        raise DeadlineExceeded("nobody waits for this query any more; it was given up")


def _nearest(
    searcher: Searcher, query: Tensor, count: int, without: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return rows and distances ``(k,)`` of the nearest global features, without some rows."""
    found = searcher.search(query, count + len(without))
    is_allowed = ~np.isin(found.rows[0], without)
    return found.rows[0][is_allowed][:count], found.distances[0][is_allowed][:count]


def _nearest_of(
    place_map: PlaceMap, query: Tensor, rows: NDArray[np.int64], count: int, is_wanted: Callable[[], bool]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the same of some rows, all of which are looked at; so many at a time that memory holds them."""
    vector: NDArray[np.float32] = query[0].detach().to("cpu", torch.float32).numpy()
    best, distances = _NO_ROWS, np.empty(0, dtype=np.float32)
    for start in range(0, len(rows), _EXACT_ROWS):
        check_wanted(is_wanted)
        these = np.concatenate([best, rows[start : start + _EXACT_ROWS]])
        distances, best = nearest_of(place_map, vector, these, count)
    return best, distances
