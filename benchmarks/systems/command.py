"""``python -m benchmarks systems``: every system on the same pictures, side by side."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.hardware import describe_hardware
from benchmarks.result_file import write_result
from benchmarks.systems.catalogue import System, choose_systems, find_weights
from benchmarks.systems.measure import RECALL_VALUES, Question, measure_apart
from benchmarks.systems.plot import draw_systems
from benchmarks.systems.tables import measured_table, quoted_table
from index_builder.sources.read_options import ReadOptions
from model.device import DeviceName
from model.durable import sha256_of
from model.errors import InvalidInput
from model.recall import DEFAULT_THRESHOLD_M
from model.weights_cache import WeightsCache
from placefix.commands.options import NetworkPrecisionOption
from placefix.console import error_console, output_console
from placefix.drawings.plots import check_can_draw
from placefix.evaluation.run import Dataset, read_dataset
from placefix.evaluation.truth import NearbyTruth


def systems(
    database: Annotated[list[Path], typer.Option(help="The database: a folder or a list; may be repeated.")],
    queries: Annotated[list[Path], typer.Option(help="The queries: a folder or a list; may be repeated.")],
    chosen: Annotated[list[str], typer.Option("--systems", help="A system, or all; may be repeated.")] = ["all"],  # noqa: B006 - typer does not change the default
    rerank: Annotated[int, typer.Option(min=max(RECALL_VALUES), help="Candidates that are compared.")] = 100,
    timed_queries: Annotated[int, typer.Option(min=1, help="Queries that are timed; the median counts.")] = 20,
    seconds: Annotated[
        float, typer.Option(min=0, help="After so many seconds no further query of a system is timed.")
    ] = 20.0,
    threshold_m: Annotated[
        float, typer.Option(help="A picture is right if it is at most this many metres away.")
    ] = DEFAULT_THRESHOLD_M,
    frame_tolerance: Annotated[
        int | None, typer.Option(help="Instead of metres: at most this many frames away.", show_default=False)
    ] = None,
    device: Annotated[DeviceName, typer.Option(help="The device of the work.")] = "auto",
    encoding: NetworkPrecisionOption = "auto",
    out: Annotated[Path, typer.Option(help="The JSON file of the figures; the plot lies beside it.")] = Path(
        "benchmarks/results/systems.json"
    ),
) -> None:
    """Measure recall, time, bytes and memory of every system, each in a process of its own.

    Systems without weights on this machine get random ones, and no recall. Those that the file of figures has already,
    with the same weights, pictures and options, are not measured again. ``python -m benchmarks performance`` writes the
    figures into docs/systems.md.
    """
    check_can_draw()
    wanted = choose_systems(chosen)
    truth = NearbyTruth(threshold_m, None) if frame_tolerance is None else frame_tolerance
    dataset = read_dataset(queries, database, None, truth, None, ReadOptions())
    question = Question(dataset, rerank, timed_queries, seconds, device, encoding)
    conditions = _conditions(question)
    rows = _read_rows(out, conditions)
    console, errors, failed = output_console(), error_console(), []
    for told in dataset.left_out:
        errors.print(told, soft_wrap=True)
    for number, system in enumerate(wanted, start=1):
        if _is_measured(system, rows):
            errors.print(f"{system.title}: already in {out}", soft_wrap=True)
            continue
        errors.rule(f"{system.title}, {number} of {len(wanted)}")
        try:
            rows[system.name] = measure_apart(system, question)
        except RuntimeError as error:
            failed.append(f"{system.title} could not be measured: {error}")
            errors.print(failed[-1], soft_wrap=True)
            continue
        write_result(out, {"conditions": conditions, "systems": list(rows.values())})
    found = [rows[system.name] for system in wanted if system.name in rows]
    if found:
        console.print(measured_table(found))
    console.print(quoted_table())
    random = [row["title"] for row in found if row["recall"] is None]
    if random:
        console.print(f"without recall, because they have random weights: {', '.join(random)}", soft_wrap=True)
    if len(random) < len(found):
        draw_systems(found, out.with_suffix(".svg"))
        console.print(str(out.with_suffix(".svg")), soft_wrap=True)
    console.print(describe_hardware(), soft_wrap=True)
    if failed:
        for told in failed:
            console.print(told, soft_wrap=True)
        raise typer.Exit(1)


def _conditions(question: Question) -> dict[str, Any]:
    """Return the conditions that all figures of a file share."""
    return {
        "database": len(question.dataset.database),
        "queries": len(question.dataset.queries),
        "pictures_sha256": _digest(question.dataset),
        "truth": str(question.dataset.truth),
        "rerank": question.rerank,
        "timed_queries": question.timed_queries,
        "seconds": question.seconds,
        "device": question.device,
        "network_precision": question.network_precision,
        "machine": describe_hardware(),
    }


def _digest(dataset: Dataset) -> str:
    digest = hashlib.sha256()
    for places in (dataset.database, dataset.queries):
        for place in places:
            digest.update(f"{place.id} {place.position!r}\n".encode())
    for rows in dataset.positives or ():
        digest.update(rows.tobytes() + b"\n")
    return digest.hexdigest()


def _read_rows(out: Path, conditions: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the figures of an earlier run by system; none if there is no file.

    Raises:
        InvalidInput: The file has figures of other pictures, options or hardware, or cannot be read.
    """
    if not out.is_file():
        return {}
    try:
        earlier = json.loads(out.read_text("utf-8"))
        had, rows = earlier["conditions"], {row["system"]: row for row in earlier["systems"]}
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{out} is not a file of this benchmark ({error}): give another --out") from error
    others = [name for name, value in conditions.items() if had.get(name) != value]
    if others:
        told = ", ".join(f"{name} {had.get(name)} instead of {conditions[name]}" for name in others)
        raise InvalidInput(f"{out} has figures of other conditions ({told}): give another --out, or remove it")
    return rows


def _is_measured(system: System, rows: dict[str, dict[str, Any]]) -> bool:
    """Return whether an earlier run has measured a system with the weights that are here now."""
    row = rows.get(system.name)
    if row is None:
        return False
    weights = find_weights(system, WeightsCache())
    now: str | None = None if weights is None else sha256_of(weights)
    had: str | None = row["weights_sha256"]
    return now == had
