"""Hold the answer to a query, with its evidence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.cell_grid import CellGrid
from model.geo import LatLon, distance_m
from model.network import MUTUAL_MATCHES
from place_map.calibration import Judgement
from place_map.evidence import Evidence, Ranking
from place_map.reader import PlaceMap
from service.matches import MatchedCells
from service.query_options import QueryOptions
from service.stages import Stage
from service.words import Status


@dataclass(frozen=True)
class Candidate:
    """Hold a picture of the map that may show the place of the query, with the evidence.

    Attributes:
        row: The row in the map.
        id: The id in the collection.
        position: The position where it was taken.
        heading_deg: The direction of its camera, clockwise from true north; None if unknown.
        score: The re-ranker's score, at least 0, higher is better; None if its local features were not compared.
        mutual_matches: The same as a whole number, where the re-ranker counts mutual matches; None elsewhere.
        global_distance: The Euclidean distance of the global features, in [0, 2].
    """

    row: int
    id: str
    position: LatLon
    heading_deg: float | None
    score: float | None
    mutual_matches: int | None
    global_distance: float

    @classmethod
    def at(cls, place_map: PlaceMap, ranking: Ranking, rank: int) -> "Candidate":
        """Return the candidate of a ranking in a map that has a rank, from 0."""
        row = int(ranking.rows[rank])
        place = place_map.places[row]
        score = float(ranking.scores[rank]) if rank < len(ranking.scores) else None
        is_count = place_map.manifest.features.reranker == MUTUAL_MATCHES
        return cls(
            row=row,
            id=place.id,
            position=place.position,
            heading_deg=place.heading_deg,
            score=score,
            mutual_matches=int(score) if is_count and score is not None else None,
            global_distance=float(ranking.distances[rank]),
        )

    @classmethod
    def first(cls, place_map: PlaceMap, ranking: Ranking, count: int) -> "tuple[Candidate, ...]":
        """Return the first candidates of a ranking in a map, or all if there are fewer."""
        return tuple(cls.at(place_map, ranking, rank) for rank in range(min(count, ranking.answers)))


@dataclass(frozen=True)
class Verdict:
    """Say whether to believe an answer.

    Attributes:
        status: ``localized``: the confidence reaches the threshold of the query. ``uncertain``: it does not.
            ``not_found``: the evidence says that the map does not have the place. ``uncalibrated``: the meaning of
            evidence on this map is unknown. ``no_candidates``: no picture of the map may be the answer.
        evidence: The evidence for the best candidate; None without one.
        confidence: The probability that the answer is right, in [0, 1]; None if unknown.
        radius_m: The radius in metres that holds the truth of ``place_map.calibration.ANSWER_LEVEL`` of answers like
            this one; None if nothing supports a number.
    """

    status: Status
    evidence: Evidence | None = None
    confidence: float | None = None
    radius_m: float | None = None

    @property
    def has_position(self) -> bool:
        """Return whether the first candidate's position is the answer."""
        return self.status not in ("not_found", "no_candidates")

    @classmethod
    def of(cls, evidence: Evidence, judgement: Judgement | None, options: QueryOptions) -> "Verdict":
        """Return the verdict on an answer.

        Args:
            evidence: The evidence for the answer.
            judgement: The judgement of the map's calibration; None without one, or if too few candidates were compared.
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
        candidate: The picture by which it supports the answer; None if it does not.
        rank: The rank of the candidate for this photo, from 0: with 0 the photo alone would have the same answer.
        evidence: The evidence for the candidate; without one, for the photo's own best one. None if nothing was
            compared.
        confidence: The probability that the candidate is right, by this photo alone; None without a candidate, or if
            unknown.
    """

    candidate: Candidate | None
    rank: int | None
    evidence: Evidence | None
    confidence: float | None


@dataclass(frozen=True)
class MatchedCandidate:
    """Hold a candidate whose cells were matched with the query's.

    Attributes:
        candidate: The candidate.
        rank: The rank among all compared candidates, from 0.
        is_elsewhere: Whether it shows another place than the first candidate.
        cells: The cells by which it matches.
    """

    candidate: Candidate
    rank: int
    is_elsewhere: bool
    cells: MatchedCells


@dataclass(frozen=True)
class Matches:
    """Hold the matching cells of the first candidates and of the best one of another place.

    Attributes:
        grid: The places of the cells, in the query and in the candidates.
        candidates: The candidates, by their ranks.
    """

    grid: CellGrid
    candidates: tuple[MatchedCandidate, ...]

    @classmethod
    def of(cls, grid: CellGrid, matched: Iterable[tuple[Candidate, int, MatchedCells]], within_m: float) -> "Matches":
        """Combine candidates with their matching cells.

        Args:
            grid: The places of the cells.
            matched: Each candidate with its rank and its cells; the first one is the best candidate.
            within_m: The distance within which a candidate shows the same place as the first one.
        """
        candidates: list[MatchedCandidate] = []
        for candidate, rank, cells in matched:
            first = candidates[0].candidate if candidates else candidate
            is_elsewhere = distance_m(first.position, candidate.position) > within_m
            candidates.append(MatchedCandidate(candidate, rank, is_elsewhere, cells))
        return cls(grid, tuple(candidates))


@dataclass(frozen=True)
class Localization:
    """Hold the answer to a query.

    Attributes:
        verdict: The verdict on the answer.
        position: The position of the best candidate; None if there is none, or the verdict is that the place is
            elsewhere.
        candidates: The candidates, the best first.
        map_name: The map that answered.
        map_version: Its version.
        seconds: The seconds of each stage; a stage that did not run is absent.
        gathered_bytes: The bytes of local features that were read from the map to re-rank.
        reranker: The name of the map's re-ranker, which gives the scores their meaning.
        ranking: The ranking of all compared pictures, which begins with ``candidates``; None if there are none, or
            several photos were asked together.
        photos: The part of each photo, if several were asked together.
        matches: The matching cells; None if they were not asked for, or there is nothing to match.
        heat: ``(rows, columns)`` float32, the weight of each part of the photo in its global feature, with a sum of 1;
            None if it was not asked for, or the network does not tell.
        without_evidence: The reason why the matches or the heat that were asked for are missing; None if they are not.
    """

    verdict: Verdict
    position: LatLon | None
    candidates: tuple[Candidate, ...]
    map_name: str
    map_version: str
    seconds: Mapping[Stage, float]
    gathered_bytes: int
    reranker: str = MUTUAL_MATCHES
    ranking: Ranking | None = None
    photos: tuple[PhotoPart, ...] = ()
    matches: Matches | None = None
    heat: NDArray[np.float32] | None = None
    without_evidence: str | None = None

    @property
    def status(self) -> Status:
        """Return the verdict in a word."""
        return self.verdict.status
