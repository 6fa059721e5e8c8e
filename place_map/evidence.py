"""The evidence for the answer to a query, and for an answer at another place.

The second candidate is mostly a neighbour of the first, so the margin between the two says little. The margin to the
best candidate of *another place* says much: if the map does not have the place of a picture, the best two places look
about equally good. Global and local features are two independent signs: if the map does not have the place, the best
candidate by matches can have any rank by the global features.
"""

from dataclasses import dataclass, replace
from math import log
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from model.geo import LatLon, distances_m
from place_map.place_table import PlaceTable

AnyNumber = TypeVar("AnyNumber", bound="np.generic[Any]")

SIGNALS = ("ratio", "share", "agreement", "similarity", "similarity_margin")
"""The names of ``Evidence.signals``, in their order.

All but the similarity compare candidates of one query with each other, so that they mean about the same by day and at
night, when every candidate has fewer matches. A higher value of each speaks for the answer.
"""

_VOTE_POWER = 4
"""The power of the scores in ``Evidence.share``, so that many chance candidates do not outvote a few right ones."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Hold the candidates of a query, best first.

    Attributes:
        rows: ``(k,)`` int64, rows of the map; at least one.
        distances: ``(k,)`` float32, Euclidean distances of the global features, which have length 1.
        scores: ``(c,)`` float64, the re-ranker's scores of the first c, such as mutual matches: at least 0, higher is
            better. c is 0 if nothing was re-ranked.
        rivals: The number of last rows that serve for comparison only and cannot be the answer.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.float32]
    scores: NDArray[np.float64]
    rivals: int = 0

    @classmethod
    def of(
        cls,
        rows: NDArray[np.int64],
        distances: NDArray[np.float32],
        scores: NDArray[np.float64],
        rivals: int = 0,
    ) -> Self:
        """Order candidates: compared ones by their scores, then the others by global distance.

        Args:
            rows: ``(k,)``, by global distance, then the rivals, by global distance.
            distances: ``(k,)``, the distances of ``rows``.
            scores: ``(c,)``, the scores of the first c rows.
            rivals: The number of last rows that cannot be the answer; they stay behind the others.
        """
        compared = len(scores)
        is_rival = np.arange(compared) >= len(rows) - rivals
        order = np.lexsort((-scores, is_rival))  # equal scores keep the order of the global distance
        return cls(
            rows=np.concatenate([rows[:compared][order], rows[compared:]]),
            distances=np.concatenate([distances[:compared][order], distances[compared:]]),
            scores=scores[order],
            rivals=rivals,
        )

    @property
    def answers(self) -> int:
        """Return how many of the first rows can be the answer."""
        return len(self.rows) - self.rivals

    def led_by(self, rank: int) -> Self:
        """Return the ranking with another candidate in front, to weigh the evidence for that candidate.

        Args:
            rank: The rank of the candidate, from 0; a compared candidate, if any was compared.
        """

        def moved(values: NDArray[AnyNumber]) -> NDArray[AnyNumber]:
            return np.concatenate([values[rank : rank + 1], values[:rank], values[rank + 1 :]])

        scores = moved(self.scores) if len(self.scores) else self.scores
        return replace(self, rows=moved(self.rows), distances=moved(self.distances), scores=scores)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Hold the evidence for the first candidate of a ranking.

    A candidate belongs to *the place* of the first one if it lies within the map's positive distance of it, and to
    another place otherwise.

    Attributes:
        compared: Candidates whose local features were compared; 0 if nothing was re-ranked.
        score: The re-ranker's score of the first candidate.
        rival_score: The best score of a candidate of another place; 0 if there is none.
        share: Share of the votes for candidates of the place, in [0, 1]; 0 if all scores are 0. Each compared candidate
            votes with the fourth power of its score.
        global_rank: The rank of the first candidate by the similarity of the global features, from 1.
        similarity: The highest cosine of the global features of the query and a candidate of the place.
        rival_similarity: The highest cosine with a candidate of another place. If there is none, the lowest cosine of
            all candidates, because all other pictures are less similar.
    """

    compared: int
    score: float
    rival_score: float
    share: float
    global_rank: int
    similarity: float
    rival_similarity: float

    @classmethod
    def of(cls, ranking: Ranking, places: PlaceTable, within_m: float) -> Self:
        """Weigh a ranking.

        Args:
            ranking: The ranking of a query.
            places: The places of the map.
            within_m: The positive distance.
        """
        latitudes, longitudes = places.latitudes[ranking.rows], places.longitudes[ranking.rows]
        first = LatLon(float(latitudes[0]), float(longitudes[0]))
        is_elsewhere = distances_m(first, latitudes, longitudes) > within_m
        scores, compared = ranking.scores, len(ranking.scores)
        similarities = 1 - np.square(ranking.distances.astype(np.float64)) / 2
        votes = np.power(scores, _VOTE_POWER)
        total, is_rival = float(votes.sum()), is_elsewhere[:compared]
        return cls(
            compared=compared,
            score=float(scores[0]) if compared else 0.0,
            rival_score=float(scores[is_rival].max(initial=0)),
            share=float(votes[~is_rival].sum()) / total if total else 0.0,
            global_rank=1 + int((ranking.distances < ranking.distances[0]).sum()),
            similarity=float(similarities[~is_elsewhere].max()),
            rival_similarity=float(similarities[is_elsewhere].max(initial=similarities.min())),
        )

    @property
    def signals(self) -> tuple[float, ...]:
        """Return the inputs of the confidence; see ``SIGNALS``."""
        return (
            log((self.score + 1) / (self.rival_score + 1)),
            self.share,
            -log(self.global_rank),
            self.similarity,
            self.similarity - self.rival_similarity,
        )
