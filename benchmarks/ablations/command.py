"""``python -m benchmarks ablations``: run cells, and make the tables and plots of finished ones."""

from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.ablations.cells import Cell, all_cells
from benchmarks.ablations.conditions import read_conditions
from benchmarks.ablations.document import fill
from benchmarks.ablations.plot import draw_recall
from benchmarks.ablations.results import Results
from benchmarks.ablations.run import Recipes, Where, read_town, run_cell
from benchmarks.ablations.seeds import network_of_seed
from benchmarks.ablations.tables import backbone_table, condition_table, difference_table, main_table, variant_tables
from model.device import DeviceName, choose_device
from model.errors import InvalidInput
from model.matching import MatchingPrecision
from model.training.config_file import read_config
from model.weights import save_network
from placefix.console import error_console, resumable
from placefix.progress import show_progress

app = typer.Typer(help="The paper's ablations on the demo town.", no_args_is_help=True)

RESULTS = Path("benchmarks/results/ablations")
BACKBONES = Path("benchmarks/results/backbones")
COMPARED = BACKBONES / "first"


@app.command("run")
def run_cells(
    pictures: Annotated[Path, typer.Option(help="The folder of the rendered splits.")] = Path(".town/pictures"),
    backbone: Annotated[Path, typer.Option(help="The pre-trained weights.")] = Path(
        ".town/backbone/backbone.safetensors"
    ),
    first: Annotated[Path, typer.Option(help="The training of the global feature.")] = Path("demo/adapt.toml"),
    second: Annotated[Path, typer.Option(help="The training of the local features.")] = Path("demo/localize.toml"),
    runs: Annotated[Path, typer.Option(help="The folder of trainings, from which they continue.")] = Path(
        ".town/ablations"
    ),
    results: Annotated[Path, typer.Option(help="The folder of outcomes.")] = RESULTS,
    only: Annotated[
        list[str] | None, typer.Option(help="Names of cells, with or without -seedN; by default all.")
    ] = None,
    measured: Annotated[str, typer.Option(help="The split of the measurement.")] = "test",
    shortlist: Annotated[
        int | None, typer.Option(min=20, help="Candidates that are re-ranked, instead of the cell's own number.")
    ] = None,
    precision: Annotated[MatchingPrecision, typer.Option(help="The precision of counting mutual matches.")] = "exact",
    device: Annotated[DeviceName, typer.Option(help="The device of the work.")] = "auto",
    workers: Annotated[int, typer.Option(min=1, help="The number of cells at a time, each in its own process.")] = 1,
) -> None:
    """Train and measure cells; existing outcomes are kept, and interrupted trainings continue."""
    cells = choose_cells(only)
    if shortlist is not None:
        cells = tuple(replace(cell, shortlist=shortlist) for cell in cells)
    recipes, where = Recipes(read_config(first), read_config(second)), Where(backbone, runs, results)
    town = read_town(pictures, measured)  # check all files before hours of work
    results.mkdir(parents=True, exist_ok=True)
    read_conditions(town.test.queries, pictures / measured / "queries.csv").save(results)
    if workers == 1:
        with resumable():
            for cell in cells:
                _run(cell, recipes, pictures, where, measured, precision, device)
        return
    with resumable(), ProcessPoolExecutor(workers, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes:
        running = {
            processes.submit(_run, cell, recipes, pictures, where, measured, precision, device): cell for cell in cells
        }
        for done in as_completed(running):
            done.result()
            error_console().print(f"done: {running[done].file_name}")


def choose_cells(names: list[str] | None) -> tuple[Cell, ...]:
    """Return the cells of these names.

    Raises:
        InvalidInput: There is no cell of a name.
    """
    cells = all_cells()
    known = {cell.name for cell in cells} | {cell.file_name for cell in cells}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise InvalidInput(f"there is no cell {unknown[0]}; there are {', '.join(sorted(known))}")
    return tuple(cell for cell in cells if not names or cell.name in names or cell.file_name in names)


def _run(
    cell: Cell,
    recipes: Recipes,
    pictures: Path,
    where: Where,
    measured: str,
    precision: MatchingPrecision,
    device: DeviceName,
) -> None:
    town = read_town(pictures, measured)
    with show_progress(cell.file_name) as progress:
        progress.started(len(town.test.database) + len(town.test.queries), 0)
        run_cell(cell, recipes, town, where, choose_device(device).device, progress, precision)


@app.command("seed")
def write_seed(
    seed: Annotated[int, typer.Argument(help="The seed of the trainings: 1 or 2.")],
    out: Annotated[Path, typer.Option(help="The file of the network.")],
) -> None:
    """Write the demo's network with the adaptations of another seed, for the benchmarks that compare seeds."""
    save_network(network_of_seed(seed), out)
    error_console().print(str(out), soft_wrap=True)


@app.command("tables")
def write_tables(
    document: Annotated[Path, typer.Option(help="The document of the tables.")] = Path("docs/book/results.md"),
    results: Annotated[Path, typer.Option(help="The outcomes of the shipped backbone.")] = RESULTS,
    compared: Annotated[Path, typer.Option(help="The outcomes of tables 4 to 10, all on one backbone.")] = COMPARED,
    backbones: Annotated[Path, typer.Option(help="A folder of outcomes for each other backbone.")] = BACKBONES,
    shortlist: Annotated[int, typer.Option(min=1, help="Candidates that count as re-ranked.")] = 20,
    plot: Annotated[Path | None, typer.Option(help="Draw recall@N here: .svg or .png.")] = None,
) -> None:
    """Write the tables of all outcomes into their document."""
    shipped, of_one_backbone = Results.load(results), Results.load(compared)
    parts = {
        "conditions": condition_table(shipped, shortlist),
        "differences": difference_table(shipped, shortlist),
        "main": main_table(of_one_backbone, shortlist),
    }
    variants = variant_tables(of_one_backbone, shortlist)
    parts["variants"] = "\n\n".join(f"### {heading}\n\n{table}" for heading, table in variants)
    if not backbones.is_dir():
        raise InvalidInput(f"--backbones {backbones} is not a folder; it needs a folder of outcomes for each backbone")
    others = {folder.name: Results.load(folder) for folder in sorted(backbones.iterdir()) if folder.is_dir()}
    parts["backbones"] = backbone_table(shipped, others, shortlist)
    document.write_text(fill(document.read_text("utf-8"), parts), "utf-8")
    if plot is not None:
        plot.parent.mkdir(parents=True, exist_ok=True)
        draw_recall(shipped, shortlist, plot)
    error_console().print(f"{document}: {', '.join(parts)}", soft_wrap=True)
