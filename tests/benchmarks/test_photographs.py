"""Every set of photographs is queried with every network, and the starter is timed."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.performance.photograph_tables import photographs_table, starter_table
from benchmarks.photographs import COLLECTIONS, FOLDER, read_collection
from index_builder.errors import SourceError
from model.geo import LatLon
from tests.conftest import write_photo

PICTURES = 3


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Return all sets, of a few pictures: each query shows its own place."""
    for collection in COLLECTIONS:
        folder = tmp_path / FOLDER / collection.folder
        by_frame = isinstance(collection.truth, int)
        lists = {"database": "database.csv"} | {Path(file).stem: file for file in collection.queries.values()}
        for side, file in lists.items():
            lines = ["path,place_id" if by_frame else "path,latitude,longitude"]
            for number in range(PICTURES):
                path = write_photo(folder / side / f"{number}.jpg", number, size=(64, 48))
                position = LatLon(50 + number / 100, 8)
                place = f"{10 * number}" if by_frame else f"{position.latitude},{position.longitude}"
                lines.append(f"{side}/{path.name},{place}")
            (folder / file).write_text("\n".join(lines) + "\n", "utf-8")
    return tmp_path


def run(*arguments: object) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, (result.output, result.exception)
    out = Path(str(arguments[-1]))
    written: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return written


def test_all_sets_are_asked_with_all_networks(shared: Path, tmp_path: Path) -> None:
    figures = run("photographs", "--shared", shared, "--rerank", 10, "--out", tmp_path / "photographs.json")
    networks, queries = (dict.fromkeys(row[name] for row in figures["rows"]) for name in ("network", "queries"))
    assert list(networks) == ["starter", "demo", "random ViT-S/14"]
    assert list(queries) == ["gardenspoint, by day", "gardenspoint, at night", "penn", "corridor", "lund"]
    assert len(figures["rows"]) == len(networks) * len(queries)
    for row in figures["rows"]:
        assert (row["asked"], row["database"]) == (PICTURES, PICTURES)
        assert row["before"]["R@1"]["value"] == row["after"]["R@1"]["value"] == 100  # the same picture
        assert row["ms"].keys() == {"decode", "encode", "shortlist", "gather", "rerank"}
    of_starter = {row["bytes_per_picture"] for row in figures["rows"] if row["network"] == "starter"}
    assert of_starter == {30_720 + 2 * 1312}
    table = photographs_table(figures, {"rows": [], "hardware": "another machine"}).splitlines()
    assert sum(line.startswith("| penn (3 on 3) |") for line in table) == len(networks)


def test_a_folder_without_the_photographs_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="PLACEFIX_SHARED is not set"):
        read_collection(None, COLLECTIONS[0])
    with pytest.raises(SourceError, match=r"gardenspoint_walking/database\.csv is not there"):
        read_collection(tmp_path, COLLECTIONS[0])


def test_the_starter_is_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.starter.SIZES", {"64 × 48": (64, 48, 3)})
    figures = run("starter", "--repeats", 1, "--queries", 2, "--out", tmp_path / "starter.json")
    assert figures["builds"]["64 × 48"]["build_rate"] > 0
    assert sum(each for stage, each in figures["query_s"].items() if stage != "total") > 0
    assert "| 64 × 48 |" in starter_table(figures)
