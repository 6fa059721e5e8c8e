"""Make the answer of a localization: the same for HTTP and for the command line."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from model.geo import LatLon
from model.network import MUTUAL_MATCHES
from place_map.calibration import ANSWER_LEVEL
from place_map.evidence import Evidence
from service.localization import Candidate, Localization, MatchedCandidate, Matches, PhotoPart
from service.schemas.answer import Accuracy, EvidenceAnswer, LocalizationAnswer, MapVersion, PhotoAnswer, Timings
from service.schemas.candidate import CandidateAnswer, Position
from service.schemas.evidence import CellGridAnswer, HeatAnswer, MatchedCandidateAnswer, MatchesAnswer
from service.stages import Stage

_CONFIDENCE_DIGITS = 4
_HEAT_DIGITS = 3
_FRACTION_DIGITS = 4  # for fractions of the sides of a picture, and for cosines
_POSITION_DIGITS = 8  # for degrees: a millimetre; more digits are the noise of converting minutes and seconds


def build_answer(
    localization: Localization, stage_seconds: Mapping[Stage, float], total_s: float, request_id: str
) -> LocalizationAnswer:
    """Build the answer.

    Args:
        localization: The result of the localizer.
        stage_seconds: The seconds of each stage that ran, in the localizer and around it.
        total_s: The seconds from the last byte of the request to the answer.
        request_id: The name of the request in the log.
    """
    position, verdict = localization.position, localization.verdict
    milliseconds = {stage.value: round(1000 * stage_seconds.get(stage, 0.0), 3) for stage in Stage}
    return LocalizationAnswer(
        status=verdict.status,
        position=None if position is None else _position(position),
        confidence=_rounded(verdict.confidence),
        accuracy=None
        if verdict.radius_m is None
        else Accuracy(radius_m=round(verdict.radius_m, 1), level=ANSWER_LEVEL),
        evidence=_evidence(verdict.evidence, localization.reranker),
        candidates=[_candidate(each, rank) for rank, each in enumerate(localization.candidates)],
        matches=None if localization.matches is None else _matches(localization.matches),
        heat=None if localization.heat is None else _heat(localization.heat),
        without_evidence=localization.without_evidence,
        photos=[_photo(each, number, localization.reranker) for number, each in enumerate(localization.photos, 1)]
        or None,
        map=MapVersion(name=localization.map_name, version=localization.map_version),
        timings_ms=Timings(**milliseconds, total=round(1000 * total_s, 3)),
        request_id=request_id,
    )


def _photo(part: PhotoPart, number: int, reranker: str) -> PhotoAnswer:
    return PhotoAnswer(
        photo=number,
        candidate=None if part.candidate is None or part.rank is None else _candidate(part.candidate, part.rank),
        confidence=_rounded(part.confidence),
        evidence=_evidence(part.evidence, reranker),
    )


def _candidate(candidate: Candidate, rank: int) -> CandidateAnswer:
    """Return the answer for a candidate whose rank is counted from 0."""
    return CandidateAnswer(
        rank=rank + 1,
        id=candidate.id,
        **_position(candidate.position).model_dump(),
        heading_deg=candidate.heading_deg,
        mutual_matches=candidate.mutual_matches,
        score=candidate.score,
        global_distance=candidate.global_distance,
    )


def _matches(matches: Matches) -> MatchesAnswer:
    grid = matches.grid
    rows, columns = grid.cells
    return MatchesAnswer(
        grid=CellGridAnswer(rows=rows, columns=columns, x=_fractions(grid.columns_x), y=_fractions(grid.rows_y)),
        candidates=[_matched(each) for each in matches.candidates],
    )


def _heat(heat: NDArray[np.float32]) -> HeatAnswer:
    rows, columns = heat.shape
    values = [round(value, _HEAT_DIGITS) for value in (heat * heat.size).ravel().tolist()]
    return HeatAnswer(rows=rows, columns=columns, values=values)


def _matched(matched: MatchedCandidate) -> MatchedCandidateAnswer:
    cells = matched.cells
    return MatchedCandidateAnswer(
        candidate=_candidate(matched.candidate, matched.rank),
        is_elsewhere=matched.is_elsewhere,
        count=cells.count,
        query_cells=cells.query_cells.tolist(),
        candidate_cells=cells.candidate_cells.tolist(),
        similarities=_fractions(np.clip(cells.similarities, -1, 1)),
    )


def _fractions(values: NDArray[np.float64]) -> list[float]:
    return [round(value, _FRACTION_DIGITS) for value in values.tolist()]


def _evidence(evidence: Evidence | None, reranker: str) -> EvidenceAnswer | None:
    if evidence is None:
        return None
    is_count = reranker == MUTUAL_MATCHES
    return EvidenceAnswer(
        compared=evidence.compared,
        matches=int(evidence.score) if is_count else None,
        rival_matches=int(evidence.rival_score) if is_count else None,
        score=evidence.score,
        rival_score=evidence.rival_score,
        share=evidence.share,
        global_rank=evidence.global_rank,
        similarity=evidence.similarity,
        rival_similarity=evidence.rival_similarity,
    )


def _rounded(confidence: float | None) -> float | None:
    return None if confidence is None else round(confidence, _CONFIDENCE_DIGITS)


def _position(position: LatLon) -> Position:
    return Position(
        latitude=round(position.latitude, _POSITION_DIGITS), longitude=round(position.longitude, _POSITION_DIGITS)
    )
