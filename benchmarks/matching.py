"""Counting mutual matches one candidate after the other, against all candidates in one tensor."""

import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.hardware import describe_hardware
from benchmarks.memory import peak_memory_bytes, reset_peak_memory
from model.matching import count_mutual_matches

CELLS, CHANNELS = 3721, 128


def count_all_at_once(query: Tensor, candidates: Tensor) -> Tensor:
    """The plain batched way: one (K, L, M) tensor of scores, two argmax passes over it."""
    scores = query @ candidates.transpose(1, 2)  # (K, L, M)
    nearest_in_candidate = scores.argmax(dim=2)  # (K, L)
    nearest_in_query = scores.argmax(dim=1)  # (K, M)
    cells = torch.arange(len(query))
    return (nearest_in_query.gather(1, nearest_in_candidate) == cells).sum(dim=1)


METHODS = {"all at once": count_all_at_once, "one by one": count_mutual_matches}


def matching(
    candidates: Annotated[int, typer.Option(min=1, help="Candidates of one query.")] = 20,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each method, in turn; the median counts.")] = 5,
) -> None:
    """Seconds and peak memory of re-ranking one query, each method in a process of its own."""
    context = get_context("spawn")
    workers: dict[str, Connection] = {}
    for name in METHODS:
        ours, theirs = context.Pipe()
        context.Process(target=_worker, args=(theirs, name, candidates), daemon=True).start()
        workers[name] = ours
    rounds: dict[str, list[tuple[float, int, list[int]]]] = {name: [] for name in METHODS}
    for _ in range(repeats + 1):
        for name, worker in workers.items():  # in turn, so that a machine whose speed drifts is fair to both
            worker.send(True)
            rounds[name].append(worker.recv())
    for worker in workers.values():
        worker.send(False)
    counts = {name: runs[0][2] for name, runs in rounds.items()}
    if len({tuple(each) for each in counts.values()}) != 1:
        raise AssertionError(f"the methods disagree: {counts}")
    seconds = {name: median(run[0] for run in runs[1:]) for name, runs in rounds.items()}
    table = Table(title=f"{candidates} candidates, {CELLS} × {CELLS} cells of {CHANNELS} channels, float32")
    for heading in ("method", "seconds a query", "ratio", "peak extra memory MB"):
        table.add_column(heading, justify="left" if heading == "method" else "right")
    for name, runs in rounds.items():
        ratio = seconds["all at once"] / seconds[name]
        table.add_row(name, f"{seconds[name]:.2f}", f"{ratio:.2f}", f"{max(run[1] for run in runs) / 1e6:.0f}")
    console = Console()
    console.print(table)
    console.print(describe_hardware(), soft_wrap=True)


def _worker(commands: Connection, name: str, candidate_count: int) -> None:
    generator = torch.Generator().manual_seed(0)
    query = torch.nn.functional.normalize(torch.randn(CELLS, CHANNELS, generator=generator), dim=-1)
    candidates = torch.nn.functional.normalize(
        torch.randn(candidate_count, CELLS, CHANNELS, generator=generator), dim=-1
    )
    while commands.recv():
        before_bytes = reset_peak_memory()
        start_s = time.perf_counter()
        counts = METHODS[name](query, candidates)
        duration_s = time.perf_counter() - start_s
        commands.send((duration_s, peak_memory_bytes() - before_bytes, counts.tolist()))
