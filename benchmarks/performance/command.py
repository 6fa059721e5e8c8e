"""``python -m benchmarks performance``: puts the figures of all benchmarks into the document that describes them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.ablations.document import fill
from benchmarks.performance.tables import TABLES
from placefix.console import error_console

NOT_MEASURED = "not measured yet"


def performance(
    document: Annotated[Path, typer.Option(help="Where the tables stand.")] = Path("docs/performance.md"),
    results: Annotated[Path, typer.Option(help="The folder of the benchmarks' figures.")] = Path("benchmarks/results"),
) -> None:
    """Put the figures of all benchmarks into docs/performance.md; what was not measured says so."""
    parts = {}
    for name, table in TABLES.items():
        file = results / f"{name}.json"
        parts[name] = table(json.loads(file.read_text("utf-8"))) if file.is_file() else NOT_MEASURED
    document.write_text(fill(document.read_text("utf-8"), parts), "utf-8")
    missing = [name for name, part in parts.items() if part == NOT_MEASURED]
    error_console().print(f"{document}: {len(parts) - len(missing)} tables" + _told(missing), soft_wrap=True)


def _told(missing: list[str]) -> str:
    return f"; not measured: {', '.join(missing)}" if missing else ""
