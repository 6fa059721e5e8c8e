"""docs/evaluation.md names every option, and published.toml fulfils its own description."""

from pathlib import Path

from typer.main import get_command

from placefix.command_line import app
from placefix.evaluation.published import read_published

DOCUMENT = Path(__file__).parents[3] / "docs" / "evaluation.md"


def test_every_option_is_described() -> None:
    text = DOCUMENT.read_text("utf-8")
    command = get_command(app).commands["evaluate"]  # type: ignore[attr-defined]
    flags = [flag for parameter in command.params for flag in parameter.opts if flag != "--help"]
    assert len(flags) > 20
    for flag in flags:
        assert flag in text, flag


def test_the_published_rows_are_whole() -> None:
    published = read_published()
    assert {row.weights for row in published.rows.values()} <= {*published.weights, None}
    for row in published.rows.values():
        assert row.after
        assert (row.threshold_m is None) != (row.frame_tolerance is None)
        for stage in (row.before, row.after):
            percents = [stage[value] for value in sorted(stage)]
            assert percents == sorted(percents)  # recall does not fall with N
        is_counted = (row.database is not None, row.queries is not None)
        assert is_counted == ((False, False) if "challenge" in row.dataset else (True, True)), row.dataset
    top_100 = published.rows["msls-val"]
    assert (top_100.after, top_100.queries) == ({1: 90.8, 5: 96.4, 10: 97.2}, 740)


def test_the_document_states_the_counts_of_the_published_rows() -> None:
    text = DOCUMENT.read_text("utf-8")
    published = read_published()
    counts = {(row.database, row.queries) for row in published.rows.values() if row.database and row.queries}
    assert len(counts) == 6
    for database, queries in counts:
        assert f"| {database:,} | {queries:,} |" in text
    assert {row.table for row in published.rows.values()} == {None, 8, 9, 10}
    assert "tables 11 and 12" in text
