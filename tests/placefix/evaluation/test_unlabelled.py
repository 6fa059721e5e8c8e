"""Queries of which nobody says where they were taken, as those of the MSLS challenge."""

import csv
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from index_builder.errors import SourceError
from model.errors import InvalidInput
from placefix.command_line import app
from tests.placefix.evaluation.small_set import Set, error_of, from_folders, measure


@pytest.fixture(scope="module")
def challenge(town: Set, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same pictures as a city of the challenge: named by keys, without a word of where they were taken."""
    folder = tmp_path_factory.mktemp("challenge")
    for side, places in (("database", town.database), ("query", town.queries)):
        (folder / side / "images").mkdir(parents=True)
        for number, place in enumerate(places):
            (folder / side / "images" / f"{side[0]}{number}.jpg").write_bytes(place.path.read_bytes())
        (folder / side / "seq_info.csv").write_text("key,sequence_id,frame_number\n")
    return folder


def rows_of(file: Path) -> list[list[str]]:
    lines = file.read_text().splitlines()
    assert lines[0].startswith("#")
    return [line.split() for line in lines[1:]]


def test_the_file_of_the_challenge_is_that_of_the_labelled_set(town: Set, challenge: Path, tmp_path: Path) -> None:
    flags = ["--rerank", 5, "--recalls", 1, "--store", "float32", "--predictions"]
    measure(*from_folders(town), *flags, tmp_path / "labelled")
    sides = ["--database", challenge / "database", "--queries", challenge / "query", "--weights", town.weights]
    result = CliRunner().invoke(app, ["evaluate", *map(str, [*sides, *flags, tmp_path / "blind", "--batch-size", 4])])
    assert result.exit_code == 0, result.output
    assert "queries            6, whose positions are not known: no recall can be computed" in result.stdout
    assert "R@" not in result.stdout
    keys = {f"key{number}{side}": f"{side}{number}" for side in "dq" for number in range(10)}
    labelled = [
        [keys[f"{query}q"], *(keys[f"{found}d"] for found in rest)]
        for query, *rest in rows_of(tmp_path / "labelled" / "msls_challenge.csv")
    ]
    assert sorted(rows_of(tmp_path / "blind" / "msls_challenge.csv")) == sorted(labelled)
    for name in ("pairs_before.txt", "pairs_after.txt"):
        lines = (tmp_path / "blind" / name).read_text().splitlines()
        assert len(lines) == 6 * 5
        assert all((challenge / name).is_file() for line in lines for name in line.split())


def test_what_is_not_known_is_null(town_map: Path, challenge: Path, tmp_path: Path) -> None:
    source = ["--map", town_map, "--queries", challenge / "query", "--rerank", 3, "--recalls", 1]
    measured = measure(*source, "--predictions", tmp_path / "p")
    assert measured["queries"] == 6
    for name in ("queries_without_positive", "recalls_before", "recalls_after", "published"):
        assert measured[name] is None
    assert measured["settings"]["threshold_m"] is None
    found = json.loads((tmp_path / "p" / "queries" / "000000.json").read_text())
    assert (found["query"]["id"], found["query"]["latitude"], found["positives"]) == ("images/q0.jpg", None, None)
    for each in found["candidates"]:
        assert (each["is_positive"], each["distance_m"]) == (None, None)
        assert each["latitude"] == pytest.approx(55.7, abs=0.1)  # the position of a picture of the map


def test_without_a_folder_for_predictions_it_is_refused_before_the_work(challenge: Path) -> None:
    arguments = ["--database", challenge / "database", "--queries", challenge / "query", "--weights", "not looked for"]
    error = error_of(*arguments)
    assert isinstance(error, InvalidInput)
    assert "not one of the 6 queries" in error.message
    assert "recall cannot be computed" in error.message
    assert "--predictions DIR" in error.message


@pytest.mark.parametrize("header", ["path", "key,path", "path,latitude,longitude"])
def test_csv_files_of_queries_without_positions(town_map: Path, challenge: Path, tmp_path: Path, header: str) -> None:
    with (tmp_path / "queries.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        for number in range(6):
            path = str(challenge / "query" / "images" / f"q{number}.jpg")
            writer.writerow({"path": [path], "key,path": [f"key{number}", path]}.get(header, [path, "", ""]))
    listed = tmp_path / "list.txt"
    listed.write_text("q4\nq2\n")
    source = ["--map", town_map, "--queries", tmp_path / "queries.csv", "--query-list", listed]
    assert measure(*source, "--predictions", tmp_path / "p")["queries"] == 2
    assert [row[0] for row in rows_of(tmp_path / "p" / "msls_challenge.csv")] == ["q4", "q2"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("path\nnowhere.jpg\n", r"line 2, names .*nowhere\.jpg, and there is no file"),
        ("id,path\na,PICTURE\na,PICTURE\n", "line 3, lists a a second time"),
        ("path\n", "lists no pictures"),
        ("path,latitude,longitude\nPICTURE,91,0\n", "none with a position"),
    ],
)
def test_lists_that_are_wrong(town_map: Path, challenge: Path, tmp_path: Path, rows: str, message: str) -> None:
    picture = challenge / "query" / "images" / "q0.jpg"
    (tmp_path / "queries.csv").write_text(rows.replace("PICTURE", str(picture)))
    error = error_of("--map", town_map, "--queries", tmp_path / "queries.csv", "--predictions", tmp_path / "p")
    assert isinstance(error, SourceError)
    assert re.search(message, error.message), error.message


def test_what_contradicts_itself_is_refused(town: Set, town_map: Path, challenge: Path, tmp_path: Path) -> None:
    blind = ["--map", town_map, "--queries", challenge / "query", "--predictions", tmp_path / "p"]
    error = error_of(*blind, "--heading-deg", 40)
    assert isinstance(error, InvalidInput)
    assert "leave both out" in error.message
    error = error_of(*blind, "--queries", town.folder / "queries")
    assert isinstance(error, SourceError)
    assert "ask the two separately" in error.message
    labelled = ["--queries", town.folder / "queries", "--weights", town.weights, "--predictions", tmp_path / "p"]
    error = error_of(*labelled, "--database", challenge / "database")
    assert isinstance(error, SourceError)
    assert "none with a position" in error.message


def test_a_published_row_gives_the_conditions_but_nothing_to_compare(
    town_map: Path, challenge: Path, tmp_path: Path
) -> None:
    arguments = ["--map", town_map, "--queries", challenge / "query", "--predictions", tmp_path / "p"]
    measured = measure(*arguments, "--expect", "msls-challenge")
    assert (measured["published"], measured["settings"]["rerank"]) == (None, 100)
