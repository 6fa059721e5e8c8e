"""The documents of the figures: tables and plots of existing figures, and a note for missing ones."""

import json
import re
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.performance.command import NOT_MEASURED
from benchmarks.performance.documents import DOCUMENTS, PLOTS
from benchmarks.performance.published import published_table
from benchmarks.performance.tables import gather_table, match_table

REPOSITORY = Path(__file__).parents[2]
FIGURES = REPOSITORY / "benchmarks/results"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return copies of the documents."""
    for name in DOCUMENTS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / name)
    return tmp_path


def write(root: Path, results: Path, *more: str) -> str:
    command = ["performance", "--root", str(root), "--results", str(results), *more]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def match_figures(**floors: float | None) -> dict[str, Any]:
    way = {"seconds": 0.35, "ratio": 11.0, "extra_bytes": 4_000_000, "largest_difference": 2, **floors}
    return {"candidates": 100, "fast": "avx-512-int16", "hardware": "a machine", "ways": {"fast": way}}


def test_figures_take_the_place_of_what_stood_there(root: Path, tmp_path: Path) -> None:
    (tmp_path / "match.json").write_text(json.dumps(match_figures()))
    said = write(root, tmp_path, "--no-plots")
    text = (root / "docs/book/performance.md").read_text("utf-8")
    assert "| fast | 350 | 11.0 | – | – | – | 4 | 2 |" in text
    assert text.count(NOT_MEASURED) == len(DOCUMENTS["docs/book/performance.md"]) - 1
    assert "not measured: query, query_amx, query_amx_int8, query_amx_block8, published, match_amx," in said
    assert not (root / "docs/images").exists()


def test_every_mark_of_a_table_is_filled() -> None:
    marks = re.compile(r"<!-- table: (\S+) -->\n(.*?)<!-- end -->", re.DOTALL)
    for document in sorted((REPOSITORY / "docs").rglob("*.md")):
        tables = dict(marks.findall(document.read_text("utf-8")))
        assert [name for name, table in tables.items() if not table.strip()] == [], document


def test_floors_stand_beside_what_was_measured() -> None:
    figures = match_figures(bytes_floor_s=0.0021, operations_floor_s=0.28)
    rates = {"memory_bytes_per_s": 4e10, "peak_operations_per_s": {"float32": 5e11}}
    table = match_table({**figures, **rates})
    assert "| fast | 350 | 11.0 | 2.1 | 280.0 | 1.25 | 4 | 2 |" in table
    assert "Measured at best: 40.0 GB/s of memory; 500 billion operations a second in float32." in table
    unknown = match_table(match_figures(bytes_floor_s=0.0021, operations_floor_s=None))
    assert "| fast | 350 | 11.0 | 2.1 | – | – | 4 | 2 |" in unknown


def test_gathering_with_and_without_floors() -> None:
    ways = [
        {"store": "int8", "way": way, "cold_ms": cold_ms, "warm_ms": 10.0, "gathered_bytes": 5e6}
        for way, cold_ms in (("mapped copies", 80.0), ("read ahead", 20.0))
    ]
    figures = {"candidates": 10, "places": 1000, "hardware": "a machine", "ways": ways}
    assert "| int8 | read ahead | 5.0 | 20.0 | 4.0 | – | 10.0 | 1.0 | – |" in gather_table(figures)
    floors = [{**way, "cold_floor_ms": 16.0, "warm_floor_ms": 4.0} for way in ways]
    table = gather_table({**figures, "ways": floors, "memory_bytes_per_s": 4e10, "disk_bytes_per_s": 1.5e9})
    assert "| int8 | read ahead | 5.0 | 20.0 | 4.0 | 1.25 | 10.0 | 1.0 | 2.50 |" in table
    assert "1.50 GB/s of the disk, 40.0 GB/s of memory" in table


def test_the_papers_figures_are_its_own_and_ours_are_measured() -> None:
    query, match = (json.loads((FIGURES / f"{name}.json").read_text("utf-8")) for name in ("query", "match"))
    query["hardware"], query["store"] = "CPU, 2 cores, torch 2", "int4"
    query["seconds"]["as it is served"] = {"decode": 9, "encode": 0.5, "shortlist": 0.25, "gather": 0.125, "rerank": 1}
    table = published_table(query, match)
    assert "| *SelaVPR* | *paper, NVIDIA RTX 3090* | 0.027 | 0.085 | 0.112 | 1,905,152 † | 5,538 † |" in table
    assert f"| {query['network']}, served | here, CPU, 2 cores | 0.500 | 1.375 | 1.875 | 238,144 | 1 |" in table


def test_the_documents_state_the_figures_that_were_measured(root: Path) -> None:
    """After a new measurement, the documents and their plots are written again."""
    pytest.importorskip("matplotlib")
    write(root, FIGURES)
    for name in DOCUMENTS:
        assert (root / name).read_text("utf-8") == (REPOSITORY / name).read_text("utf-8")
    text = "".join((REPOSITORY / name).read_text("utf-8") for name in DOCUMENTS)
    for name, plot in PLOTS.items():
        if not any((FIGURES / f"{each}.json").is_file() for each in plot.figures):
            continue
        drawn, kept = ((folder / name).read_text("utf-8") for folder in (root, REPOSITORY))
        assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314  (our own)
        assert re.search(rf"\]\((\.\./)?{re.escape(name.removeprefix('docs/'))}\)", text), name
        if _drawn_by(drawn) == _drawn_by(kept):  # another version may draw differently
            assert drawn == kept, f"{name} shows other figures: run `python -m benchmarks performance`"


def test_plots_of_a_part_of_the_figures(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    results = tmp_path / "results"
    results.mkdir()
    shutil.copy(FIGURES / "store.json", results)
    figures = json.loads((FIGURES / "match.json").read_text("utf-8"))
    first, *others = figures["ways"].values()
    first |= {"operations_floor_s": 0.7}
    for way in others:
        way |= {"operations_floor_s": None}
    (results / "match.json").write_text(json.dumps(figures))
    said = write(root, results)
    drawn = {name for name in PLOTS if (root / name).is_file()}
    assert drawn == {"docs/images/performance/match.svg", "docs/images/performance/store.svg"}
    assert f"query.svg: {NOT_MEASURED}" in said


def _drawn_by(svg: str) -> str | None:
    found = re.search(r"<dc:title>(.*?)</dc:title>", svg)
    return found and found[1]
