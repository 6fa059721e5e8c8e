"""``python -m benchmarks load``: throughput and latency over the rate of arrival, with batching and without."""

import asyncio
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from rich.table import Table

from benchmarks.hardware import describe_hardware
from benchmarks.load.cores import SERVER_CORE, take_client_core
from benchmarks.load.generator import Outcome, closed_loop, open_loop
from benchmarks.load.minimal_map import LoadMap, load_map_for
from benchmarks.load.offline import offline_rate
from benchmarks.load.server import Server, serving
from benchmarks.result_file import write_result
from placefix.console import error_console, output_console

CLIENTS = 32
_SHARES = (0.1, 0.5, 0.8, 1.0, 2.0)  # shares of the capacity of the first server of a network
_WARM_UP_S = 3.0


def load(
    network: Annotated[list[str], typer.Option(help="minimal or demo; may be repeated.")] = ["minimal", "demo"],  # noqa: B006
    seconds: Annotated[float, typer.Option(min=1, help="Seconds of sending at each rate.")] = 10,
    batch: Annotated[list[int], typer.Option(help="Most pictures in a batch; may be repeated.")] = [1, 8],  # noqa: B006
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = Path("benchmarks/results/load.json"),
) -> None:
    """Put a server on one core under load from the other, and measure answers, latencies and refusals."""
    take_client_core()
    console, rows = output_console(), []
    console.print(describe_hardware(), soft_wrap=True)
    for name in network:
        with load_map_for(name) as load_map:
            offline = offline_rate(load_map, SERVER_CORE)
            capacity = None
            for size in batch:
                settings = load_map.settings(max_batch_size=size)
                with serving(load_map.path, SERVER_CORE, settings) as server:
                    row = _measure(server, load_map, seconds, capacity)
                capacity = capacity or row["closed_loop"]["answered_a_second"]
                of_offline = row["closed_loop"]["answered_a_second"] / offline
                rows.append(
                    {"network": name, "batch": size, "offline_a_second": offline} | {"of_offline": of_offline, **row}
                )
                console.print(_table(rows[-1]))
    write_result(out, {"clients": CLIENTS, "seconds": seconds, "rows": rows})
    console.print(str(out), soft_wrap=True)


def _measure(server: Server, load_map: LoadMap, seconds: float, capacity: float | None) -> dict[str, Any]:
    error_console().print(f"{load_map.path.name}: {server.url}", soft_wrap=True)
    asyncio.run(closed_loop(server.url, load_map.pictures, CLIENTS, _WARM_UP_S))
    full = asyncio.run(closed_loop(server.url, load_map.pictures, CLIENTS, seconds))
    rates = []
    for share in _SHARES:
        rate = share * (capacity or full.answered_a_second)
        outcome = asyncio.run(open_loop(server.url, load_map.pictures, rate, seconds))
        rates.append({"share": share, **_told(outcome, rate)})
    return {"closed_loop": _told(full, None), "rates": rates}


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
        title=f"{row['network']}, batches of at most {row['batch']}: "
        f"{row['closed_loop']['answered_a_second']:.1f}/s with {CLIENTS} clients, "
        f"{row['of_offline']:.2f} of {row['offline_a_second']:.1f}/s offline"
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
