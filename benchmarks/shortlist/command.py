"""``python -m benchmarks shortlist``: the share of the exact shortlist that each index finds, and its cost."""

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.hardware import describe_hardware
from benchmarks.result_file import write_result
from benchmarks.shortlist.measure import THREADS, IndexFigures, measure_indexes
from benchmarks.shortlist.synthetic import PlaceModel, compare_neighbours
from benchmarks.shortlist.town import TownFeatures, town_features
from model.device import DeviceName
from model.weights import load_selavpr
from place_map.index_choice import BINARY, choose_index, factory_named
from placefix.console import error_console, output_console

COUNTS = (10_000, 100_000)
LARGE_COUNTS = (1_000_000,)
SHORTLIST = 100


def indexes_for(pictures: int, width: int) -> tuple[str, ...]:
    """Return the indexes to compare with ``Flat``: the number of lists is a power of two near four times the root of
    the pictures.
    """
    lists = 2 ** round(np.log2(4 * pictures**0.5))
    return (
        "SQfp16",
        "SQ8",
        f"PQ{width}x4fs",
        f"PQ{width // 2}x4fs",
        factory_named(BINARY, width),
        f"IVF{lists},SQ8",
        f"IVF{lists},PQ{width}x4fs",
        f"IVF{lists},PQ{width // 2}x4fs,RFlat",
        "HNSW32",
    )


def shortlist(
    weights: Annotated[Path, typer.Option(help="The network of the features.")] = Path("demo/town/weights.safetensors"),
    pictures: Annotated[Path, typer.Option(help="The folder of the rendered town.")] = Path(".town/pictures"),
    cache: Annotated[Path, typer.Option(help="The folder of the town's features, for the next run.")] = Path(
        ".town/features"
    ),
    places: Annotated[
        list[int] | None, typer.Option(min=1000, help="The number of synthetic places; may be repeated.")
    ] = None,
    large: Annotated[bool, typer.Option("--large", help="A million places.")] = False,
    parts: Annotated[
        int, typer.Option(min=1, help="The number of dimensions for each of the network's: 4 makes 1024 of 256.")
    ] = 1,
    index: Annotated[
        list[str] | None, typer.Option(help="An index to compare with Flat, instead of all; may be repeated.")
    ] = None,
    queries: Annotated[int, typer.Option(min=20, help="The number of queries for each index.")] = 200,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds of all queries, in turn with Flat.")] = 3,
    device: Annotated[
        DeviceName, typer.Option(help="The device that encodes the town; the CPU does all searching.")
    ] = "auto",
    out: Annotated[Path | None, typer.Option(help="The JSON file of the figures.")] = None,
) -> None:
    """Measure recall@100 against Flat, memory, and milliseconds per query of the indexes that a map can have.

    The measurement covers the whole search of the service: the index proposes, exact distances decide.
    """
    town = town_features(load_selavpr(weights), (pictures / "train", pictures / "test"), cache, device)
    model = PlaceModel.fitted(town, parts)
    sets: dict[str, tuple[NDArray[np.float16], NDArray[np.float32]]] = {}
    if not large and parts == 1:
        sets["the town"] = town.database.astype(np.float16), _spread(town, queries)
    for count in places or (LARGE_COUNTS if large else COUNTS):
        vectors = model.places(count, seed=0)
        sets[f"{count:,} synthetic places"] = vectors, model.ask(vectors, queries, seed=1)
    console, say = output_console(), error_console().print
    results: list[dict[str, Any]] = []
    for name, (vectors, asked) in sets.items():
        say(f"{name}: {len(vectors):,} of width {vectors.shape[1]}")
        with TemporaryDirectory(prefix="placefix-shortlist-") as folder:
            found = measure_indexes(
                Path(folder),
                vectors,
                asked,
                index or indexes_for(*vectors.shape),
                shortlist=SHORTLIST,
                repeats=repeats,
                on_done=lambda factory: say(f"  {factory}"),
            )
        chosen = choose_index(*vectors.shape).factory
        console.print(_table(found, f"{name}, width {vectors.shape[1]}, {len(asked)} queries", chosen))
        results.append(
            {
                "places": name,
                "pictures": len(vectors),
                "width": vectors.shape[1],
                "queries": len(asked),
                "auto": chosen,
                "indexes": [asdict(each) for each in found],
            }
        )
    console.print(describe_hardware(), soft_wrap=True)
    name = "shortlist" + ("-large" if large else "") + (f"-{results[0]['width']}" if parts > 1 else "")
    figures = {"shortlist": SHORTLIST, "fit": compare_neighbours(town, PlaceModel.fitted(town)), "sets": results}
    write_result(out or Path(f"benchmarks/results/{name}.json"), figures)


def _spread(town: TownFeatures, count: int) -> NDArray[np.float32]:
    """Return a number of the town's queries, evenly spaced."""
    rows = np.linspace(0, len(town.queries) - 1, min(count, len(town.queries))).round().astype(int)
    asked: NDArray[np.float32] = town.queries[rows]
    return asked


def _table(found: list[IndexFigures], title: str, chosen: str) -> Table:
    table = Table(title=title)
    table.add_column("index", no_wrap=True)
    times = tuple(f"ms {threads} thr." for threads in THREADS)
    for heading in ("recall", "MB", "build s", *times, "gain"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in found:
        table.add_row(
            f"{each.factory} *" if each.factory == chosen else each.factory,
            f"{each.recall:.4f}",
            f"{each.file_bytes / 1e6:,.1f}",
            f"{each.build_s:.1f}",
            *(f"{each.milliseconds[threads]:.2f}" for threads in THREADS),
            f"{each.exact_milliseconds[1] / each.milliseconds[1]:.1f}",
        )
    table.caption = (
        f"recall@{SHORTLIST} against Flat; gain: Flat's milliseconds, measured in turn, by these; *: what auto picks"
    )
    return table
