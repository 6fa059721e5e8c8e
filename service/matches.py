"""Match the cells of a query with those of a few candidates: what a person is shown as the reason for an answer."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.cosines import pair_cosines
from model.geo import LatLon, distances_m
from model.matching import MatchingPrecision, find_mutual_matches
from place_map.evidence import Ranking
from place_map.place_table import PlaceTable
from service.words import MOST_PAIRS


@dataclass(frozen=True)
class MatchedCells:
    """The mutual nearest neighbours of a query and a candidate (paper, Eq. 7), as far as they are told.

    Attributes:
        count: How many there are (Eq. 8).
        query_cells: ``(n,)`` int64, cells of the query in row-major order; n is at most ``MOST_PAIRS``.
        candidate_cells: ``(n,)`` int64, the matching cells of the candidate.
        similarities: ``(n,)`` float64, cosines of the pairs, the highest first.
    """

    count: int
    query_cells: NDArray[np.int64]
    candidate_cells: NDArray[np.int64]
    similarities: NDArray[np.float64]


def match_cells(
    query: Tensor, candidate: Tensor, precision: MatchingPrecision, floor: float | None, most: int = MOST_PAIRS
) -> MatchedCells:
    """Match two pictures, as ``model.matching.find_mutual_matches`` does, and choose the most similar pairs.

    Args:
        query: ``(L, C)`` local features or codes.
        candidate: ``(M, C)`` local features or codes, on the same device.
        precision: Of the products.
        floor: The least cosine of a match; None takes all.
        most: How many pairs to choose. Of equally similar ones the first cell of the query goes first.
    """
    found = find_mutual_matches(query, candidate, precision=precision, floor=floor)
    cosines = pair_cosines(query, candidate, found.query_cells, found.candidate_cells).cpu()
    order = torch.argsort(cosines, descending=True, stable=True)[:most]
    return MatchedCells(
        count=len(found),
        query_cells=found.query_cells.cpu()[order].numpy(),
        candidate_cells=found.candidate_cells.cpu()[order].numpy(),
        similarities=cosines[order].numpy(),
    )


def rival_rank(ranking: Ranking, places: PlaceTable, within_m: float) -> int | None:
    """Return the rank of the best candidate of another place than the first one's; None if all are of one place.

    It is the one whose matches are ``place_map.evidence.Evidence.rival_matches``; where none of another place was
    compared, the most similar one.

    Args:
        ranking: Of a query.
        places: Of the map.
        within_m: Candidates so near to the first one show the same place.
    """
    latitudes, longitudes = places.latitudes[ranking.rows], places.longitudes[ranking.rows]
    first = LatLon(float(latitudes[0]), float(longitudes[0]))
    elsewhere = np.flatnonzero(distances_m(first, latitudes, longitudes) > within_m)
    if not len(elsewhere):
        return None
    compared = elsewhere[elsewhere < len(ranking.matches)]
    return int(compared[ranking.matches[compared].argmax()] if len(compared) else elsewhere[0])
