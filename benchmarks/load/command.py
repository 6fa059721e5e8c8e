"""``python -m benchmarks load``: throughput and latency over the rate of arrival, with batching and without."""

import asyncio
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from rich.table import Table

from benchmarks.hardware import describe_hardware
from benchmarks.load.generator import Outcome, closed_loop, open_loop
from benchmarks.load.minimal_map import LoadMap, make_load_map
from benchmarks.load.offline import offline_rate
from benchmarks.load.server import Server, serving
from benchmarks.result_file import write_result
from model.errors import InvalidInput
from placefix.console import error_console, output_console

CLIENTS = 32
_SHARES = (0.1, 0.5, 0.8, 1.0, 2.0, 5.0)  # of what the server can answer
_SERVER_CORE, _CLIENT_CORE = 0, 1


def load(
    network: Annotated[list[str], typer.Option(help="minimal or demo; may be repeated.")] = ["minimal", "demo"],  # noqa: B006
    seconds: Annotated[float, typer.Option(min=1, help="Of sending at each rate.")] = 20,
    batch: Annotated[list[int], typer.Option(min=1, help="Most pictures in a batch; may be repeated.")] = [1, 8],  # noqa: B006
    out: Annotated[Path, typer.Option(help="Where the figures are written as JSON.")] = Path(
        "benchmarks/results/load.json"
    ),
) -> None:
    """Put a server on one core under load from the other: what it answers, how late, and what it refuses."""
    if (os.cpu_count() or 1) < 2:
        raise InvalidInput("two cores are needed: one for the server, one for the clients")
    console, rows = output_console(), []
    console.print(describe_hardware(), soft_wrap=True)
    os.sched_setaffinity(0, {_CLIENT_CORE})
    for name in network:
        with tempfile.TemporaryDirectory() as folder:
            load_map = make_load_map(Path(folder), name)
            (Path(folder) / "pictures").mkdir()
            offline = offline_rate(load_map, Path(folder) / "pictures", _SERVER_CORE)
            for size in batch:
                with serving(load_map.path, _SERVER_CORE, {"max_batch_size": str(size)}) as server:
                    rows.append(_measure(server, load_map, name, size, offline, seconds))
    for row in rows:
        console.print(_table(row))
    write_result(out, {"clients": CLIENTS, "seconds": seconds, "rows": rows})
    console.print(str(out), soft_wrap=True)


def _measure(
    server: Server, load_map: LoadMap, network: str, batch: int, offline: float, seconds: float
) -> dict[str, Any]:
    error_console().print(f"{network}, batches of at most {batch}", soft_wrap=True)
    before = server.resident_bytes, server.open_files, server.threads
    asyncio.run(closed_loop(server.url, load_map.pictures, CLIENTS, 3))  # warms up
    full = asyncio.run(closed_loop(server.url, load_map.pictures, CLIENTS, seconds))
    rates = []
    for share in _SHARES:
        outcome = asyncio.run(open_loop(server.url, load_map.pictures, share * full.answered_a_second, seconds))
        rates.append({"share": share, **_told(outcome, share * full.answered_a_second)})
    return {
        "network": network,
        "batch": batch,
        "offline_a_second": offline,
        "closed_loop": _told(full, None),
        "of_offline": full.answered_a_second / offline,
        "rates": rates,
        "grown_bytes": server.resident_bytes - before[0],
        "grown_files": server.open_files - before[1],
        "grown_threads": server.threads - before[2],
    }


def _told(outcome: Outcome, rate: float | None) -> dict[str, Any]:
    return {
        "sent_a_second": rate,
        "answered_a_second": outcome.answered_a_second,
        "p50_ms": outcome.percentile_ms(50),
        "p99_ms": outcome.percentile_ms(99),
        "overhead_p50_ms": median(outcome.overhead_s) * 1000 if outcome.overhead_s else None,
        "refused_p50_ms": median(outcome.refused_s) * 1000 if outcome.refused_s else None,
        "statuses": {str(status): count for status, count in sorted(outcome.statuses.items())},
        "wrong": outcome.wrong,
    }


def _table(row: dict[str, Any]) -> Table:
    table = Table(
        title=f"{row['network']}, batches of at most {row['batch']}: {row['closed_loop']['answered_a_second']:.0f}/s "
        f"with {CLIENTS} clients, {row['of_offline']:.2f} of {row['offline_a_second']:.0f}/s offline"
    )
    for heading in ("sent/s", "answered/s", "p50 ms", "p99 ms", "overhead ms", "refused", "wrong"):
        table.add_column(heading, justify="right")
    for rate in row["rates"]:
        refused = sum(count for status, count in rate["statuses"].items() if status != "200")
        table.add_row(
            f"{rate['sent_a_second']:.1f}",
            f"{rate['answered_a_second']:.1f}",
            *(_ms(rate[name]) for name in ("p50_ms", "p99_ms", "overhead_p50_ms")),
            f"{refused:,}",
            str(rate["wrong"]),
        )
    return table


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}"
