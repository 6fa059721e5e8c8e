"""``python -m benchmarks confidence``: how well distance and count tell whether the first answer is right."""

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.ablations.outcome import Outcome
from benchmarks.confidence.plot import draw
from benchmarks.confidence.report import judge, to_json, to_table
from benchmarks.confidence.signals import signals_of
from benchmarks.split import groups, read_conditions
from model.durable import write_atomically
from model.errors import InvalidInput
from placefix.console import output_console


def confidence(
    results: Annotated[Path, typer.Option(help="The folder of outcomes, NAME.npz.")] = Path(
        "benchmarks/results/ablations"
    ),
    pictures: Annotated[Path, typer.Option(help="The folder of the split that was measured.")] = Path(
        ".town/pictures/test"
    ),
    cell: Annotated[str, typer.Option(help="Name of the outcome.")] = "selavpr-seed0",
    shortlist: Annotated[int, typer.Option(min=2, help="Candidates that are re-ranked.")] = 100,
    out: Annotated[Path | None, typer.Option(help="Where the figures are written as JSON.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Where the curves are drawn, .svg or .png.")] = None,
) -> None:
    """AUC-PR of "the first answer is right" for global distance, mutual matches and their margins."""
    path = results / f"{cell}.npz"
    if not path.is_file():
        raise InvalidInput(
            f"there is no outcome {path}: measure it with `python -m benchmarks ablations run --only {cell}`, or name "
            "another with --results and --cell"
        )
    outcome = Outcome.load(path)
    conditions = read_conditions(pictures / "queries.csv")
    if len(conditions) != len(outcome):
        raise InvalidInput(
            f"{path} has {len(outcome)} queries and {pictures / 'queries.csv'} has {len(conditions)}: give the split "
            "that was measured"
        )
    reranked = min(shortlist, outcome.shortlist)
    found = judge(signals_of(outcome, reranked), groups(conditions))
    output_console().print(to_table(found, f"{cell}, the first {reranked} re-ranked"))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        summary = {"cell": cell, "reranked": None if outcome.counts is None else reranked, **to_json(found)}
        write_atomically(out, (json.dumps(summary, indent=1) + "\n").encode())
    if plot is not None:
        draw(found, plot)
