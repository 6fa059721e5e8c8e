"""The answer to a query, with its evidence."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.cell_grid import CellGrid
from model.geo import LatLon
from place_map.calibration import Judgement
from place_map.evidence import Evidence, Ranking
from service.matches import MatchedCells
from service.query_options import QueryOptions
from service.stages import Stage
from service.words import Status


@dataclass(frozen=True)
class Candidate:
    """A picture of the map that may show the place of the query, with the evidence.

    Attributes:
        row: Its row in the map.
        id: Its id in the collection.
        position: Where it was taken.
        heading_deg: Where its camera looked to, clockwise from true north; None if unknown.
        mutual_matches: Mutual nearest neighbours of local features; None if they were not compared.
        global_distance: Euclidean distance of the global features, in [0, 2].
    """

    row: int
    id: str
    position: LatLon
    heading_deg: float | None
    mutual_matches: int | None
    global_distance: float


@dataclass(frozen=True)
class Verdict:
    """Say whether to believe an answer.

    Attributes:
        status: ``localized``: the confidence reaches the threshold of the query. ``uncertain``: it does not.
            ``not_found``: the evidence says that the map does not have the place. ``uncalibrated``: nobody knows what
            evidence means on this map. ``no_candidates``: no picture of the map may be the answer.
        evidence: What speaks for the best candidate; None without one.
        confidence: Probability that the answer is right, in [0, 1]; None where nobody knows.
        radius_m: Metres that hold the truth of ``place_map.calibration.ANSWER_LEVEL`` of answers like this one; None
            where nothing supports a number.
    """

    status: Status
    evidence: Evidence | None = None
    confidence: float | None = None
    radius_m: float | None = None

    @property
    def has_position(self) -> bool:
        """Whether the first candidate's position is the answer."""
        return self.status not in ("not_found", "no_candidates")

    @classmethod
    def of(cls, evidence: Evidence, judgement: Judgement | None, options: QueryOptions) -> "Verdict":
        """Return the verdict on an answer.

        Args:
            evidence: For it.
            judgement: What the calibration of the map says; None without one, or if too few candidates were compared.
            options: The share of wrong answers that the query allows, and the confidence that it wants.
        """
        if judgement is None:
            return cls("uncalibrated", evidence)
        confidence, scale = judgement.confidence, judgement.scale
        if confidence < scale.elsewhere_below:
            return cls("not_found", evidence, confidence)
        threshold = scale.threshold(options.max_wrong)
        is_accepted = threshold is not None and confidence >= max(threshold, options.min_confidence)
        return cls("localized" if is_accepted else "uncertain", evidence, confidence, scale.radius_m(confidence))


@dataclass(frozen=True)
class PhotoPart:
    """Hold the part of one photo in the answer to several.

    Attributes:
        candidate: The picture by which it speaks for the answer; None if it does not.
        rank: Of the candidate among all of this photo, from 0: with 0 the photo alone would have the same answer.
        evidence: For the candidate; without one for what the photo shows best. None if nothing could be compared.
        confidence: Probability that the candidate is right, by this photo alone; None without one, or where nobody
            knows.
    """

    candidate: Candidate | None
    rank: int | None
    evidence: Evidence | None
    confidence: float | None


@dataclass(frozen=True)
class MatchedCandidate:
    """A candidate whose cells were matched with those of the query.

    Attributes:
        candidate: The candidate.
        rank: Among all that were looked at, from 0.
        is_elsewhere: Whether it shows another place than the first candidate.
        cells: By which cells it matches.
    """

    candidate: Candidate
    rank: int
    is_elsewhere: bool
    cells: MatchedCells


@dataclass(frozen=True)
class Matches:
    """Hold the cells that match, of the first candidates and of the best one of another place.

    Attributes:
        grid: Where the cells lie, in the query as in the candidates.
        candidates: By their ranks.
    """

    grid: CellGrid
    candidates: tuple[MatchedCandidate, ...]


@dataclass(frozen=True)
class Localization:
    """The answer to a query.

    Attributes:
        verdict: Whether to believe it.
        position: Where the best candidate was taken; None if there is none, or the verdict is that it is elsewhere.
        candidates: Best first.
        map_name: The map that answered.
        map_version: Its version.
        seconds: How long each stage took; a stage that did not run is absent.
        gathered_bytes: Of local features, read from the map to re-rank.
        ranking: All that were looked at, of which ``candidates`` are the first; None if there are none, or several
            photos were asked together.
        photos: Of several photos that were asked together, what each says.
        matches: Which cells match; None if that was not asked for, or there is nothing to match.
        heat: ``(rows, columns)`` float32, how much each part of the photo weighs in its global feature, with a sum of
            1; None if that was not asked for, or the network does not tell.
    """

    verdict: Verdict
    position: LatLon | None
    candidates: tuple[Candidate, ...]
    map_name: str
    map_version: str
    seconds: Mapping[Stage, float]
    gathered_bytes: int
    ranking: Ranking | None = None
    photos: tuple[PhotoPart, ...] = ()
    matches: Matches | None = None
    heat: NDArray[np.float32] | None = None

    @property
    def status(self) -> Status:
        """The verdict in a word."""
        return self.verdict.status
