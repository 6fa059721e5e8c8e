"""Find the pictures of a map whose positions other pictures contradict.

Each picture was compared with those that look most like it. Of these, some were taken *here*, near its own position,
some *there*, far away from it. What lies between speaks neither for nor against the position.

How much a count of mutual matches says differs between networks and collections, and the map itself tells it: a count
weighs the logarithm of how much oftener two pictures reach it that were taken near each other than two that were taken
far apart. Where facades are repeated, far pairs reach high counts too, and these weigh little. Weights of several
pictures of a place add up, so that a place is believed which several of them name.

A picture at a wrong position contradicts those that it resembles, as they contradict it. So the strongest suspect is
believed first, and after that its position counts neither for nor against any other.
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
"""Right positions that are expected among the suspects of a whole map."""

_UPPER_QUARTILE = NormalDist().inv_cdf(0.75)
_ROWS_AT_A_TIME = 128  # 31 MB of differences between 100 points each


@dataclass(frozen=True, slots=True)
class Limits:
    """Set the distances that count as near and as far.

    Attributes:
        within_m: Metres from a position up to which a picture shows its place.
        beyond_m: Metres from it from which a picture shows another place.

    Raises:
        InvalidInput: A distance is no length, or the two places of a picture could overlap.
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
    """Where the pictures of a map are said to have been taken.

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
        """Return those of a map."""
        _, contents = np.unique(np.array(places.content_sums), return_inverse=True)
        return cls(places.latitudes, places.longitudes, contents.astype(np.int64))

    def __len__(self) -> int:
        return len(self.latitudes)

    def position(self, row: int) -> LatLon:
        """Return where a picture is said to have been taken."""
        return LatLon(float(self.latitudes[row]), float(self.longitudes[row]))


@dataclass(frozen=True)
class OwnMatches:
    """Hold the matches of each picture of a map with others of it.

    Attributes:
        rows: ``(n, k)`` int64, the candidates of each picture; its own row fills up where the map has fewer.
        matches: ``(n, k)`` int64, mutual matches with each; 0 with itself.
    """

    rows: NDArray[np.int64]
    matches: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A picture whose position is contradicted.

    Attributes:
        row: Of the picture.
        evidence_row: Of the picture that it has most matches with at the place that the evidence says.
        distance_m: Between the positions of the two.
        matches_there: Mutual matches of the two.
        matches_here: The most with a picture near its own position; 0 if none of these is among its candidates.
        pictures_there: Candidates at the place that the evidence says, with matches that speak for it.
        pictures_here: Likewise near its own position.
        excess: Weight for the other place less that for its own, in units of the natural logarithm.
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
        suspects: The most suspect first.
        threshold: The excess from which a picture is suspect.
        checked: Pictures that their surroundings support by more than the threshold: were one of these far away from
            its place, it would be noticed. Nothing can be said of the positions of others.
    """

    suspects: tuple[Suspect, ...]
    threshold: float
    checked: int


def find_suspects(own: OwnMatches, pictures: Pictures, limits: Limits) -> Findings:
    """Find the pictures for which another place speaks clearly more than their own.

    Clearly is more than chance brings about, and more than pictures of this map have as a rule: ``_threshold``.

    Args:
        own: Which pictures each one resembles.
        pictures: Their positions.
        limits: What is near and what is far.
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
    """Pictures and their candidates.

    Attributes:
        rows: ``(n, k)`` of the candidates.
        matches: ``(n, k)`` mutual matches.
        is_near: ``(n, k)``: whether a candidate shows the place that the picture's position says.
        is_far: ``(n, k)``: whether it shows another place.
        is_together: ``(n, k, k)``: which candidates show the same place.
        is_copy: ``(n, k)``: whether an earlier candidate of the same place is the same file.
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
        weights: ``(n, k)`` of the matches with each candidate; 0 where its position is not believed.
        here: ``(n,)`` for the place that the picture's position says.
        there: ``(n, k)`` for the place of each candidate that shows another one; 0 for the others.
    """

    weights: NDArray[np.float64]
    here: NDArray[np.float64]
    there: NDArray[np.float64]

    @property
    def excess(self) -> NDArray[np.float64]:
        """``(n,)``, by how much the best other place outweighs the own one."""
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
    """Return what counts weigh, in the shape of the counts.

    The logarithm of how much oftener near pairs ``(a,)`` reach a count than far pairs ``(b,)``; where a lower count
    says more, that of the lower one, since it is reached too. One more pair on each side, near without matches and far
    with all of them, keeps few pairs from saying much.
    """
    levels, inverse = np.unique(counts, return_inverse=True)
    near_share = _reaching(near, levels) / (len(near) + 1)
    far_share = (_reaching(far, levels) + 1) / (len(far) + 1)
    ratios = np.maximum.accumulate(np.maximum(near_share / far_share, 1))
    return np.asarray(np.log(ratios)[inverse].reshape(counts.shape), dtype=np.float64)


def _reaching(counts: NDArray[np.int64], levels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many counts reach each level."""
    return np.asarray(len(counts) - np.searchsorted(np.sort(counts), levels, side="left"), dtype=np.int64)


def _threshold(excess: NDArray[np.float64]) -> float:
    """Return the excess from which a picture is suspect, so that a map has ``FALSE_ALARMS`` right ones among them.

    Two limits, of which the higher one holds. Were the candidates of a picture independent of each other, a wrong place
    would reach a weight of x with a probability of at most e^-x. They are not, and so the excess of the pictures
    themselves says how far it scatters: as that of a normal distribution with its median and its upper quartile, which
    a few wrong positions hardly move.

    Args:
        excess: ``(m,)``, one at least.
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
