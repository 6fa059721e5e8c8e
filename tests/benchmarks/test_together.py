"""Consecutive photos are asked together, and all numbers of photos use the same places."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.gardenspoint import DATABASE, FOLDER, WALKS
from benchmarks.performance.together_tables import together_table
from benchmarks.together import read_gardenspoint, read_town, windows
from index_builder.errors import SourceError
from tests.conftest import write_photo

FRAMES = 14


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a walk whose queries show the database's frames; frame 6 shows the place of frame 0."""
    root = tmp_path_factory.mktemp("shared")
    folder = root / FOLDER
    for name, side in ((DATABASE, "database"), (WALKS["night_right"], "night")):
        lines = ["path,place_id,dummy_lat,dummy_lon"]
        for frame in range(FRAMES):
            shown = 0 if (side, frame) == ("night", 6) else frame
            write_photo(folder / side / f"Image{frame:03d}.jpg", shown, size=(64, 48))
            lines.append(f"{side}/Image{frame:03d}.jpg,{frame},{-27.4772 + 0.00009 * frame},153.0283")
        (folder / name).write_text("\n".join(lines) + "\n", "utf-8")
    return root


def test_a_frame_that_shows_another_place_is_found_by_those_before_it(shared: Path, tmp_path: Path) -> None:
    out = tmp_path / "together.json"
    command = ["together", "gardenspoint", "--shared", str(shared), "--rerank", "14", "--out", str(out)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, (result.output, result.exception)
    figures = json.loads(out.read_text("utf-8"))
    recall = {(row["kind"], row["photos"]): row["R@1"]["value"] for row in figures["rows"]}
    asked = {(row["kind"], row["photos"]): row["asked"] for row in figures["rows"]}
    assert {asked["sequence", size] for size in (1, 3, 5, 10)} == {FRAMES - 9}
    assert {asked["place", size] for size in (1, 3, 5)} == {FRAMES - 4}
    assert recall["place", 1] == 90  # frame 6
    assert recall["place", 3] == 100
    assert recall["sequence", 10] == 100
    assert "| gardenspoint, at night, as a place | 3 | 10 | 100.0 [100.0, 100.0] |" in together_table(figures)


@pytest.mark.parametrize(("size", "centred"), [(1, False), (3, False), (5, False), (1, True), (3, True), (5, True)])
def test_all_sizes_look_for_the_same_places(size: int, *, centred: bool) -> None:
    found = list(windows([range(8), range(3), range(20, 25)], size, 5, is_centred=centred))
    assert [place for _, place in found] == ([2, 3, 4, 5, 22] if centred else [4, 5, 6, 7, 24])
    for window, place in found:
        assert len(window) == size
        assert window[size // 2 if centred else -1] == place


def test_streets_of_the_town_are_walked_both_ways(tmp_path: Path) -> None:
    lines, header = [], "path,latitude,longitude,street,along_m,place"
    for number, (street, along_m, way) in enumerate(
        [(7, 30, "ahead"), (7, 10, "ahead"), (7, 20, "back"), (7, 5, "back"), (8, 1, "ahead"), (7, 12, "ahead")]
    ):
        write_photo(tmp_path / f"{number}.jpg", number, size=(64, 48))
        cell = f"street-{street}-cell-{along_m // 10:02d}-{way}"
        lines.append(f"{number}.jpg,{-48 + along_m / 1e5},{-123 - street},{street},{along_m},{cell}")
    for name in ("queries.csv", "database.csv"):
        (tmp_path / name).write_text("\n".join([header, *lines]) + "\n", "utf-8")
    asked = read_town(tmp_path)
    names = [[asked.dataset.queries[each].id for each in track] for track in asked.paths]
    assert sorted(names) == [["1.jpg", "5.jpg", "0.jpg"], ["2.jpg", "3.jpg"], ["4.jpg"]]
    assert sorted(map(len, asked.places)) == [1, 1, 1, 1, 2]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="PLACEFIX_SHARED is not set"):
        read_gardenspoint(None)
    with pytest.raises(SourceError, match=r"database\.csv is not there"):
        read_gardenspoint(tmp_path)
    (tmp_path / "queries.csv").write_text("path,latitude,longitude\n", "utf-8")
    with pytest.raises(SourceError, match="has no column along_m, place, street"):
        read_town(tmp_path)
