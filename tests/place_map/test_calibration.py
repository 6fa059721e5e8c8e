"""The statements of a calibration, and the refusal of a damaged one."""

import json
from math import exp
from pathlib import Path
from typing import TypeVar

import pytest

from index_builder.verify import verify_map
from model.encoder import Encoder
from place_map import layout
from place_map.calibration import Auto, Calibration, Logistic
from place_map.calibration_advice import calibration_advice
from place_map.calibration_file import parse_calibration
from place_map.checks.problem import ProblemKind
from place_map.errors import MapCorrupt
from place_map.evidence import SIGNALS, Evidence
from place_map.file_sum import FileSum
from place_map.manifest import Manifest
from place_map.manifest_part import ManifestPart
from place_map.reader import PlaceMap
from place_map.versions import read_manifest
from tests import calibrations
from tests.calibrations import RADIUS_M, SCALE, STRICT_SCALE, SURE_FROM, THRESHOLD
from tests.index_builder.map_factory import build_small

Part = TypeVar("Part", bound=ManifestPart)


def changed(part: Part, **changes: object) -> Part:
    return part.model_copy(update=changes)


def evidence(compared: int, matches: int = 100, rival_matches: int = 10) -> Evidence:
    return Evidence(compared, matches, rival_matches, share=0.8, global_rank=1, similarity=0.9, rival_similarity=0.7)


def test_a_confidence_is_the_logistic_of_the_weighed_signals() -> None:
    asked = evidence(20)
    logistic = Logistic(
        means=(1.0,) * len(SIGNALS), scales=(2.0,) * len(SIGNALS), weights=(0.5, 1.5, 0, 0, -1), intercept=0.25
    )
    logit = 0.25 + 0.5 * (asked.signals[0] - 1) / 2 + 1.5 * (asked.share - 1) / 2 - (0.2 - 1) / 2
    assert logistic.probability(asked) == pytest.approx(1 / (1 + exp(-logit)))


@pytest.mark.parametrize(("intercept", "expected"), [(2000.0, 1.0), (-2000.0, 0.0), (0.0, 0.5)])
def test_no_evidence_is_too_much_for_the_arithmetic(intercept: float, expected: float) -> None:
    zeros = (0.0,) * len(SIGNALS)
    logistic = Logistic(means=zeros, scales=(1.0,) * len(SIGNALS), weights=zeros, intercept=intercept)
    assert logistic.probability(evidence(1)) == expected


@pytest.mark.parametrize(
    ("compared", "confidence"),
    [(0, 0.3), (1, None), (4, None), (5, 0.6), (19, 0.6), (20, 0.9), (100, 0.9)],
)
def test_the_step_is_that_of_the_candidates_that_were_compared(compared: int, confidence: float | None) -> None:
    made = calibrations.calibration(steps=((0, 0.3), (5, 0.6), (20, 0.9)))
    judged = made.judge(evidence(compared), is_auto=False)
    assert (None if judged is None else judged.confidence) == (confidence and pytest.approx(confidence))
    assert judged is None or not judged.is_sure


def test_the_step_without_comparisons_never_judges_an_answer_that_was_compared() -> None:
    assert calibrations.calibration(steps=((0, 0.3),)).judge(evidence(20), is_auto=False) is None
    assert calibrations.calibration(steps=((20, 0.3),)).judge(evidence(0), is_auto=False) is None


@pytest.mark.parametrize(("compared", "is_sure"), [(5, False), (10, True), (4, None)])
def test_auto_is_sure_from_a_confidence_on(compared: int, is_sure: bool | None) -> None:
    made = calibrations.calibration(steps=((5, SURE_FROM - 0.05), (10, SURE_FROM + 0.05)))
    judged = made.judge(evidence(compared), is_auto=True)
    assert (judged and judged.is_sure) == is_sure
    assert judged is None or judged.scale == SCALE


@pytest.mark.parametrize(
    ("ends_at", "count", "stops"),
    [(None, 100, (0, 5, 20, 50, 100)), (50, 100, (0, 5, 20, 50)), (50, 300, (0, 5, 20, 50)), (50, 30, (0, 5, 20, 30))],
)
def test_auto_compares_no_more_than_helps(ends_at: int | None, count: int, stops: tuple[int, ...]) -> None:
    made = calibrations.calibration(steps=tuple((compared, 0.5) for compared in (0, 5, 20, 50, 100)))
    made = changed(made, auto=Auto(sure_from=SURE_FROM, scale=SCALE, ends_at=ends_at))
    assert made.stops(count) == stops


def test_without_auto_all_candidates_are_compared() -> None:
    assert calibrations.calibration(steps=((0, 0.5), (5, 0.5)), is_auto=False).stops(100) == (100,)


def test_auto_is_judged_like_always_where_nothing_is_known_of_it() -> None:
    judged = calibrations.calibration(0.95, is_auto=False).judge(evidence(20), is_auto=True)
    assert judged is not None
    assert judged.confidence == pytest.approx(0.95)
    assert not judged.is_sure


def test_the_threshold_is_the_least_that_keeps_the_promise() -> None:
    assert [SCALE.threshold(max_wrong) for max_wrong in (0.01, 0.045, 0.05, 0.3)] == [None, THRESHOLD, THRESHOLD, 0.5]


def test_the_radius_is_that_of_answers_of_like_confidence() -> None:
    assert [SCALE.radius_m(confidence) for confidence in (0, 0.49, 0.5, 0.79)] == [None, None, 38.0, 38.0]
    assert [SCALE.radius_m(confidence) for confidence in (THRESHOLD, 1)] == [RADIUS_M, RADIUS_M]
    assert [SCALE.radius_m(0.1, level) for level in (0.5, 0.8)] == [9.0, None]


@pytest.mark.parametrize(
    ("made", "pictures", "max_wrong", "says"),
    [
        (None, 57, 0.05, "the map has 57 pictures: add 48 more, or give placefix calibrate --queries photos"),
        (None, 105, 0.05, "the map was never calibrated: placefix calibrate does it"),
        (calibrations.calibration(), 300, 0.01, "no confidence promises at most 1% wrong answers"),
        (calibrations.calibration(version="000001"), 300, 0.05, "version 000001 was calibrated, and the map has"),
        (calibrations.calibration(version="000002"), 300, 0.05, None),
    ],
)
def test_it_is_said_what_to_do(
    made: Calibration | None, pictures: int, max_wrong: float, says: str | None, manifest: Manifest
) -> None:
    sums = None if made is None else FileSum(bytes=1, sha256="0" * 64)
    asked = changed(manifest, version="000002", calibration=sums, counts=changed(manifest.counts, placed=pictures))
    advice = calibration_advice(made, asked, max_wrong)
    assert advice is None if says is None else says in str(advice)


def test_the_threshold_that_counts_is_that_of_the_usual_way_to_ask(manifest: Manifest) -> None:
    usual = changed(calibrations.calibration(), auto=Auto(sure_from=SURE_FROM, scale=STRICT_SCALE))
    advice = calibration_advice(usual, manifest, 0.05)
    assert advice is not None
    assert advice.startswith("with rerank=auto no confidence promises at most 5% wrong answers")
    assert "compare all candidates (rerank=true)" in advice
    others = changed(usual, steps=tuple(changed(step, scale=STRICT_SCALE) for step in usual.steps))
    assert calibration_advice(changed(others, auto=Auto(sure_from=SURE_FROM, scale=SCALE)), manifest, 0.05) is None
    assert "rerank" not in str(calibration_advice(others, manifest, 0.05))


def test_a_calibration_of_format_2_is_read(tmp_path: Path) -> None:
    values = json.loads(calibrations.calibration(steps=((0, 0.4), (20, 0.9))).to_json()) | {"format_version": 2}
    del values["auto"]["ends_at"]
    read = parse_calibration(json.dumps(values).encode(), tmp_path)
    assert read is not None
    assert read.stops(100) == (0, 20, 100)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    made = calibrations.calibration(steps=((0, 0.4), (20, 0.9)))
    assert parse_calibration(made.to_json(), tmp_path) == made


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"format_version": 3', b'"format_version": "two"', "format_version"),
        (b"placefix-calibration", b"placefix-map", "format"),
        (b'"within_m": 25.0', b'"within_m": -1.0', "within_m"),
        (b'"within_m"', b'"inside_m"', "within_m"),
        (b'"elsewhere_below": 0.2', b'"elsewhere_below": 1.2', "elsewhere_below"),
        (b"{", b"", "JSON"),
        (b'"weights": [', b'"weights": [0.5,', "weights"),
    ],
)
def test_anything_else_is_refused_by_name(old: bytes, new: bytes, says: str, tmp_path: Path) -> None:
    content = calibrations.calibration().to_json()
    assert old in content
    with pytest.raises(MapCorrupt, match=rf"calibration\.json is not a calibration.*{says}.*placefix calibrate"):
        parse_calibration(content.replace(old, new, 1), tmp_path / "calibration.json")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"share",\n', b""),
        (b'"share",\n', b'"share", "weather",\n'),
        (b'"share"', b'"weather"'),
        (b'"format_version": 3', b'"format_version": 4'),
    ],
)
def test_a_calibration_by_other_evidence_is_none(old: bytes, new: bytes, map_path: Path) -> None:
    content = calibrations.calibration().to_json()
    assert content.count(old) == 1
    calibrations.give(map_path, content.replace(old, new))
    with PlaceMap.open(map_path) as place_map:
        assert place_map.calibration is None
        advice = calibration_advice(place_map.calibration, place_map.manifest, 0.05)
    assert advice is not None
    assert "weighs other evidence: run placefix calibrate again" in advice
    assert verify_map(map_path).is_good


def test_a_calibration_of_format_1_is_none(map_path: Path) -> None:
    content = json.loads(calibrations.calibration().to_json())
    del content["signals"]
    calibrations.give(map_path, json.dumps(content | {"format_version": 1}).encode())
    with PlaceMap.open(map_path) as place_map:
        assert place_map.calibration is None


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder) -> Manifest:
    return read_manifest(build_small(tmp_path_factory.mktemp("advice"), tiny_encoder, count=2).map_path)


@pytest.fixture
def map_path(tmp_path: Path, tiny_encoder: Encoder) -> Path:
    path = build_small(tmp_path, tiny_encoder, count=2).map_path
    calibrations.give(path, calibrations.calibration(0.9, within_m=40))
    return path


def test_a_map_is_opened_with_its_calibration(map_path: Path) -> None:
    with PlaceMap.open(map_path) as place_map:
        assert place_map.calibration == calibrations.calibration(0.9, within_m=40)
    assert verify_map(map_path).is_good


def test_a_damaged_calibration_is_refused_by_its_sum(map_path: Path) -> None:
    path = map_path / "versions" / "000001" / layout.CALIBRATION
    path.write_bytes(path.read_bytes().replace(b"25", b"24").replace(b"40.0", b"90.0"))
    with pytest.raises(MapCorrupt, match=r"calibration\.json is damaged: its SHA-256 is not the manifest's"):
        PlaceMap.open(map_path)
    report = verify_map(map_path)
    assert not report.is_good
    assert [(each.path, each.kind) for each in report.problems] == [
        ("versions/000001/calibration.json", ProblemKind.CHECKSUM)
    ]


def test_a_calibration_that_is_gone_is_named(map_path: Path) -> None:
    (map_path / "versions" / "000001" / layout.CALIBRATION).unlink()
    with pytest.raises(MapCorrupt, match=r"calibration\.json"):
        PlaceMap.open(map_path)
