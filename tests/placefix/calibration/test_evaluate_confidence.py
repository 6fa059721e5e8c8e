"""``placefix evaluate --confidence`` judges the answers of a calibrated map."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from index_builder.sources.listing import SourceListing
from model.errors import InvalidInput
from placefix.command_line import app
from placefix.evaluation.confidence_plots import RELIABILITY, RISK
from tests import calibrations
from tests.conftest import write_photo

CONDITIONS = ("day", "night")
QUERIES, FOREIGN = 8, 3
SHORTLIST = 20


@pytest.fixture(scope="module")
def calibrated(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a calibration that is sure from five candidates on."""
    path = calibrations.copied(built, tmp_path_factory.mktemp("evaluated"))
    calibrations.give(path, calibrations.calibration(steps=((0, 0.5), (5, 0.97), (SHORTLIST, 0.98))))
    return path


@pytest.fixture(scope="module")
def photos(collection: SourceListing, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return labelled photos: third looks at places, and places that the map does not have."""
    folder = tmp_path_factory.mktemp("photos")
    lines = ["path,latitude,longitude,condition"]
    for number in range(QUERIES):
        place = collection.places[2 * number]
        write_photo(folder / f"{number}.jpg", seed=number, size=(164, 122))
        at = place.position
        lines.append(f"{number}.jpg,{at.latitude},{at.longitude},{CONDITIONS[number % 2]}")
    (folder / "queries.csv").write_text("\n".join(lines) + "\n")
    for number in range(FOREIGN):
        write_photo(folder / "elsewhere" / f"{number}.jpg", seed=5000 + number, size=(160, 120))
    return {"queries": folder / "queries.csv", "foreign": folder / "elsewhere"}


def evaluate(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def measure(*arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(evaluate(*arguments, "--json"))
    return found


def test_groups_are_all_photos_the_queries_and_each_condition(calibrated: Path, photos: dict[str, Path]) -> None:
    found = measure("--map", calibrated, "--queries", photos["queries"], "--foreign", photos["foreign"], "--confidence")
    groups = found["confidence"]
    assert {name: each["answers"] for name, each in groups.items()} == {
        "all": QUERIES + FOREIGN, "queries": QUERIES, "day": QUERIES // 2, "night": QUERIES // 2,
    }  # fmt: skip
    assert found["recalls_after"]["R@1"] == 100 * groups["queries"]["right"] == 100
    assert found["settings"]["rerank"] == SHORTLIST  # as many as were compared to calibrate
    assert found["comparisons"] == QUERIES * SHORTLIST
    everything = groups["all"]
    assert everything["accepted"] == 1  # this calibration believes everything
    assert everything["wrong_of_accepted"] == pytest.approx(FOREIGN / (QUERIES + FOREIGN))
    assert everything["foreign_accepted"] == 1
    assert everything["ece"] == pytest.approx(
        sum(abs(each["right"] - 0.98) for each in everything["bins"]) / (QUERIES + FOREIGN)
    )
    half, most, nearly_all = [each["inside"] for each in groups["queries"]["radii"]]
    assert half <= most <= nearly_all == 1  # one of the two looks at the place, 8 m apart


def test_auto_compares_until_the_map_is_sure(calibrated: Path, photos: dict[str, Path]) -> None:
    found = measure("--map", calibrated, "--queries", photos["queries"], "--confidence", "--rerank", "auto")
    assert found["comparisons"] == QUERIES * 5
    assert found["confidence"]["all"]["bins"][0]["confidence"] == pytest.approx(0.97)
    text = evaluate("--map", calibrated, "--queries", photos["queries"], "--rerank", "auto")
    assert "comparisons        5.0 a query, 95.0% saved" in text  # instead of 100


def test_people_get_tables_and_plots(calibrated: Path, photos: dict[str, Path], tmp_path: Path) -> None:
    asked = ("--map", calibrated, "--queries", photos["queries"], "--foreign", photos["foreign"], "--confidence")
    text = evaluate(*asked, "--plots", tmp_path / "one")
    lines = text.splitlines()
    assert any(line.split() == ["confidence", "answers", "right", "AUROC", "AUC-PR", "ECE", "Brier"] for line in lines)
    assert sum(line.startswith("night ") for line in lines) == 4
    for name in (RELIABILITY, RISK):
        drawn = (tmp_path / "one" / name).read_bytes()
        assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314  our own file
    evaluate(*asked, "--plots", tmp_path / "two")
    assert (tmp_path / "one" / RELIABILITY).read_bytes() == (tmp_path / "two" / RELIABILITY).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--map", "CALIBRATED", "--confidence", "--threshold-m", 10), "lies within 25 m of the truth"),
        (("--map", "CALIBRATED", "--confidence", "--heading-deg", 40), "leave --threshold-m, --heading-deg"),
        (("--map", "CALIBRATED", "--confidence", "--rerank", 3, "--recalls", 1), "calibrated for 5 and more"),
        (("--map", "CALIBRATED", "--foreign", "F"), "give --confidence, too"),
        (("--map", "CALIBRATED", "--plots", "P"), "give --confidence, too"),
        (("--map", "CALIBRATED", "--rerank", "always"), "a number of candidates, 0 for none, or auto, not 'always'"),
        (("--map", "BUILT", "--confidence"), "was never calibrated, so its answers have no confidence"),
        (("--map", "BUILT", "--rerank", "auto"), "nothing says when to stop comparing"),
        (("--database", "D", "--confidence"), "about a map that was calibrated: give it with --map"),
    ],
)
def test_what_has_no_confidence_is_told(
    arguments: tuple[object, ...], message: str, calibrated: Path, built: Path, photos: dict[str, Path]
) -> None:
    named = {"CALIBRATED": calibrated, "BUILT": built, "D": photos["foreign"]}
    given = [str(named.get(str(each), each)) for each in arguments]
    failed = CliRunner().invoke(app, ["evaluate", "--queries", str(photos["queries"]), *given]).exception
    assert isinstance(failed, InvalidInput)
    assert message in failed.message
