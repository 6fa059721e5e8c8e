"""Counting mutual matches: every way against the plain one, in one run."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.counting_floor import Rates, Work
from benchmarks.hardware import describe_hardware
from benchmarks.memory import peak_memory_bytes, reset_peak_memory
from benchmarks.result_file import write_result
from model.cpu_matching import count_in_int16
from model.device import DeviceName, choose_device
from model.matching import count_mutual_matches, matcher_name
from place_map.local_codec import LocalCodec

CELLS, CHANNELS = 3721, 128
PLAIN, SERVED = "plain: all at once", "fast, int8 candidates"
FEW = (1, 5)
"""The numbers of candidates for which the served way is measured besides."""


def count_all_at_once(query: Tensor, candidates: Tensor, floor: float | None = None) -> Tensor:
    """Count in the plain batched way: one (K, L, M) tensor of scores, two argmax passes over it."""
    scores = query @ candidates.transpose(1, 2)  # (K, L, M)
    nearest_in_candidate = scores.argmax(dim=2)  # (K, L)
    nearest_in_query = scores.argmax(dim=1)  # (K, M)
    cells = torch.arange(len(query), device=query.device)
    is_mutual = nearest_in_query.gather(1, nearest_in_candidate) == cells
    if floor is not None:
        nearest = candidates.gather(1, nearest_in_candidate[..., None].expand(-1, -1, candidates.shape[2]))  # (K, L, C)
        is_mutual &= torch.nn.functional.cosine_similarity(query.double(), nearest.double(), dim=2) >= floor
    return is_mutual.sum(dim=1)


@dataclass(frozen=True)
class Way:
    """Describe a way to count.

    Attributes:
        count: A function of a query ``(L, C)``, candidates ``(K, M, C)`` and a floor, or None.
        stored: The type of the candidates.
        is_exact: Whether counts must equal the counts of the plain way.
        multiplied: The type of the factors; None for the type of the fast matcher on the device.
    """

    count: Callable[[Tensor, Tensor, float | None], Tensor]
    stored: torch.dtype
    is_exact: bool
    multiplied: str | None


def _exact(query: Tensor, candidates: Tensor, floor: float | None) -> Tensor:
    return count_mutual_matches(query, candidates, floor=floor)


def _fast(query: Tensor, candidates: Tensor, floor: float | None) -> Tensor:
    return count_mutual_matches(query, candidates, precision="fast", floor=floor)


def _fast_without_amx(query: Tensor, candidates: Tensor, floor: float | None) -> Tensor:
    from model.cpu_kernels.compiled import host_tile, kernels_for  # noqa: PLC0415  (LLVM may be missing)

    tile = host_tile()
    assert tile is not None  # noqa: S101  (a processor with AMX has one)
    return count_in_int16(query, candidates, floor, kernels=kernels_for(tile))


def _fast_in_one_thread(query: Tensor, candidates: Tensor, floor: float | None) -> Tensor:
    torch.set_num_threads(1)  # in the process of this way alone
    return _fast(query, candidates, floor)


WAYS = {
    PLAIN: Way(count_all_at_once, torch.float32, is_exact=True, multiplied="float32"),
    "exact": Way(_exact, torch.float32, is_exact=True, multiplied="float32"),
    "fast, float16 candidates": Way(_fast, torch.float16, is_exact=False, multiplied=None),
    SERVED: Way(_fast, torch.int8, is_exact=False, multiplied=None),
}
ON_PROCESSORS = {
    "fast, int8 candidates, one thread": Way(_fast_in_one_thread, torch.int8, is_exact=False, multiplied=None),
}
"""The ways that are measured besides on a CPU."""

BESIDE_AMX = {
    "fast, int8 candidates, without AMX": Way(_fast_without_amx, torch.int8, is_exact=False, multiplied="int16"),
}
"""The ways that are measured besides where codes are counted with AMX."""


_ALL_WAYS = WAYS | ON_PROCESSORS | BESIDE_AMX


def ways_with(matcher: str) -> dict[str, Way]:
    """Return the ways to measure with a fast matcher."""
    if matcher.startswith("triton"):
        return WAYS
    return WAYS | ON_PROCESSORS | (BESIDE_AMX if matcher == "amx-int8" else {})


@dataclass(frozen=True)
class Measured:
    """Hold the time and memory of a way.

    Attributes:
        seconds: The seconds of a query, the median of the repeats.
        ratio: The speed relative to the plain way.
        extra_bytes: Peak memory beyond the features, after a first count: resident on a CPU, allocated on a GPU.
        largest_difference: The largest difference of a count from the plain way's.
    """

    seconds: float
    ratio: float
    extra_bytes: int
    largest_difference: int


def match(
    candidates: Annotated[int, typer.Option(min=1, help="Candidates of one query.")] = 100,
    cells: Annotated[int, typer.Option(min=1, help="The cells of the query, and of each candidate.")] = CELLS,
    channels: Annotated[int, typer.Option(min=1, help="Channels of a local feature.")] = CHANNELS,
    floor: Annotated[
        float | None, typer.Option(min=-1, max=1, help="The least cosine of a match that counts; by default all count.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each way, in turn; the median counts.")] = 5,
    device: Annotated[DeviceName, typer.Option(help="The device of the work.")] = "auto",
    out: Annotated[Path, typer.Option(help="The result, as JSON.")] = Path("benchmarks/results/match.json"),
) -> None:
    """Measure seconds, peak memory and floors of counting for one query, each way in its own process."""
    where = choose_device(device).device
    rates = Rates.measured(where)  # measured again at the end, because the speed of the machine may drift
    context = get_context("spawn")
    task = _Task(candidates, cells, channels, floor, str(where))
    matcher = matcher_name(where, channels, "fast")
    workers: dict[str, Connection] = {}
    for name in ways_with(matcher):
        ours, theirs = context.Pipe()
        context.Process(target=_worker, args=(theirs, name, task), daemon=True).start()
        workers[name] = ours
    rounds: dict[str, list[tuple[float, int, list[int]]]] = {name: [] for name in workers}
    few_s: dict[int, list[float]] = {number: [] for number in FEW if number <= candidates}
    for _ in range(repeats + 1):  # the first warms up
        for name, worker in workers.items():  # in turn, so that a drifting speed of the machine affects all equally
            worker.send(candidates)
            rounds[name].append(worker.recv())
        workers[SERVED].send(1)  # this process has slept; a query counts behind the encoder
        workers[SERVED].recv()
        for number, seconds in few_s.items():
            workers[SERVED].send(number)
            seconds.append(workers[SERVED].recv()[0])
    for worker in workers.values():
        worker.send(0)
    rates = rates.best(Rates.measured(where))
    measured = _compared(rounds)
    few = {number: median(seconds[1:]) for number, seconds in few_s.items()}
    works = works_of(candidates, matcher, cells, channels)
    ways = {name: {**asdict(each), **works[name].to_json(rates)} for name, each in measured.items()}
    result = {
        "candidates": candidates,
        "cells": cells,
        "channels": channels,
        "floor": floor,
        "repeats": repeats,
        "fast": matcher,
        **asdict(rates),
        "ways": ways,
        "seconds_of_few": {str(number): median_s for number, median_s in few.items()},
    }
    write_result(out, result)
    counted = "" if floor is None else f", matches from a cosine of {floor} up"
    table = Table(
        title=f"{candidates} candidates, {cells} × {cells} cells of {channels} channels{counted}; fast is {matcher}"
    )
    for heading in (
        "way",
        "seconds a query",
        "ratio",
        "floor",
        "times the floor",
        "peak extra memory MB",
        "counts differ by at most",
    ):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for name, each in measured.items():
        least_s = ways[name]["operations_floor_s"]
        table.add_row(
            name,
            f"{each.seconds:.4f}",
            f"{each.ratio:.1f}",
            f"{least_s:.4f}" if least_s else "–",
            f"{each.seconds / least_s:.2f}" if least_s else "–",
            f"{each.extra_bytes / 1e6:.0f}",
            str(each.largest_difference),
        )
    console = Console()
    console.print(table)
    for number, median_s in few.items():
        console.print(f"{SERVED}, {number} of them: {median_s * 1000:.1f} ms, {median_s * 1000 / number:.1f} ms each")
    console.print(describe_hardware(), soft_wrap=True)


def works_of(candidates: int, matcher: str, cells: int = CELLS, channels: int = CHANNELS) -> dict[str, Work]:
    """Return the work of every way for one query.

    Args:
        candidates: The number of candidates.
        matcher: The name of the fast matcher, which ends with the type of its factors.
        cells: The cells of the query, and of each candidate.
        channels: The channels of a feature.
    """
    fast = matcher.rsplit("-", 1)[-1]
    works = {}
    for name, way in ways_with(matcher).items():
        # AMX multiplies codes alone in eight bits; features are counted in 16 there.
        of_fast = "int16" if fast == "int8" and way.stored is not torch.int8 else fast
        works[name] = Work.of(candidates, cells, channels, way.stored, way.multiplied or of_fast)
    return works


def _compared(rounds: dict[str, list[tuple[float, int, list[int]]]]) -> dict[str, Measured]:
    """Return medians and ratios.

    Raises:
        AssertionError: An exact way counts differently from the plain one.
    """
    seconds = {name: median(run[0] for run in runs[1:]) for name, runs in rounds.items()}
    plain_counts = rounds[PLAIN][0][2]
    measured = {}
    for name, runs in rounds.items():
        differences = [abs(one - other) for one, other in zip(runs[0][2], plain_counts, strict=True)]
        if _ALL_WAYS[name].is_exact and any(differences):
            raise AssertionError(f"{name} counts {runs[0][2]}, not {plain_counts}")
        measured[name] = Measured(
            seconds[name], seconds[PLAIN] / seconds[name], max(run[1] for run in runs[1:]), max(differences)
        )
    return measured


@dataclass(frozen=True)
class _Task:
    """Describe a run of a way: the number of candidates, a device, and a floor or None."""

    candidates: int
    cells: int
    channels: int
    floor: float | None
    device: str


def _worker(commands: Connection, name: str, task: _Task) -> None:
    """Count the first candidates, as many as are requested, until none is.

    The features are the same for every way, except for their stored type.
    """
    way = _ALL_WAYS[name]
    query, candidates = features_to_match(task.candidates, way.stored, task.cells, task.channels)
    query, candidates = query.to(task.device), candidates.to(task.device)
    while number := commands.recv():
        before_bytes = _reset_peak(task.device)
        start_s = time.perf_counter()
        counts = way.count(query, candidates[:number], task.floor).tolist()
        duration_s = time.perf_counter() - start_s
        commands.send((duration_s, _peak(task.device) - before_bytes, counts))


def features_to_match(
    candidate_count: int, stored: torch.dtype, cells: int = CELLS, channels: int = CHANNELS
) -> tuple[Tensor, Tensor]:
    """Make a query, and candidates with half of their cells similar to the query's; int8 are the codes of a map."""
    generator = torch.Generator().manual_seed(0)
    query = torch.nn.functional.normalize(torch.randn(cells, channels, generator=generator), dim=-1)
    candidates = torch.empty(candidate_count, cells, channels, dtype=stored)
    for number in range(candidate_count):
        noise = torch.nn.functional.normalize(torch.randn(cells, channels, generator=generator), dim=-1)
        alike = torch.arange(cells) % 2 == 0
        features = torch.nn.functional.normalize(noise + 0.8 * query * alike[:, None], dim=-1).half().float()
        candidates[number] = LocalCodec("int8", channels).encode(features) if stored is torch.int8 else features
    return query, candidates


def _reset_peak(device: str) -> int:
    if device == "cpu":
        return reset_peak_memory()
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated()


def _peak(device: str) -> int:
    return peak_memory_bytes() if device == "cpu" else torch.cuda.max_memory_allocated()
