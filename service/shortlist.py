"""Find the pictures of a map that may answer a query: the nearest global features, limited by a prior."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from place_map.evidence import Ranking
from place_map.proposals import NO_PROPOSALS, Nearest, Proposals, merge_proposals, nearest_of
from place_map.reader import PlaceMap
from place_map.searching import Searcher
from service.errors import DeadlineExceeded
from service.query_options import QueryOptions

# The number of rows in a prior's circle that are compared at a time: 32 MB of float64 at D = 1024.
_EXACT_ROWS = 4096

NO_SCORES = np.empty(0, dtype=np.float64)
NOTHING = NO_PROPOSALS.nearest(0)


@dataclass(frozen=True, slots=True)
class Shortlist:
    """Hold the candidates of a query.

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


@dataclass(frozen=True, slots=True)
class ProposedShortlist:
    """Hold the pictures of a map, or of a part of one, that may be candidates of a query.

    Attributes:
        answers: The pictures that may be the answer.
        rivals: Pictures that a prior excludes; none if the answers fill the shortlist.
    """

    answers: Proposals
    rivals: Proposals = NO_PROPOSALS


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
    proposed = propose_shortlist(searcher, place_map, query, options, without, is_wanted)
    return merge_shortlists([proposed], options.shortlist)


def propose_shortlist(
    searcher: Searcher,
    place_map: PlaceMap,
    query: Tensor,
    options: QueryOptions,
    without: NDArray[np.int64],
    is_wanted: Callable[[], bool],
) -> ProposedShortlist:
    """Return the pictures of a map, or of a part of it, among which ``merge_shortlists`` finds the nearest.

    ``find_shortlist`` explains arguments and errors.
    """
    count = options.shortlist
    if options.prior is None:
        return ProposedShortlist(searcher.propose(query, count, without)[0])
    agreeing = np.setdiff1d(options.prior.rows(place_map.places), without)
    answers = _nearest_of(place_map, query, agreeing, count, is_wanted)
    if len(answers.rows) == count:
        return ProposedShortlist(Proposals.exact(answers, count))
    others = np.concatenate([answers.rows, without])
    return ProposedShortlist(Proposals.exact(answers, count), searcher.propose(query, count, others)[0])


def merge_shortlists(parts: Sequence[ProposedShortlist], count: int) -> Shortlist:
    """Return the shortlist of a map from the proposals of its parts, or of the whole.

    Each part proposes as many rows as the whole, so none of the map's is missing. Distances do not depend on who
    computes them (``place_map.proposals``), and ties are ordered by row.

    Args:
        parts: The proposals of each part, for the same query; no row is in two of them.
        count: The number of candidates.
    """
    answers = merge_proposals([part.answers for part in parts]).nearest(count)
    rivals = merge_proposals([part.rivals for part in parts]).nearest(count - len(answers.rows))
    return Shortlist(answers, rivals)


def check_wanted(is_wanted: Callable[[], bool]) -> None:
    """Stop a query once nobody waits for it.

    Raises:
        DeadlineExceeded: Nobody waits for the query any more.
    """
    if not is_wanted():
        raise DeadlineExceeded("nobody waits for this query any more; it was stopped")


def _nearest_of(
    place_map: PlaceMap, query: Tensor, rows: NDArray[np.int64], count: int, is_wanted: Callable[[], bool]
) -> Nearest:
    """Return the nearest of some rows; all are compared, in parts that memory holds."""
    vector: NDArray[np.float32] = query[0].detach().to("cpu", torch.float32).numpy()
    best = NOTHING
    for start in range(0, len(rows), _EXACT_ROWS):
        check_wanted(is_wanted)
        best = nearest_of(place_map, vector, np.concatenate([best.rows, rows[start : start + _EXACT_ROWS]]), count)
    return best
