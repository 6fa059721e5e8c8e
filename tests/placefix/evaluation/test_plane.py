"""Names with an easting and a northing and no zone: Nordland, AmsterTime and SPED, as their downloader writes them."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from index_builder.errors import SourceError
from model.errors import InvalidInput
from placefix.command_line import app
from tests.conftest import write_photo
from tests.placefix.evaluation.small_set import Set, error_of, measure, run

MINIMAL = ["@543256.96@4178906.70@db0@.jpg", "@543286.96@4178906.70@db1@.jpg", "@543316.96@4178906.70@db2@.jpg"]
MINIMAL_QUERIES = ["@543257.96@4178906.70@q0@.jpg", "@543287.96@4178906.70@q1@.jpg", "@543341.96@4178906.70@q2@.jpg"]
NORDLAND = [f"@0@{2.4 * frame:07.1f}@@@@@{frame}@@@@@@@@.jpg" for frame in range(12)]
PLACED = "@0384300.00@6174000.00@33@U@@@@@@@@@@@.jpg"


def write(folder: Path, names: Sequence[str]) -> Path:
    for seed, name in enumerate(names):
        write_photo(folder / name, seed)
    return folder


def sides(town: Set, folder: Path, database: Sequence[str], queries: Sequence[str]) -> list[object]:
    write(folder / "database", database)
    write(folder / "queries", queries)
    return ["--database", folder / "database", "--queries", folder / "queries", "--weights", town.weights]


def positives(arguments: Sequence[object], folder: Path) -> list[list[str]]:
    """Return the right names for each query."""
    run(*arguments, "--predictions", folder)
    return [json.loads(file.read_text())["positives"] for file in sorted((folder / "queries").iterdir())]


def test_metres_are_those_of_the_plane(town: Set, tmp_path: Path) -> None:
    arguments = [*sides(town, tmp_path, MINIMAL, MINIMAL_QUERIES), "--recalls", 1]
    assert positives(arguments, tmp_path / "p") == [[MINIMAL[0]], [MINIMAL[1]], [MINIMAL[2]]]  # the last at 25 m
    assert positives([*arguments, "--threshold-m", 24.9], tmp_path / "q")[2] == []
    assert positives([*arguments, "--threshold-m", 29], tmp_path / "r")[0] == MINIMAL[:2]
    measured = measure(*arguments)
    assert (measured["queries_without_positive"], measured["settings"]["threshold_m"]) == (0, 25)
    assert "0 have no positive within 25 m in the plane" in run(*arguments)


def test_frames_of_nordland_are_two_metres_and_a_half_apart(town: Set, tmp_path: Path) -> None:
    found = positives([*sides(town, tmp_path, NORDLAND, NORDLAND), "--recalls", 1], tmp_path / "p")
    assert found[0] == NORDLAND[:11]
    assert found[11] == NORDLAND[1:]


def test_headings_count_in_the_plane_too(town: Set, tmp_path: Path) -> None:
    database = [f"@0@0@@@@@{heading}@@{heading}@@@@@@.jpg" for heading in ("010", "100", "350")]
    queries = ["@0@1@@@@@q@@005@@@@@@.jpg"]
    arguments = [*sides(town, tmp_path, database, queries), "--recalls", 1, "--heading-deg", 40]
    assert positives(arguments, tmp_path / "p") == [[database[0], database[2]]]


def test_two_folders_lie_in_one_plane(town: Set, tmp_path: Path) -> None:
    arguments = [*sides(town, tmp_path, MINIMAL[:2], MINIMAL_QUERIES), "--recalls", 1]
    arguments += ["--database", write(tmp_path / "more", MINIMAL[2:])]
    assert [len(names) for names in positives(arguments, tmp_path / "p")] == [1, 1, 1]


def test_some_with_a_zone_and_some_without_are_refused(town: Set, tmp_path: Path) -> None:
    error = error_of(*sides(town, tmp_path / "a", [*MINIMAL, PLACED], MINIMAL_QUERIES))
    assert isinstance(error, SourceError)
    assert f"{tmp_path / 'a' / 'database'}: 3 pictures have no UTM zone in their names" in error.message
    assert f"({MINIMAL[0]} for one), and 1 has a position on the Earth ({PLACED})" in error.message

    arguments = sides(town, tmp_path / "b", MINIMAL, MINIMAL_QUERIES)
    error = error_of(*arguments, "--database", write(tmp_path / "placed", [PLACED]))
    assert isinstance(error, SourceError)
    assert (
        f"{tmp_path / 'placed'} says where its pictures were taken, and {tmp_path / 'b' / 'database'}" in error.message
    )


@pytest.mark.parametrize(("database", "queries"), [(MINIMAL, [PLACED]), ([PLACED], MINIMAL_QUERIES)])
def test_sides_that_are_measured_otherwise_are_refused(
    database: list[str], queries: list[str], town: Set, tmp_path: Path
) -> None:
    error = error_of(*sides(town, tmp_path, database, queries))
    assert isinstance(error, InvalidInput)
    assert "no distance" in error.message


def test_map_has_no_plane(town_map: Path, tmp_path: Path) -> None:
    error = error_of("--map", town_map, "--queries", write(tmp_path, MINIMAL_QUERIES))
    assert isinstance(error, InvalidInput)
    assert "no distance" in error.message


def test_build_needs_the_zone(town: Set, tmp_path: Path) -> None:
    arguments = ["build", "--source", write(tmp_path / "photos", NORDLAND), "--weights", town.weights]
    result = CliRunner().invoke(app, [*map(str, arguments), "--out", str(tmp_path / "map")])
    assert result.exit_code == 1
    assert "12 without a usable position" in str(result.exception)
