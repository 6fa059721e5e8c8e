"""How much speaks for the answer to a query, and how much for an answer elsewhere.

The second candidate is mostly a neighbour of the first, so the margin between the two says little. The margin to the
best candidate of *another place* says much: of a picture that the map has not, two places look about as good. Global
and local features are two witnesses: where the map has not the picture, the best one by matches is anywhere in the
order of the global features.
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
"""The numbers of ``Evidence.signals``, in their order.

All but the similarity compare candidates of one query with each other, so that they mean about the same by day and at
night, when every candidate has fewer matches. More of each speaks for the answer.
"""

_VOTE_POWER = 4
"""Raise matches to this power in ``Evidence.share``, so that many chance candidates do not outvote the right few."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates of a query, best first.

    Attributes:
        rows: ``(k,)`` int64, rows of the map; at least one.
        distances: ``(k,)`` float32, Euclidean, of the global features, which have length 1.
        matches: ``(c,)`` int64, mutual matches of the first c; 0 where nothing was re-ranked.
        rivals: How many of the last rows are there to compare with alone, and may not be the answer.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.float32]
    matches: NDArray[np.int64]
    rivals: int = 0

    @classmethod
    def of(
        cls,
        rows: NDArray[np.int64],
        distances: NDArray[np.float32],
        matches: NDArray[np.int64],
        rivals: int = 0,
    ) -> Self:
        """Order candidates: those that were compared by their matches, the others behind them by global distance.

        Args:
            rows: ``(k,)``, by global distance; behind them the rivals, likewise.
            distances: ``(k,)``, likewise.
            matches: ``(c,)`` of the first c rows.
            rivals: How many of the last rows may not be the answer; they stay behind the others.
        """
        compared = len(matches)
        is_rival = np.arange(compared) >= len(rows) - rivals
        order = np.lexsort((-matches, is_rival))  # equal counts keep the order of the global distance
        return cls(
            rows=np.concatenate([rows[:compared][order], rows[compared:]]),
            distances=np.concatenate([distances[:compared][order], distances[compared:]]),
            matches=matches[order],
            rivals=rivals,
        )

    @property
    def answers(self) -> int:
        """How many rows may be the answer: the first ones."""
        return len(self.rows) - self.rivals

    def led_by(self, rank: int) -> Self:
        """Return it with another candidate in front, to weigh what speaks for that one.

        Args:
            rank: Of the candidate, from 0; one that was compared, if any was.
        """

        def moved(values: NDArray[AnyNumber]) -> NDArray[AnyNumber]:
            return np.concatenate([values[rank : rank + 1], values[:rank], values[rank + 1 :]])

        matches = moved(self.matches) if len(self.matches) else self.matches
        return replace(self, rows=moved(self.rows), distances=moved(self.distances), matches=matches)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Weigh a ranking for its first candidate.

    A candidate is of *the place* of the first one if it lies within the map's positive distance of it, and of another
    place otherwise.

    Attributes:
        compared: Candidates whose local features were compared; 0 if nothing was re-ranked.
        matches: Mutual matches of the first candidate.
        rival_matches: Most mutual matches of a candidate of another place; 0 without one.
        share: Each candidate that was compared votes with the fourth power of its matches: the share of the votes for
            candidates of the place, in [0, 1]; 0 without a match.
        global_rank: Of the first candidate by the similarity of the global features, from 1.
        similarity: The highest cosine of the global features of the query and a candidate of the place.
        rival_similarity: The highest with a candidate of another place. Without one the lowest of all candidates, since
            pictures that are no candidates are less alike.
    """

    compared: int
    matches: int
    rival_matches: int
    share: float
    global_rank: int
    similarity: float
    rival_similarity: float

    @classmethod
    def of(cls, ranking: Ranking, places: PlaceTable, within_m: float) -> Self:
        """Weigh a ranking.

        Args:
            ranking: Of a query.
            places: Of the map.
            within_m: The positive distance.
        """
        latitudes, longitudes = places.latitudes[ranking.rows], places.longitudes[ranking.rows]
        first = LatLon(float(latitudes[0]), float(longitudes[0]))
        is_elsewhere = distances_m(first, latitudes, longitudes) > within_m
        matches, compared = ranking.matches, len(ranking.matches)
        similarities = 1 - np.square(ranking.distances.astype(np.float64)) / 2
        votes = np.power(matches.astype(np.float64), _VOTE_POWER)
        total, is_rival = float(votes.sum()), is_elsewhere[:compared]
        return cls(
            compared=compared,
            matches=int(matches[0]) if compared else 0,
            rival_matches=int(matches[is_rival].max(initial=0)),
            share=float(votes[~is_rival].sum()) / total if total else 0.0,
            global_rank=1 + int((ranking.distances < ranking.distances[0]).sum()),
            similarity=float(similarities[~is_elsewhere].max()),
            rival_similarity=float(similarities[is_elsewhere].max(initial=similarities.min())),
        )

    @property
    def signals(self) -> tuple[float, ...]:
        """The numbers that a confidence is made of; see ``SIGNALS``."""
        return (
            log((self.matches + 1) / (self.rival_matches + 1)),
            self.share,
            -log(self.global_rank),
            self.similarity,
            self.similarity - self.rival_similarity,
        )
