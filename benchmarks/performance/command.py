"""``python -m benchmarks performance``: write the figures of all benchmarks into their documents."""

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.ablations.document import fill
from benchmarks.performance.documents import DOCUMENTS, PLOTS, Table
from benchmarks.performance.markdown import Figures
from placefix.console import error_console

NOT_MEASURED = "not measured yet"


def performance(
    root: Annotated[Path, typer.Option(help="The folder at which the documents' names start.")] = Path(),
    results: Annotated[Path, typer.Option(help="The folder of the benchmarks' figures.")] = Path("benchmarks/results"),
    plots: Annotated[bool, typer.Option(help="Draw also the plots, which needs matplotlib.")] = True,
) -> None:
    """Write the figures of all benchmarks into the documents; a table without figures says that it was not measured."""
    for name, tables in DOCUMENTS.items():
        document = root / name
        parts = {mark: _filled(table, results) for mark, table in tables.items()}
        document.write_text(fill(document.read_text("utf-8"), parts), "utf-8")
        missing = [mark for mark, part in parts.items() if part == NOT_MEASURED]
        told = f"; not measured: {', '.join(missing)}" if missing else ""
        error_console().print(f"{document}: {len(parts) - len(missing)} tables{told}", soft_wrap=True)
    for name, plot in PLOTS.items() if plots else ():
        figures = _read(plot.figures, results)
        if figures:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            plot.draw(figures, root / name)
        error_console().print(f"{root / name}: {'drawn' if figures else NOT_MEASURED}", soft_wrap=True)


def _filled(table: Table, results: Path) -> str:
    figures = _read(table.figures, results)
    return table.make(*figures.values()) if len(figures) == len(table.figures) else NOT_MEASURED


def _read(names: tuple[str, ...], results: Path) -> dict[str, Figures]:
    """Read the measured figures, in this order."""
    files = {name: results / f"{name}.json" for name in names}
    return {name: json.loads(file.read_text("utf-8")) for name, file in files.items() if file.is_file()}
