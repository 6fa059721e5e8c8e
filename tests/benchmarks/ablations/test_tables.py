"""Tables of outcomes, and their places in a document."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks.ablations.cells import FROZEN, SELAVPR, SERIAL
from benchmarks.ablations.command import write_tables
from benchmarks.ablations.conditions import Conditions, read_conditions
from benchmarks.ablations.document import fill
from benchmarks.ablations.outcome import Outcome
from benchmarks.ablations.plot import draw_recall
from benchmarks.ablations.results import Results
from benchmarks.ablations.tables import backbone_table, condition_table, difference_table, main_table, variant_tables
from model.errors import InvalidInput
from model.geo import LatLon
from model.places import Place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return outcomes of four queries, two by day and two at night; re-ranking puts one more of them right."""
    Conditions(("sun", "overcast", "night", "night")).save(tmp_path)
    is_right = np.zeros((4, 20), dtype=bool)
    is_right[0, 0] = is_right[1, 1] = is_right[2, 7] = True
    counts = np.zeros((4, 20), dtype=np.int64)
    counts[1, 1] = 9
    distances = np.tile(np.arange(20, dtype=np.float32), (4, 1))
    for name, seed, counted in (("frozen", 0, None), ("selavpr", 0, counts), ("selavpr", 1, counts)):
        Outcome(is_right, distances, counted).save(tmp_path / f"{name}-seed{seed}.npz")
        (tmp_path / f"{name}-seed{seed}.json").write_text(
            json.dumps({"cell": name, "seed": seed, "trainable": 1_230_000})
        )
    return tmp_path


def test_recall_by_condition(folder: Path) -> None:
    results = Results.load(folder)
    assert len(results.seeds(SELAVPR)) == 2
    assert results.recall(FROZEN, 1, 0).value == 25  # type: ignore[union-attr]
    assert results.recall(SELAVPR, 1, 20).value == 50  # type: ignore[union-attr]
    assert results.recall(SELAVPR, 10, 20, "night").value == 50  # type: ignore[union-attr]
    assert results.gain(SELAVPR, 20, 1).value == 25  # type: ignore[union-attr]
    assert results.difference(SELAVPR, FROZEN, 1, 0).value == 0  # type: ignore[union-attr]
    assert results.recall(SERIAL, 1, 20) is None
    table = condition_table(results, 20)
    assert "| all | 4 | 25.0 / 50.0 / 75.0 " in table
    assert "| night | 2 | 0.0 / 0.0 / 50.0 " in table


def test_differences_are_paired(folder: Path) -> None:
    rows = difference_table(Results.load(folder), 20).splitlines()
    assert rows[2].startswith("| all | 0.0 [0.0, 0.0] | 25.0 [")
    assert rows[3].startswith("| day (sun, overcast) | 0.0 [0.0, 0.0] | 50.0 [")
    assert rows[4] == "| night | 0.0 [0.0, 0.0] | 0.0 [0.0, 0.0] |"


def test_each_backbone_has_a_row(folder: Path) -> None:
    published = Results.load(folder)
    other = Results({"frozen": published.by_name["selavpr"]}, published.conditions)
    [heading, _, *rows] = backbone_table(published, {"two cores": other}, 20).splitlines()
    assert heading == "| backbone | frozen | adapted | top 20 re-ranked | by day | at night |"
    [shipped, again] = [row.strip("| ").split(" | ") for row in rows]
    assert [cell.split(" ")[0] for cell in shipped] == ["shipped", "25.0", "25.0", "50.0", "100.0", "0.0"]
    assert again == ["two cores", shipped[1], *["not run"] * 4]  # the other cell's outcome before re-ranking


def test_what_is_compared_may_be_of_another_backbone(folder: Path, tmp_path: Path) -> None:
    compared = tmp_path / "backbones" / "first"
    shutil.copytree(folder, compared, ignore=shutil.ignore_patterns("backbones", "selavpr*"))
    names = ("conditions", "differences", "backbones", "main", "variants")
    document = tmp_path / "results.md"
    document.write_text("".join(f"<!-- table: {name} -->\n<!-- end -->\n" for name in names), "utf-8")
    write_tables(document, folder, compared, tmp_path / "backbones", 20, None)
    tables = dict(zip(names, document.read_text("utf-8").split("<!-- end -->"), strict=False))
    assert "| all | 4 | 25.0 / 50.0 / 75.0 " in tables["conditions"]
    assert "not run" not in tables["conditions"]
    assert "| both: SelaVPR | – | not run |" in tables["main"]
    assert "| both | not run |" in tables["variants"]
    rows = tables["backbones"].splitlines()[-2:]
    assert [row.split(" | ")[0] for row in rows] == ["| shipped", "| first"]


def test_what_was_not_run_says_so(folder: Path) -> None:
    results = Results.load(folder)
    main = main_table(results, 20).splitlines()
    assert main[2].startswith("| backbone as it is, GeM | 1.23 M | 1 | 25.0 ")
    assert main[4] == "| global adaptation | – | not run | not run | – | not run | not run |"
    variants = dict(variant_tables(results, 20))
    assert "| serial | not run |" in variants["Adapters (table 6)"]
    assert "| 50 | not run |" in variants["Candidates re-ranked (table 10)"]
    assert "| 20 | 50.0 " in variants["Candidates re-ranked (table 10)"]


def test_variants_are_of_one_seed_and_compared_with_the_recipe(folder: Path) -> None:
    for suffix in ("npz", "json"):
        (folder / f"selavpr-seed1.{suffix}").unlink()
    is_right = np.zeros((4, 20), dtype=bool)
    Outcome(is_right, np.zeros((4, 20), np.float32), np.zeros((4, 20), np.int64)).save(folder / "serial-seed0.npz")
    (folder / "serial-seed0.json").write_text(json.dumps({"cell": "serial", "seed": 0, "trainable": 1}))
    Outcome(~is_right, np.zeros((4, 20), np.float32), np.zeros((4, 20), np.int64)).save(folder / "selavpr-seed1.npz")
    (folder / "selavpr-seed1.json").write_text(json.dumps({"cell": "selavpr", "seed": 1, "trainable": 1}))
    [_, _, _, serial, _, both] = dict(variant_tables(Results.load(folder), 20))["Adapters (table 6)"].splitlines()
    assert serial.startswith("| serial | 0.0 ")
    assert "| -50.0 [-100.0, 0.0] |" in serial
    assert both.startswith("| both | 25.0 ")


def test_recall_is_drawn_for_what_was_run(folder: Path, tmp_path: Path) -> None:
    results = Results.load(folder)
    draw_recall(results, 20, tmp_path / "recall.svg")
    drawn = (tmp_path / "recall.svg").read_text("utf-8")
    assert "adapted, top 20 re-ranked" in drawn
    draw_recall(Results({"frozen": results.by_name["frozen"]}, results.conditions), 20, tmp_path / "few.svg")
    assert "adapted" not in (tmp_path / "few.svg").read_text("utf-8")


def test_a_folder_without_outcomes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="run a cell there first"):
        Results.load(tmp_path)


def test_conditions_come_from_the_table(tmp_path: Path) -> None:
    table = tmp_path / "queries.csv"
    table.write_text("path,condition\nb.jpg,night\na.jpg,fog\n", "utf-8")
    queries = [Place(name, tmp_path / name, LatLon(0, 0)) for name in ("a.jpg", "b.jpg")]
    conditions = read_conditions(queries, table)
    assert conditions.of_query == ("fog", "night")
    assert conditions.mask("night").tolist() == [False, True]
    assert conditions.mask().tolist() == [True, True]
    with pytest.raises(InvalidInput, match="states no condition of 1 of 1 queries"):
        read_conditions([Place("c", tmp_path / "c.jpg", LatLon(0, 0))], table)


def test_a_document_keeps_what_is_written_by_hand() -> None:
    text = "before\n<!-- table: one -->\nold\n<!-- end -->\nafter\n"
    filled = fill(text, {"one": "| new |"})
    assert filled == "before\n<!-- table: one -->\n| new |\n<!-- end -->\nafter\n"
    assert fill(filled, {"one": "| new |"}) == filled
    assert fill(text, {}) == text
    with pytest.raises(InvalidInput, match="needs one <!-- table: two -->"):
        fill(text, {"one": "", "two": ""})
