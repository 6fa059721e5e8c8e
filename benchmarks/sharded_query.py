"""``python -m benchmarks sharded-query``: a query over one shard and HTTP against the same query on one machine."""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import httpx
import typer
from rich.table import Table

from benchmarks.hardware import describe_hardware
from benchmarks.load.minimal_map import load_map_for
from benchmarks.load.server import serving
from benchmarks.result_file import write_result
from placefix.console import output_console

RERANKS = {"never": "false", "always": "true"}
_DIFFER = ("timings_ms", "request_id")  # between two answers to one query


def sharded_query(
    network: Annotated[str, typer.Option(help="minimal or demo.")] = "demo",
    repeats: Annotated[int, typer.Option(min=1, help="Queries of each of the 20 pictures.")] = 10,
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = Path(
        "benchmarks/results/sharded_query.json"
    ),
) -> None:
    """Measure the time that one shard adds to a query, in turn with one machine; all answers have to be equal."""
    with load_map_for(network) as load_map, ExitStack() as stack:

        def start(**settings: object) -> str:
            return stack.enter_context(serving(load_map.path, None, load_map.settings(**settings))).url

        urls = {"one machine": start(), "one shard": start(shards=start(shard="1/1"))}
        rows = [
            {"rerank": rerank, **medians_ms(urls, list(load_map.pictures.values()), asked, repeats)}
            for rerank, asked in RERANKS.items()
        ]
    table = Table(
        "re-ranking", *urls, "difference", title=f"ms of a query, median of {repeats * len(load_map.pictures)}"
    )
    for row in rows:
        alone, sharded = (row[name] for name in urls)
        table.add_row(row["rerank"], f"{alone:.1f}", f"{sharded:.1f}", f"{sharded - alone:+.1f}")
    output_console().print(table)
    output_console().print(f"network {network}; {describe_hardware()}", soft_wrap=True)
    write_result(out, {"network": network, "pictures": len(load_map.pictures), "repeats": repeats, "rows": rows})


def medians_ms(urls: Mapping[str, str], pictures: Sequence[bytes], rerank: str, repeats: int) -> dict[str, Any]:
    """Ask servers in turn, compare their answers, and return name → median of the milliseconds.

    Args:
        urls: Name → address of each server; the first one is the reference.
        pictures: The photos.
        rerank: The value of the field ``rerank``.
        repeats: Queries of each photo to each server.

    Raises:
        AssertionError: A server has answered differently from the first one.
    """
    taken: dict[str, list[float]] = {name: [] for name in urls}
    with ExitStack() as stack:
        clients = {name: stack.enter_context(httpx.Client(base_url=url, timeout=60)) for name, url in urls.items()}
        for picture in list(pictures) * repeats:
            answers = []
            for name, client in clients.items():
                begin = time.perf_counter()
                response = client.post("/localize", content=picture, params={"rerank": rerank})
                taken[name].append((time.perf_counter() - begin) * 1000)
                answer = response.raise_for_status().json()
                answers.append({key: value for key, value in answer.items() if key not in _DIFFER})
                if answers[-1] != answers[0]:
                    raise AssertionError(f"{name} answers {answers[-1]}, and not {answers[0]}")
    return {name: median(times) for name, times in taken.items()}
