"""Answers made by hand."""

from placefix.answers.outcome import Failure, Outcome
from service.schemas.answer import Accuracy, LocalizationAnswer, MapVersion, Timings
from service.schemas.candidate import CandidateAnswer, Position
from service.words import Status

TIMINGS = Timings(decode=1, queue=0, encode=1, shortlist=1, gather=0, rerank=0, evidence=0, total=3)


def answer(
    status: Status = "localized",
    position: tuple[float, float] | None = (55.7, -13.2),
    confidence: float | None = 0.9874,
    radius_m: float | None = 12.5,
    version: str = "000002",
) -> LocalizationAnswer:
    latitude, longitude = position or (55.7, -13.2)
    candidate = CandidateAnswer(
        rank=1,
        id="lund/ö 1.jpg",
        latitude=latitude,
        longitude=longitude,
        heading_deg=10.0,
        mutual_matches=42,
        global_distance=0.5,
    )
    return LocalizationAnswer(
        status=status,
        position=None if position is None else Position(latitude=latitude, longitude=longitude),
        confidence=confidence,
        accuracy=None if radius_m is None else Accuracy(radius_m=radius_m, level=0.95),
        evidence=None,
        candidates=[] if status == "no_candidates" else [candidate],
        matches=None,
        heat=None,
        photos=None,
        map=MapVersion(name="lund", version=version),
        timings_ms=TIMINGS,
        request_id="f1d2d2f924e986ac",
    )


OUTCOMES = (
    Outcome("a.jpg", answer()),
    Outcome('ö, "b"\n.jpg', answer("not_found", None, 0.1, None)),
    Outcome("bad\x07.jpg", answer("uncalibrated", (-33.9, 18.4), None, None)),
    Outcome("broken.jpg", Failure("corrupt_image", "broken.jpg cannot be decoded")),
    Outcome("none.jpg", answer("no_candidates", None, None, None)),
)
