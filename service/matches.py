"""Choose pairs of cells of a query and a candidate, to show a person the reason for an answer."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.cosines import pair_cosines
from model.geo import LatLon, distances_m
from model.matching import MutualMatches
from place_map.evidence import Ranking
from place_map.place_table import PlaceTable
from service.words import MOST_PAIRS


@dataclass(frozen=True)
class MatchedCells:
    """Hold pairs of cells of a query and a candidate, at most ``MOST_PAIRS``.

    Attributes:
        count: The number of all pairs by which the re-ranker compares the two.
        query_cells: ``(n,)`` int64, cells of the query in row-major order; n is at most ``MOST_PAIRS``.
        candidate_cells: ``(n,)`` int64, the matching cells of the candidate.
        similarities: ``(n,)`` float64, cosines of the pairs, the highest first.
    """

    count: int
    query_cells: NDArray[np.int64]
    candidate_cells: NDArray[np.int64]
    similarities: NDArray[np.float64]


def most_similar(
    query: Tensor, candidate: Tensor, found: MutualMatches, most: int = MOST_PAIRS, unit: float = 1.0
) -> MatchedCells:
    """Choose the most similar of the pairs of two pictures.

    Args:
        query: ``(L, C)`` local features or codes.
        candidate: ``(M, C)`` local features or codes, on the same device.
        found: The pairs.
        most: The most pairs to choose. Among equally similar pairs the first cell of the query comes first.
        unit: The cosine of equal features, which is less than 1 if the candidate's were rounded much.
    """
    cosines = pair_cosines(query, candidate, found.query_cells, found.candidate_cells).cpu()
    cosines = (cosines / unit).clamp(-1, 1)
    order = torch.argsort(cosines, descending=True, stable=True)[:most]
    return MatchedCells(
        count=len(found),
        query_cells=found.query_cells.cpu()[order].numpy(),
        candidate_cells=found.candidate_cells.cpu()[order].numpy(),
        similarities=cosines[order].numpy(),
    )


def rival_rank(ranking: Ranking, places: PlaceTable, within_m: float) -> int | None:
    """Return the rank of the best candidate of another place than the first one's; None if all show one place.

    Its score is ``place_map.evidence.Evidence.rival_score``; if no candidate of another place was compared, it is
    the most similar one.

    Args:
        ranking: The ranking of a query.
        places: The places of the map.
        within_m: The distance within which a candidate shows the same place as the first one.
    """
    latitudes, longitudes = places.latitudes[ranking.rows], places.longitudes[ranking.rows]
    first = LatLon(float(latitudes[0]), float(longitudes[0]))
    elsewhere = np.flatnonzero(distances_m(first, latitudes, longitudes) > within_m)
    if not len(elsewhere):
        return None
    compared = elsewhere[elsewhere < len(ranking.scores)]
    return int(compared[ranking.scores[compared].argmax()] if len(compared) else elsewhere[0])
