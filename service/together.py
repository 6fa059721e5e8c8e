"""What several photos say together, by the ranking of each: of one place, or along a path.

Every photo is ranked alone, and has one voice, however many matches it counts. It gives it to its candidates by how far
they stand out from what any picture of the map gets. A photo that shows nothing spreads its voice thinly over places
that have nothing to do with each other, and cannot outvote two that agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.geo import pairwise_m
from place_map.evidence import Ranking
from place_map.place_table import PlaceTable

STEP_SPACINGS = 5.0
"""How many spacings of the map a step from photo to photo may be, where nobody says when they were taken."""

MOST_SPEED_M_PER_S = 40.0
"""How fast the camera may be, where times are known: a car on a motorway."""

_BACKGROUND = 0.75
_EQUAL = 1 - 1e-9  # a share, but for rounding
_CENTRES_AT_A_TIME = 256
_DIGITS = 9  # of sums of voices: what follows is rounding


def voices(ranking: Ranking) -> NDArray[np.float64]:
    """Share one voice among the candidates of a photo.

    The scores are mutual matches, or nearness by the global features where nothing was re-ranked. Their upper quartile
    is the photo's own background: only what exceeds it counts. Rivals of a prior get their share, too, and it is lost.

    Returns:
        ``(n,)`` for the ``ranking.answers`` first rows, at least 0, with a sum of at most 1; an equal share for each
        where none of them stands out.
    """
    scores = ranking.matches.astype(np.float64) if len(ranking.matches) else -ranking.distances.astype(np.float64)
    excess = np.maximum(0, scores - np.quantile(scores, _BACKGROUND))
    result = np.zeros(ranking.answers)
    heard = result[: len(scores)]
    heard[:] = excess[: len(heard)] / excess.sum() if excess[: len(heard)].any() else 1 / len(scores)
    return result


def best_place(rankings: Sequence[Ranking], places: PlaceTable, within_m: float) -> NDArray[np.int64]:
    """Find the place that most of the photos' voices are for.

    A place is what lies within a distance of some candidate. A photo counts there by the loudest voice that it gives to
    a candidate in it: so a place is not louder for having more pictures, and one photo together is answered as alone.
    The best candidate of the place is the one to which all photos together give the most.

    Args:
        rankings: Of the photos, in any order; at least one.
        places: Of the map.
        within_m: Candidates so near to each other show the same place.

    Returns:
        ``(m,)`` rows: the best candidate of the best place, the others of that place, then all others that have a
        voice; in each part those with more voices before those with fewer.
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
    """Where a photo of a sequence may have been taken.

    Attributes:
        ranks: ``(k,)`` candidates that stand out, by their ranks in the photo's ranking.
        gains: ``(k,)`` logarithms of their voices over an equal share; at least 0, which is what it counts to pass the
            photo over.
        latitudes: ``(k,)`` degrees.
        longitudes: ``(k,)`` degrees.
    """

    ranks: NDArray[np.int64]
    gains: NDArray[np.float64]
    latitudes: NDArray[np.float64]
    longitudes: NDArray[np.float64]

    @classmethod
    def of(cls, ranking: Ranking | None, places: PlaceTable) -> "Stand":
        """Return where the photo of a ranking may have been taken: nowhere, without a ranking."""
        if ranking is None:
            nothing = np.empty(0)
            return cls(nothing.astype(np.int64), nothing, nothing, nothing)
        shares = voices(ranking) * (len(ranking.matches) or len(ranking.rows))
        ranks = np.flatnonzero(shares >= _EQUAL)
        rows = ranking.rows[ranks]
        return cls(ranks, np.maximum(0, np.log(shares[ranks])), places.latitudes[rows], places.longitudes[rows])


def reaches_m(
    count: int, spacing_m: float, within_m: float, times_s: Sequence[float] | None = None
) -> NDArray[np.float64]:
    """Return how far it may be from photo to photo of a sequence.

    Args:
        count: Photos.
        spacing_m: Of the map, from position to position.
        within_m: Candidates so near to each other show the same place; the reach is never less.
        times_s: When they were taken, in their order; None if nobody knows.

    Returns:
        ``(count, count)`` metres.
    """
    steps = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    if times_s is None:
        far_m = STEP_SPACINGS * spacing_m * np.maximum(steps, 1)
    else:
        far_m = spacing_m + MOST_SPEED_M_PER_S * np.abs(np.subtract.outer(times_s, times_s))
    return np.asarray(np.maximum(far_m, within_m), dtype=np.float64)


def best_path(stands: Sequence[Stand], reach_m: NDArray[np.float64]) -> list[int | None]:
    """Find the likeliest path through the candidates of a sequence of photos (Viterbi, 1967).

    A path names for each photo one of its candidates, or passes it over. Its logarithmic likelihood is the sum of the
    gains of what it names, less ½ (distance / reach)² for each two that follow each other on it, whatever was passed
    over between them.

    Args:
        stands: Of the photos, in their order; one of them at least has a candidate.
        reach_m: ``(n, n)``, from photo to photo; more than 0.

    Returns:
        For each photo the number of the candidate in its stand, or None; not all are None.
    """
    best: list[NDArray[np.float64]] = []  # [t][c]: of the paths that end at candidate c of photo t
    before: list[list[tuple[int, int] | None]] = []  # [t][c]: the photo and its candidate before that
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
    """Return how sure an answer is for which several photos speak, each by its own confidence.

    A calibration says how often one photo is wrong that is so sure. Photos of one place fail together, in the same
    dark, so their doubts must not be multiplied; and the surest of n photos is sure by chance n times as often, so it
    must not stand for all. Simes' rule for doubts that depend on each other (Biometrika 73, 1986) allows for both: if
    k of n photos are so sure, the doubt is n / k times that of the least sure of them, for the k for which it is
    least. So photos that all say the same are as sure together as the least sure one at least, the answer is never
    surer than the surest photo, and one that shows nothing takes little away from two that are sure.

    Args:
        confidences: Of the photos, in [0, 1]; 0 for one that does not speak for the answer.

    Returns:
        In [0, 1]; of one photo its own.
    """
    doubts = 1 - np.sort(np.asarray(confidences, dtype=np.float64))[::-1]
    counts = np.arange(1, len(doubts) + 1)
    return float(max(0.0, 1 - (doubts * len(doubts) / counts).min()))
