"""``python -m benchmarks overload`` and ``endurance``: a server beyond its capacity, and one with many requests."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from benchmarks.hardware import describe_hardware
from benchmarks.load.cores import SERVER_CORE, take_client_core
from benchmarks.load.endurance import measure_endurance
from benchmarks.load.minimal_map import load_map_for
from benchmarks.load.overload import BATCH_SIZE, QUEUE_SIZE, TIMES_CAPACITY, measure_overload
from benchmarks.load.server import serving
from benchmarks.result_file import write_result
from placefix.console import output_console

_NETWORK_HELP = "minimal or demo; may be repeated."


def overload(
    network: Annotated[list[str], typer.Option(help=_NETWORK_HELP)] = ["minimal", "demo"],  # noqa: B006
    seconds: Annotated[float, typer.Option(min=1, help="Of overload.")] = 120,
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = Path("benchmarks/results/overload.json"),
) -> None:
    """Send five times the capacity of a server on one core, and measure admitted and refused requests."""
    take_client_core()
    rows = []
    for name in network:
        with load_map_for(name) as load_map:
            settings = load_map.settings(max_batch_size=BATCH_SIZE, queue_size=QUEUE_SIZE)
            with serving(load_map.path, SERVER_CORE, settings) as server:
                rows.append({"network": name, **measure_overload(server, load_map, seconds).as_dict()})
    _show(f"{TIMES_CAPACITY:g} times the capacity for {seconds:g} s", rows)
    write_result(out, {"seconds": seconds, "rows": rows})


def endurance(
    network: Annotated[list[str], typer.Option(help=_NETWORK_HELP)] = ["minimal"],  # noqa: B006
    requests: Annotated[int, typer.Option(min=10, help="Answers to wait for.")] = 20_000,
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = Path(
        "benchmarks/results/endurance.json"
    ),
) -> None:
    """Ask a server very often, and measure the growth of memory, files and threads."""
    take_client_core()
    rows = []
    for name in network:
        with load_map_for(name) as load_map, serving(load_map.path, SERVER_CORE, load_map.settings()) as server:
            rows.append({"network": name, **measure_endurance(server, load_map, requests).as_dict()})
    _show(f"{requests:,} requests", rows)
    write_result(out, {"rows": rows})


def _show(title: str, rows: list[dict[str, Any]]) -> None:
    table = Table("", *(row["network"] for row in rows), title=title)
    for name in list(rows[0])[1:]:
        table.add_row(name, *(_written(row[name]) for row in rows))
    console = output_console()
    console.print(describe_hardware(), soft_wrap=True)
    console.print(table)


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(_written(each) for each in value)
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"
