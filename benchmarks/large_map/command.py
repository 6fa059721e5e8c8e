"""``python -m benchmarks large-map``: maps of many invented places, from the disk to a swap, and how the cost grows."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from benchmarks.hardware import describe_hardware
from benchmarks.large_map.growth import growth_rows
from benchmarks.large_map.measure import SHORTLIST, measure_map
from benchmarks.large_map.writing import SHAPES, write_segments
from benchmarks.result_file import write_result
from benchmarks.synthetic_map import GLOBAL_DIM
from model.durable import write_atomically
from model.errors import InvalidInput
from place_map.index_choice import choose_index
from placefix.console import error_console, output_console
from placefix.progress import show_progress

SIZES = [10_000, 100_000, 1_000_000]
_BYTES_PER_PLACE = 20_000  # 16,000 of local features, 2,048 of the global one, its code, its line in the table
_MEASURED = "measured.json"


def large_map(
    places: Annotated[list[int], typer.Option(min=256, help="The pictures of a map; may be repeated.")] = SIZES,
    queries: Annotated[int, typer.Option(min=2, help="Queries, each asked cold and then warm.")] = 50,
    index: Annotated[str, typer.Option(help="The shortlist index; auto chooses by the size.")] = "auto",
    seed: Annotated[int, typer.Option(help="The seed of the features.")] = 0,
    folder: Annotated[Path, typer.Option(file_okay=False, help="The folder of the maps, which are removed.")] = Path(
        "/var/tmp/placefix-large-map"  # noqa: S108  (not /tmp, which may be memory: a map has 19 GB)
    ),
    out: Annotated[Path, typer.Option(help="The JSON file.")] = Path("benchmarks/results/large_map.json"),
) -> None:
    """Measure bytes, memory and seconds of maps of several sizes, and the exponents with which they grow.

    A run that was interrupted is continued by the same command: finished segments and sizes stay in the folder.
    """
    options: dict[str, Any] = {"width": GLOBAL_DIM, "cells": SHAPES.local_count, "shortlist": SHORTLIST}
    options |= {"queries": queries, "asked_index": index, "seed": seed}
    measured = _measured_before(folder, options)
    for size in sorted(set(places)):
        if not any(each["places"] == size for each in measured):
            measured.append(_measure(folder, size, queries, index, seed))
            write_atomically(folder / _MEASURED, json.dumps({"options": options, "sizes": measured}).encode())
    sizes = sorted((each for each in measured if each["places"] in places), key=lambda each: int(each["places"]))
    _print(sizes)
    write_result(out, {**options, "sizes": sizes})
    shutil.rmtree(folder)


def _measured_before(folder: Path, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the sizes that an interrupted run has measured.

    Raises:
        InvalidInput: It ran with other options.
    """
    folder.mkdir(parents=True, exist_ok=True)
    notes = folder / _MEASURED
    if not notes.exists():
        write_atomically(notes, json.dumps({"options": options, "sizes": []}).encode())
    kept: dict[str, Any] = json.loads(notes.read_bytes())
    if kept["options"] != options:
        raise InvalidInput(f"{folder} has the remains of a run with other options: remove it, or give another --folder")
    found: list[dict[str, Any]] = kept["sizes"]
    return found


def _measure(folder: Path, size: int, queries: int, index: str, seed: int) -> dict[str, Any]:
    own, free = folder / str(size), shutil.disk_usage(folder).free
    has_begun = own.exists()
    if not has_begun and free < size * _BYTES_PER_PLACE:
        raise InvalidInput(
            f"{size:,} places take {size * _BYTES_PER_PLACE / 1e9:.0f} GB, and {folder} has {free / 1e9:.0f} GB free: "
            "give another --folder, or fewer --places"
        )
    with show_progress(f"writing {size:,} places") as progress:
        progress.started(size + 1, 0)
        segments = write_segments(own, size, seed, progress.advanced)
    error_console().print(f"measuring {size:,} places", soft_wrap=True)
    factory = choose_index(size, GLOBAL_DIM).factory if index == "auto" else index
    map_dir = own / "map"
    for remains in ("versions", "codes", "CURRENT"):  # an interrupted run has left them
        path = map_dir / remains
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    figures = measure_map(map_dir, segments, factory, queries)
    shutil.rmtree(own)
    return {
        "places": size,
        "segments": len(segments) - 1,
        "index": factory,
        "figures": [asdict(figure) for figure in figures],
    }


def _print(sizes: list[dict[str, Any]]) -> None:
    table = Table(title=f"maps of invented places, {GLOBAL_DIM} wide, {SHAPES.local_count:,} cells of 128 bits")
    headings, rows = growth_rows(sizes)
    for heading in headings:
        table.add_column(heading, justify="left" if heading == headings[0] else "right")
    for row in rows:
        table.add_row(*row)
    output_console().print(table)
    output_console().print(describe_hardware(), soft_wrap=True)
