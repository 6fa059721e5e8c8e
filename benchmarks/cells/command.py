"""``python -m benchmarks cells``: recall and bytes with fewer cells, on any pictures and weights.

A coarser grid of cells (the paper's table 9) is another thing: its network has fewer and larger cells. Here all cells
are computed as always, and some of them are kept. The way ``evenly`` is nearest to a coarser grid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.table import Table

from benchmarks.ablations.bootstrap import bootstrap, bootstrap_difference
from benchmarks.ablations.outcome import Outcome
from benchmarks.cells.kept_features import kept_features
from benchmarks.cells.measure import ALL, Choice, measure
from benchmarks.cells.ways import SCORES, ways_of
from benchmarks.result_file import write_result
from index_builder.sources.read_options import ReadOptions
from model.errors import InvalidInput
from model.weights import load_network, resolve_weights
from place_map.local_codec import LEARNED, STORES, LocalCodec, StoreType
from placefix.console import output_console
from placefix.evaluation.run import read_dataset
from placefix.evaluation.truth import NearbyTruth
from placefix.progress import show_progress

RANKS = (1, 5, 10)
COUNTS = (500, 1000, 2000)
_REFERENCE_STORE: StoreType = "int8"
_STORES = tuple(store for store in STORES if store not in LEARNED)  # those store blocks of cells, and not each alone


def cells(
    database: Annotated[
        list[Path], typer.Option(help="The pictures to search: a folder or a CSV file.", show_default=False)
    ],
    queries: Annotated[list[Path], typer.Option(help="The queries, with positions.", show_default=False)],
    weights: Annotated[str, typer.Option(help="A SelaVPR with local adaptation, or the starter.", show_default=False)],
    keep: Annotated[
        Path, typer.Option(help="A folder in which encoded features are kept for the next run.", show_default=False)
    ],
    threshold_m: Annotated[float, typer.Option(min=0, help="The greatest distance of a right picture.")] = 25.0,
    frame_tolerance: Annotated[
        int | None, typer.Option(min=0, help="The greatest difference in frames of a right picture.")
    ] = None,
    latitude_column: Annotated[str | None, typer.Option(help="An unusual column of latitudes.")] = None,
    longitude_column: Annotated[str | None, typer.Option(help="An unusual column of longitudes.")] = None,
    queries_every: Annotated[int, typer.Option(min=1, help="Ask every n-th query.")] = 1,
    shortlist: Annotated[int, typer.Option(min=max(RANKS), help="Candidates that are re-ranked.")] = 20,
    counts: Annotated[
        list[int] | None, typer.Option("--cells", help="A number of kept cells; may be repeated.")
    ] = None,
    stores: Annotated[list[str] | None, typer.Option("--store", help="A store; may be repeated.")] = None,
    ways: Annotated[
        list[str] | None, typer.Option("--way", help=f"A way of choosing; may be repeated. All: {', '.join(SCORES)}.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = Path("benchmarks/results/cells.json"),
) -> None:
    """Keep only some cells of each picture, and measure recall against all cells in int8, paired by query."""
    wanted_stores = _known("--store", stores or [_REFERENCE_STORE, "binary"], _STORES)
    wanted_ways = _known("--way", ways or list(SCORES), tuple(SCORES))
    truth = NearbyTruth(threshold_m, None) if frame_tolerance is None else frame_tolerance
    reading = ReadOptions(latitude_column=latitude_column, longitude_column=longitude_column)
    dataset = read_dataset(queries, database, None, truth, None, reading)
    if dataset.positives is None:
        raise InvalidInput("the queries do not say where they were taken: recall cannot be computed")
    network = load_network(resolve_weights(weights)).eval()
    with show_progress("encoding") as progress:
        of_map = kept_features(keep / "database", dataset.database, network, progress)
        asked = kept_features(keep / "queries", dataset.queries[::queries_every], network, progress)
    total, channels = of_map.local_features.shape[1:]
    kept = counts or [count for count in COUNTS if count < total]
    if any(not 0 < count < total for count in kept):
        raise InvalidInput(f"--cells must be from 1 to {total - 1:,}: a picture has {total:,} cells with these weights")
    with show_progress("asking") as progress, torch.inference_mode():
        found = measure(
            of_map,
            asked,
            dataset.positives[::queries_every],
            ways_of(of_map, dataset.database, wanted_ways),
            stores=wanted_stores,
            counts=kept,
            floor=network.match_floor,
            shortlist=shortlist,
            progress=progress,
        )
    rows = summarize(found, channels)
    console = output_console()
    title = f"{len(asked.global_features):,} queries, {len(of_map.global_features):,} pictures, top {shortlist}"
    console.print(_table(title, rows))
    conditions = {
        "database": ["/".join(path.parts[-2:]) for path in database],
        "queries": ["/".join(path.parts[-2:]) for path in queries],
        "weights": weights,
        "asked": len(asked.global_features),
        "pictures": len(of_map.global_features),
        "shortlist": shortlist,
        "cells": total,
        "channels": channels,
        "floor": network.match_floor,
    }
    write_result(out, {"conditions": conditions, "rows": rows})
    console.print(str(out), soft_wrap=True)


def summarize(found: Mapping[Choice, Outcome], channels: int) -> list[dict[str, Any]]:
    """Return a row for each choice, with recall and the difference in points from all cells in int8.

    Args:
        found: The outcome of each choice, on the same queries.
        channels: C.
    """
    hits = {
        choice: {rank: outcome.first_right(outcome.shortlist) < rank for rank in RANKS}
        for choice, outcome in found.items()
    }
    plain = [choice for choice in hits if choice.way == ALL]
    reference = next((choice for choice in plain if choice.store == _REFERENCE_STORE), plain[0])
    rows = []
    for choice, of_rank in hits.items():
        recall = {f"R@{rank}": asdict(bootstrap([hit])) for rank, hit in of_rank.items()}
        difference = {
            f"R@{rank}": asdict(bootstrap_difference([hit], [hits[reference][rank]])) for rank, hit in of_rank.items()
        }
        size = LocalCodec(choice.store, channels).bytes_per_picture(choice.cells)
        rows.append({**asdict(choice), "bytes": size, "recall": recall, "difference": difference})
    return rows


def _known(option: str, names: Sequence[str], known: Sequence[Any]) -> list[Any]:
    if unknown := set(names) - set(known):
        raise InvalidInput(f"{option} {min(unknown)} is not one of {', '.join(known)}")
    return [each for each in known if each in names]


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=f"{title}; recall in percent, and points more than all cells in int8 [95 %]")
    for heading in ("store", "kept", "cells", "cells of a query", "bytes a picture", *(f"R@{rank}" for rank in RANKS)):
        table.add_column(heading, justify="left" if heading in ("store", "kept") else "right")
    for row in rows:
        values = []
        for rank in RANKS:
            value, difference = row["recall"][f"R@{rank}"], row["difference"][f"R@{rank}"]
            interval = f"[{difference['low']:+.1f}, {difference['high']:+.1f}]"
            values.append(f"{value['value']:.1f}\n{difference['value']:+.1f} {interval}")
        numbers = (f"{row[name]:,}" for name in ("cells", "query_cells", "bytes"))
        table.add_row(row["store"], row["way"], *numbers, *values)
    return table
