"""A judgement becomes a status, and the radius that goes with it."""

import pytest

from place_map.calibration import Judgement
from place_map.evidence import Evidence
from service.localization import Verdict
from service.query_options import DEFAULT_MAX_WRONG, QueryOptions
from tests.calibrations import ELSEWHERE_BELOW, RADIUS_M, SCALE, THRESHOLD

EVIDENCE = Evidence(
    compared=20, score=100, rival_score=10, share=0.8, global_rank=1, similarity=0.9, rival_similarity=0.7
)


def verdict(confidence: float, max_wrong: float = DEFAULT_MAX_WRONG, min_confidence: float = 0.0) -> Verdict:
    options = QueryOptions(1, 1, "always", max_wrong, min_confidence)
    return Verdict.of(EVIDENCE, Judgement(confidence, SCALE, is_sure=False), options)


@pytest.mark.parametrize(
    ("confidence", "status", "radius_m", "has_position"),
    [
        (1.0, "localized", RADIUS_M, True),
        (THRESHOLD, "localized", RADIUS_M, True),
        (THRESHOLD - 0.01, "uncertain", 38.0, True),
        (ELSEWHERE_BELOW, "uncertain", None, True),
        (ELSEWHERE_BELOW - 0.01, "not_found", None, False),
    ],
)
def test_the_confidence_decides(confidence: float, status: str, radius_m: float | None, has_position: bool) -> None:
    found = verdict(confidence)
    assert (found.status, found.radius_m, found.has_position) == (status, radius_m, has_position)
    assert (found.confidence, found.evidence) == (confidence, EVIDENCE)


@pytest.mark.parametrize(
    ("max_wrong", "min_confidence", "status"),
    [
        (0.3, 0.0, "localized"),  # from 0.5 on at most 20 % are wrong
        (0.1, 0.0, "uncertain"),
        (0.01, 0.0, "uncertain"),  # which nothing reaches
        (0.3, 0.7, "localized"),
        (0.3, 0.71, "uncertain"),
    ],
)
def test_a_query_says_how_many_may_be_wrong_and_what_it_wants_besides(
    max_wrong: float, min_confidence: float, status: str
) -> None:
    assert verdict(0.7, max_wrong, min_confidence).status == status


def test_a_wanted_confidence_alone_does_not_make_an_answer_localized() -> None:
    assert verdict(0.7, min_confidence=0.6).status == "uncertain"


def test_no_query_makes_a_place_of_elsewhere_its_answer() -> None:
    assert verdict(ELSEWHERE_BELOW - 0.01, max_wrong=0.99).status == "not_found"


def test_without_a_judgement_there_is_the_evidence_and_a_position() -> None:
    found = Verdict.of(EVIDENCE, None, QueryOptions(1, 1, "always"))
    assert found == Verdict("uncalibrated", EVIDENCE)
    assert found.has_position
    assert not Verdict("no_candidates").has_position
