"""The search for pictures of a map whose positions other pictures contradict.

Each picture was compared with the pictures that look most like it. Some of them were taken *here*, near its own
position, and some *there*, far away from it. Pictures between the two distances do not count.

The weight of a count of mutual matches depends on the network and the collection, and is learned from the map: it is
the logarithm of the ratio of the shares of near pairs and of far pairs that reach the count. Where facades are
repeated, far pairs reach high counts too, and high counts weigh little. The weights of several pictures of a place add
up.

A picture at a wrong position contradicts the pictures that it resembles, and they contradict it. The strongest suspect
is therefore accepted first, and its position then counts neither for nor against other pictures.
"""

from dataclasses import dataclass
from math import isfinite, log
from statistics import NormalDist
from typing import Self

import numpy as np
from numpy.typing import NDArray

from model.errors import InvalidInput
from model.geo import LatLon, chord_m, distance_m, points_in_space
from place_map.calibration import DEFAULT_BEYOND_M, DEFAULT_WITHIN_M
from place_map.place_table import PlaceTable

FALSE_ALARMS = 0.05
"""Expected number of right positions among the suspects of a whole map."""

_UPPER_QUARTILE = NormalDist().inv_cdf(0.75)
_ROWS_AT_A_TIME = 128  # 31 MB of differences between 100 points each


@dataclass(frozen=True, slots=True)
class Limits:
    """Set the distances that count as near and as far.

    Attributes:
        within_m: Greatest distance in metres at which two pictures show the same place.
        beyond_m: Least distance in metres at which two pictures show different places.

    Raises:
        InvalidInput: A distance is not finite or not above 0, or the two places of a picture could overlap.
    """

    within_m: float = DEFAULT_WITHIN_M
    beyond_m: float = DEFAULT_BEYOND_M

    def __post_init__(self) -> None:
        if not isfinite(self.within_m) or self.within_m <= 0:
            raise InvalidInput(f"pictures within {self.within_m} m show one place: it must be a length above 0")
        if not isfinite(self.beyond_m) or self.beyond_m < 2 * self.within_m:
            raise InvalidInput(
                f"pictures beyond {self.beyond_m:g} m show another place: it must be at least twice the "
                f"{self.within_m:g} m within which they show the same one"
            )


@dataclass(frozen=True)
class Pictures:
    """Hold the stated positions of the pictures of a map.

    Attributes:
        latitudes: ``(n,)`` float64 degrees.
        longitudes: ``(n,)`` float64 degrees.
        contents: ``(n,)`` int64, equal for pictures of the same file.
    """

    latitudes: NDArray[np.float64]
    longitudes: NDArray[np.float64]
    contents: NDArray[np.int64]

    @classmethod
    def of(cls, places: PlaceTable) -> Self:
        """Return the pictures of a map."""
        return cls(places.latitudes, places.longitudes, places.contents)

    def __len__(self) -> int:
        return len(self.latitudes)

    def position(self, row: int) -> LatLon:
        """Return the stated position of a picture."""
        return LatLon(float(self.latitudes[row]), float(self.longitudes[row]))


@dataclass(frozen=True)
class OwnMatches:
    """Hold the matches of each picture of a map with other pictures.

    Attributes:
        rows: ``(n, k)`` int64, the candidates of each picture; its own row is the filler where the map has fewer.
        matches: ``(n, k)`` int64, mutual matches with each candidate; 0 with the filler.
    """

    rows: NDArray[np.int64]
    matches: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Suspect:
    """Describe a picture whose position is contradicted.

    Attributes:
        row: The row of the picture.
        evidence_row: The row of the picture at the other place with the most matches.
        distance_m: Distance between the positions of the two.
        matches_there: Mutual matches of the two.
        matches_here: Most mutual matches with a candidate near its own position; 0 if there is no near candidate.
        pictures_there: The number of candidates at the other place with a positive weight.
        pictures_here: The number of candidates near its own position with a positive weight.
        excess: Weight for the other place minus the weight for its own, in units of the natural logarithm.
    """

    row: int
    evidence_row: int
    distance_m: float
    matches_there: int
    matches_here: int
    pictures_there: int
    pictures_here: int
    excess: float


@dataclass(frozen=True)
class Findings:
    """Hold the suspects of a map.

    Attributes:
        suspects: The suspects, the strongest first.
        threshold: The excess above which a picture is suspect.
        checked: The number of pictures whose neighbours support them by more than the threshold. If one of these were
            far from its true place, it would be noticed. Other positions cannot be judged.
    """

    suspects: tuple[Suspect, ...]
    threshold: float
    checked: int


def find_suspects(own: OwnMatches, pictures: Pictures, limits: Limits) -> Findings:
    """Find the pictures whose matches support another place clearly more than their own.

    ``_threshold`` defines *clearly*: more than chance explains, and more than is usual for pictures of this map.

    Args:
        own: The matches of each picture with others.
        pictures: The positions of the pictures.
        limits: The distances that count as near and as far.
    """
    pairs = _Pairs.of(own, pictures, limits)
    discredited = np.zeros(len(pictures), dtype=np.bool_)
    while True:
        evidence = _weigh(pairs, discredited)
        threshold = _threshold(evidence.excess[~discredited])
        accused = (evidence.excess > threshold) & ~discredited
        if not accused.any():
            break
        charges = np.where(accused, evidence.excess, -np.inf)
        witness_charges = np.where(evidence.weights > 0, charges[pairs.rows], -np.inf).max(axis=1, initial=-np.inf)
        discredited |= accused & (charges >= witness_charges)
    suspects = [
        _suspect(row, pairs, evidence, pictures)
        for row in np.flatnonzero(discredited & (evidence.excess > threshold)).tolist()
    ]
    suspects.sort(key=lambda suspect: (-suspect.excess, suspect.row))
    return Findings(tuple(suspects), threshold, int((evidence.here > threshold).sum()))


@dataclass(frozen=True)
class _Pairs:
    """Hold pictures and their candidates.

    Attributes:
        rows: Rows of the candidates ``(n, k)``.
        matches: Mutual matches ``(n, k)``.
        is_near: Whether a candidate shows the place of the picture's position ``(n, k)``.
        is_far: Whether a candidate shows another place ``(n, k)``.
        is_together: Whether two candidates show the same place ``(n, k, k)``.
        is_copy: Whether an earlier candidate at the same place is the same file ``(n, k)``.
    """

    rows: NDArray[np.int64]
    matches: NDArray[np.int64]
    is_near: NDArray[np.bool_]
    is_far: NDArray[np.bool_]
    is_together: NDArray[np.bool_]
    is_copy: NDArray[np.bool_]

    @classmethod
    def of(cls, own: OwnMatches, pictures: Pictures, limits: Limits) -> Self:
        count, width = own.rows.shape
        points = points_in_space(pictures.latitudes, pictures.longitudes)
        within, beyond = chord_m(limits.within_m), chord_m(limits.beyond_m)
        is_near, is_far, is_copy = (np.empty((count, width), dtype=np.bool_) for _ in range(3))
        is_together = np.empty((count, width, width), dtype=np.bool_)
        is_earlier = np.tri(width, k=-1, dtype=np.bool_)
        for start in range(0, count, _ROWS_AT_A_TIME):
            part = slice(start, start + _ROWS_AT_A_TIME)
            rows = own.rows[part]
            found = points[rows]
            apart = np.linalg.norm(found - points[part, None], axis=2)
            is_near[part], is_far[part] = apart <= within, apart >= beyond
            is_together[part] = np.linalg.norm(found[:, :, None] - found[:, None], axis=3) <= within
            contents = pictures.contents[rows]
            is_same_file = contents[:, :, None] == contents[:, None]
            is_copy[part] = (is_same_file & is_together[part] & is_earlier).any(axis=2)
        is_near &= own.rows != np.arange(count)[:, None]
        return cls(own.rows, own.matches, is_near, is_far, is_together, is_copy)


@dataclass(frozen=True)
class _Evidence:
    """Hold the evidence of the candidates of each picture.

    Attributes:
        weights: Weights of the matches with each candidate ``(n, k)``; 0 where its position is not believed.
        here: Weight for the place of the picture's position ``(n,)``.
        there: Weight for the place of each candidate that shows another place ``(n, k)``; 0 for other candidates.
    """

    weights: NDArray[np.float64]
    here: NDArray[np.float64]
    there: NDArray[np.float64]

    @property
    def excess(self) -> NDArray[np.float64]:
        """Return the weight of the best other place minus the weight of the own place ``(n,)``."""
        return np.asarray(self.there.max(axis=1, initial=0) - self.here, dtype=np.float64)


def _weigh(pairs: _Pairs, discredited: NDArray[np.bool_]) -> _Evidence:
    """Weigh all matches, without the positions of discredited pictures ``(n,)``."""
    is_believed = ~discredited[pairs.rows] & ~pairs.is_copy
    learned_from = is_believed & ~discredited[:, None]
    weights = _weights_of(
        pairs.matches, pairs.matches[learned_from & pairs.is_near], pairs.matches[learned_from & pairs.is_far]
    )
    weights = np.where(is_believed & (pairs.is_near | pairs.is_far), weights, 0)
    far = weights * pairs.is_far
    there = np.einsum("nab,nb->na", pairs.is_together, far)
    return _Evidence(weights, (weights * pairs.is_near).sum(axis=1), np.where(far > 0, there, 0))


def _weights_of(counts: NDArray[np.int64], near: NDArray[np.int64], far: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the weights of counts, in the shape of the counts.

    A weight is the logarithm of the share of near pairs ``(a,)`` that reach a count, divided by the share of far pairs
    ``(b,)``. If a lower count has a greater weight, this weight counts, because the lower count is reached too. One
    pair is added on each side, a near pair without matches and a far pair with all of them, so that few pairs give
    small weights.
    """
    levels, inverse = np.unique(counts, return_inverse=True)
    near_share = _reaching(near, levels) / (len(near) + 1)
    far_share = (_reaching(far, levels) + 1) / (len(far) + 1)
    ratios = np.maximum.accumulate(np.maximum(near_share / far_share, 1))
    return np.asarray(np.log(ratios)[inverse].reshape(counts.shape), dtype=np.float64)


def _reaching(counts: NDArray[np.int64], levels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of counts that reach each level."""
    return np.asarray(len(counts) - np.searchsorted(np.sort(counts), levels, side="left"), dtype=np.int64)


def _threshold(excess: NDArray[np.float64]) -> float:
    """Return the excess above which a picture is suspect, so that ``FALSE_ALARMS`` suspects of a map are right.

    The threshold is the higher of two limits. The first assumes independent candidates: a wrong place then reaches a
    weight of x with a probability of at most e^-x. Candidates are not independent; the second limit therefore fits a
    normal distribution to the median and the upper quartile of the excess, which a few wrong positions hardly change.

    Args:
        excess: The excess of each picture ``(m,)``, m at least 1.
    """
    median, upper = np.percentile(excess, [50, 75])
    deviations = NormalDist().inv_cdf(1 - FALSE_ALARMS / len(excess))
    scattered = median + deviations * (upper - median) / _UPPER_QUARTILE
    return max(float(scattered), log(len(excess) / FALSE_ALARMS))


def _suspect(row: int, pairs: _Pairs, evidence: _Evidence, pictures: Pictures) -> Suspect:
    speaks = evidence.weights[row] > 0
    is_there = pairs.is_together[row, evidence.there[row].argmax()] & pairs.is_far[row] & speaks
    matches, is_near = pairs.matches[row], pairs.is_near[row]
    best = int(np.where(is_there, matches, -1).argmax())
    evidence_row = int(pairs.rows[row, best])
    return Suspect(
        row=row,
        evidence_row=evidence_row,
        distance_m=distance_m(pictures.position(row), pictures.position(evidence_row)),
        matches_there=int(matches[best]),
        matches_here=int(matches[is_near].max(initial=0)),
        pictures_there=int(is_there.sum()),
        pictures_here=int((is_near & speaks).sum()),
        excess=float(evidence.excess[row]),
    )
