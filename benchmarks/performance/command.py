"""``python -m benchmarks performance``: puts the figures of all benchmarks into the documents that describe them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.ablations.document import fill
from benchmarks.performance.tables import DOCUMENTS
from placefix.console import error_console

NOT_MEASURED = "not measured yet"


def performance(
    root: Annotated[Path, typer.Option(help="The folder that the documents' names start at.")] = Path(),
    results: Annotated[Path, typer.Option(help="The folder of the benchmarks' figures.")] = Path("benchmarks/results"),
) -> None:
    """Put the figures of all benchmarks into docs/performance.md and docs/results.md; what was not measured says so."""
    for name, tables in DOCUMENTS.items():
        document, parts = root / name, {}
        for figures, table in tables.items():
            file = results / f"{figures}.json"
            parts[figures] = table(json.loads(file.read_text("utf-8"))) if file.is_file() else NOT_MEASURED
        document.write_text(fill(document.read_text("utf-8"), parts), "utf-8")
        missing = [figures for figures, part in parts.items() if part == NOT_MEASURED]
        told = f"; not measured: {', '.join(missing)}" if missing else ""
        error_console().print(f"{document}: {len(parts) - len(missing)} tables{told}", soft_wrap=True)
