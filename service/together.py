"""Find the one place that several photos show, or the path along which they were taken, from the ranking of each.

Every photo is ranked alone, and has one voice, for any number of matches. It shares this voice among its candidates:
the more a candidate exceeds the scores of most pictures, the larger is its share. A photo that shows nothing spreads
its voice thinly over unrelated places, and cannot outvote two photos that agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.geo import pairwise_m
from place_map.evidence import Ranking
from place_map.place_table import PlaceTable

STEP_SPACINGS = 5.0
"""The distance that the camera may move from one photo to the next, in spacings of the map, if no times are known."""

MOST_SPEED_M_PER_S = 40.0
"""The speed of the camera at most, if times are known: a car on a motorway."""

_BACKGROUND = 0.75  # the quantile of a photo's scores
_EQUAL = 1 - 1e-9  # times an equal share; a little less than 1, because of rounding
_CENTRES_AT_A_TIME = 256
_DIGITS = 9  # for sums of shares; further digits are rounding errors


def voices(ranking: Ranking) -> NDArray[np.float64]:
    """Share one voice among the candidates of a photo.

    The scores come from the re-ranker, or are nearness by the global features if nothing was re-ranked. Their upper
    quartile is the photo's own background: only the excess over it counts. Rivals of a prior get shares too, which are
    left out of the result.

    Returns:
        ``(n,)`` shares of the first ``ranking.answers`` rows: at least 0, with a sum of at most 1; all equal if none
        of the rows stands out.
    """
    scores = ranking.scores if len(ranking.scores) else -ranking.distances.astype(np.float64)
    excess = np.maximum(0, scores - np.quantile(scores, _BACKGROUND))
    result = np.zeros(ranking.answers)
    heard = result[: len(scores)]
    heard[:] = excess[: len(heard)] / excess.sum() if excess[: len(heard)].any() else 1 / len(scores)
    return result


def best_place(rankings: Sequence[Ranking], places: PlaceTable, within_m: float) -> NDArray[np.int64]:
    """Find the place that gets the most of the photos' voices.

    A place is a candidate with all others within ``within_m`` of it. From each photo it gets the largest share that
    the photo gives to a candidate in it, not the sum. So more pictures do not make a place louder, and a single
    photo is answered as it would be alone. The best candidate of the place is the one whose own shares, summed over the
    photos, are the largest.

    Args:
        rankings: The rankings of the photos, in any order; at least one.
        places: The places of the map.
        within_m: The distance within which candidates show the same place.

    Returns:
        ``(m,)`` rows that have a share: first the best place's, then all others; in both groups the largest sum
        of shares first.
    """
    heard = [voices(ranking) for ranking in rankings]
    voters = [ranking.rows[: ranking.answers][voice > 0] for ranking, voice in zip(rankings, heard, strict=True)]
    heard = [voice[voice > 0] for voice in heard]
    rows, owners = np.unique(np.concatenate(voters), return_inverse=True)
    own = np.bincount(owners, weights=np.concatenate(heard))
    latitudes, longitudes = places.latitudes[rows], places.longitudes[rows]

    def is_near(centres: slice, others: NDArray[np.int64]) -> NDArray[np.bool_]:
        apart_m = pairwise_m(
            latitudes[centres], longitudes[centres], places.latitudes[others], places.longitudes[others]
        )
        return apart_m <= within_m

    of_place = np.zeros(len(rows))
    for start in range(0, len(rows), _CENTRES_AT_A_TIME):
        part = slice(start, start + _CENTRES_AT_A_TIME)
        for voter, voice in zip(voters, heard, strict=True):
            of_place[part] += (is_near(part, voter) * voice).max(axis=1)
    centre = int(np.lexsort((rows, -own, -np.round(of_place, _DIGITS)))[0])
    is_elsewhere = ~is_near(slice(centre, centre + 1), rows)[0]
    return rows[np.lexsort((rows, -own, is_elsewhere))]


@dataclass(frozen=True)
class Stand:
    """Hold the candidates by which a path may place a photo of a sequence.

    Attributes:
        ranks: ``(k,)`` candidates that stand out, by their ranks in the photo's ranking.
        gains: ``(k,)`` logarithms of the ratio of each share to an equal share; at least 0. A path that skips the photo
            gains 0.
        latitudes: ``(k,)`` degrees.
        longitudes: ``(k,)`` degrees.
    """

    ranks: NDArray[np.int64]
    gains: NDArray[np.float64]
    latitudes: NDArray[np.float64]
    longitudes: NDArray[np.float64]

    @classmethod
    def of(cls, ranking: Ranking | None, places: PlaceTable) -> "Stand":
        """Return the candidates of a ranking that stand out; none without a ranking."""
        if ranking is None:
            nothing = np.empty(0)
            return cls(nothing.astype(np.int64), nothing, nothing, nothing)
        shares = voices(ranking) * (len(ranking.scores) or len(ranking.rows))
        ranks = np.flatnonzero(shares >= _EQUAL)
        rows = ranking.rows[ranks]
        return cls(ranks, np.maximum(0, np.log(shares[ranks])), places.latitudes[rows], places.longitudes[rows])


def reaches_m(
    count: int, spacing_m: float, within_m: float, times_s: Sequence[float] | None = None
) -> NDArray[np.float64]:
    """Return how far apart the photos of a sequence may have been taken.

    Args:
        count: The number of photos.
        spacing_m: The distance between neighbouring positions of the map.
        within_m: The distance within which candidates show the same place; the reach is never less.
        times_s: The times of the photos in seconds, in their order; None if unknown.

    Returns:
        ``(count, count)`` metres from photo to photo.
    """
    steps = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    if times_s is None:
        far_m = STEP_SPACINGS * spacing_m * np.maximum(steps, 1)
    else:
        far_m = spacing_m + MOST_SPEED_M_PER_S * np.abs(np.subtract.outer(times_s, times_s))
    return np.asarray(np.maximum(far_m, within_m), dtype=np.float64)


def best_path(stands: Sequence[Stand], reach_m: NDArray[np.float64]) -> list[int | None]:
    """Find the likeliest path through the candidates of a sequence of photos (Viterbi, 1967).

    A path names one candidate of each photo, or skips the photo. Its log-likelihood is the sum of the gains of its
    candidates, minus ½ (distance / reach)² for each two candidates that follow each other on it. Skipped photos between
    the two do not matter.

    Args:
        stands: The stands of the photos, in their order; at least one has a candidate.
        reach_m: ``(n, n)``, from photo to photo; more than 0.

    Returns:
        The number of the candidate in its stand for each photo, or None; not all are None.
    """
    best: list[NDArray[np.float64]] = []  # [t][c]: log-likelihood of the best path to candidate c of photo t
    before: list[list[tuple[int, int] | None]] = []  # [t][c]: photo and candidate before it
    for now, stand in enumerate(stands):
        total, origin = stand.gains.copy(), np.full((len(stand.gains), 2), -1)
        for earlier, other in enumerate(stands[:now]):
            if not len(other.gains):
                continue
            apart_m = pairwise_m(stand.latitudes, stand.longitudes, other.latitudes, other.longitudes)
            through = best[earlier] - 0.5 * np.square(apart_m / reach_m[earlier, now])
            chosen = through.argmax(axis=1, keepdims=True)
            longer = stand.gains + np.take_along_axis(through, chosen, axis=1)[:, 0]
            is_better = longer > total
            total[is_better] = longer[is_better]
            origin[is_better] = np.hstack([np.full_like(chosen, earlier), chosen])[is_better]
        best.append(total)
        before.append([None if photo < 0 else (photo, candidate) for photo, candidate in origin.tolist()])
    ends = [(total.max(), now, int(total.argmax())) for now, total in enumerate(best) if len(total)]
    _, photo, candidate = max(ends)
    path: list[int | None] = [None] * len(stands)
    step: tuple[int, int] | None = (photo, candidate)
    while step is not None:
        photo, candidate = step
        path[photo] = candidate
        step = before[photo][candidate]
    return path


def common_confidence(confidences: Sequence[float]) -> float:
    """Return the confidence of an answer, from the confidence that each of several photos has in it.

    The doubt of a photo is 1 minus its confidence. Photos of one place often fail together, for example in the same
    darkness, so their doubts must not be multiplied. Neither may the surest photo decide alone: among n photos, one is
    that sure by chance up to n times as often. Simes' rule for doubts that depend on each other (Biometrika 73, 1986)
    allows for both: for each k from 1 to n it takes the k surest photos, and the doubt of the least sure of them times
    n / k. The smallest of these products is the doubt of the answer.

    So the answer is never surer than the surest photo, and never less sure than the least sure one. A photo that shows
    nothing takes little away from two that are sure.

    Args:
        confidences: The confidence of each photo, in [0, 1]; 0 for a photo that does not support the answer.

    Returns:
        The confidence, in [0, 1]; for one photo its own.
    """
    doubts = 1 - np.sort(np.asarray(confidences, dtype=np.float64))[::-1]
    counts = np.arange(1, len(doubts) + 1)
    return float(max(0.0, 1 - (doubts * len(doubts) / counts).min()))
