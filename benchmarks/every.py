"""``python -m benchmarks all``: one benchmark after the other, each in its own process."""

import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.table import Table

from model.errors import InvalidInput
from placefix.console import error_console, output_console
from placefix.progress import format_duration


@dataclass(frozen=True)
class Run:
    """Describe a benchmark of ``all``.

    Attributes:
        name: The command.
        modest: The options with which all together take less than a quarter of an hour on two cores; None leaves it
            out.
        large: The options for ``--large``; None leaves it out there.
    """

    name: str
    modest: str | None = ""
    large: str | None = None


RUNS = (
    Run("query", "--network demo --places 1000 --encoded 100", "--pictures .town/pictures/test"),
    Run("match"),
    Run("encode", "--repeats 3"),
    Run("learn"),
    Run("gather"),
    Run("shortlist", "--repeats 1 --queries 100", "--large --repeats 1 --queries 100"),
    Run("shortlist", None, "--large --parts 4 --index SQfp16 --index PQ1024x4fs --repeats 1 --queries 50"),
    Run("build", "--count 256 --memory 100 --memory 500", "--vit-l --memory 100 --memory 5000"),
    Run("growth", "--pictures 500 --repeats 1", ""),
    Run("large-map", "--places 10000 --queries 10", ""),
    Run("performance", "", ""),  # last: writes the figures into the documents
)
"""The benchmarks of ``all``, in this order; a new benchmark is one line here."""


def run_all(
    large: Annotated[
        bool, typer.Option("--large", help="Run the benchmarks of a million places and of ViT-L, which take an hour.")
    ] = False,
    only: Annotated[list[str] | None, typer.Option(help="A benchmark; may be repeated.")] = None,
) -> None:
    """Run every benchmark, and write its figures to benchmarks/results/NAME.json.

    A failed benchmark is reported at the end; the others still run.
    """
    chosen = [(run.name, run.large if large else run.modest) for run in RUNS]
    known = sorted({name for name, options in chosen if options is not None})
    unknown = sorted(set(only or ()) - set(known))
    if unknown:
        raise InvalidInput(f"{', '.join(unknown)} is not among {', '.join(known)}")
    table = Table("benchmark", "result", "duration", title="benchmarks")
    failed = False
    for name, options in chosen:
        if options is None or name not in (only or known):
            continue
        command = [sys.executable, "-m", "benchmarks", name, *options.split()]
        error_console().rule(" ".join(command[1:]))
        start_s = time.perf_counter()
        code = subprocess.run(command, check=False).returncode  # noqa: S603  (our own command)
        failed |= code != 0
        table.add_row(name, "done" if code == 0 else f"exit {code}", format_duration(time.perf_counter() - start_s))
    output_console().print(table)
    if failed:
        raise typer.Exit(1)
