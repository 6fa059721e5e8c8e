"""From a localization to the answer that goes out: the same for HTTP and for the command line."""

from collections.abc import Mapping
from dataclasses import asdict

from model.geo import LatLon
from place_map.calibration import ANSWER_LEVEL
from service.localization import Localization
from service.schemas import Accuracy, CandidateAnswer, EvidenceAnswer, LocalizationAnswer, MapVersion, Position, Timings
from service.stages import Stage

_CONFIDENCE_DIGITS = 4
_POSITION_DIGITS = 8  # of degrees: a millimetre; what follows is the noise of converting minutes and seconds


def build_answer(
    localization: Localization, stage_seconds: Mapping[Stage, float], total_s: float, request_id: str
) -> LocalizationAnswer:
    """Builds the answer.

    Args:
        localization: What the localizer found.
        stage_seconds: Seconds of each stage that ran, those of the localizer and those around it.
        total_s: Seconds from the last byte of the request to the answer.
        request_id: Names the request in the log.
    """
    position, verdict = localization.position, localization.verdict
    milliseconds = {stage.value: round(1000 * stage_seconds.get(stage, 0.0), 3) for stage in Stage}
    return LocalizationAnswer(
        status=verdict.status,
        position=None if position is None else _position(position),
        confidence=None if verdict.confidence is None else round(verdict.confidence, _CONFIDENCE_DIGITS),
        accuracy=None
        if verdict.radius_m is None
        else Accuracy(radius_m=round(verdict.radius_m, 1), level=ANSWER_LEVEL),
        evidence=None if verdict.evidence is None else EvidenceAnswer(**asdict(verdict.evidence)),
        candidates=[
            CandidateAnswer(
                rank=rank,
                id=candidate.id,
                **_position(candidate.position).model_dump(),
                heading_deg=candidate.heading_deg,
                mutual_matches=candidate.mutual_matches,
                global_distance=candidate.global_distance,
            )
            for rank, candidate in enumerate(localization.candidates, start=1)
        ],
        map=MapVersion(name=localization.map_name, version=localization.map_version),
        timings_ms=Timings(**milliseconds, total=round(1000 * total_s, 3)),
        request_id=request_id,
    )


def _position(position: LatLon) -> Position:
    return Position(
        latitude=round(position.latitude, _POSITION_DIGITS), longitude=round(position.longitude, _POSITION_DIGITS)
    )
