"""Counting mutual matches on the device, in every way, against the plain way on the CPU."""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from benchmarks.encoding.floor import synchronize
from benchmarks.gpu.outcome import Outcome
from benchmarks.gpu.setting import Setting
from benchmarks.match import WAYS, count_all_at_once, features_to_match
from model.device import choose_device
from model.matching import count_mutual_matches, matcher_name

# Candidates, cells of the query, cells of a candidate, channels: a single cell, partial blocks, and channels padded
# with zeros.
ODD_SHAPES = (
    (1, 1, 1, 16),
    (2, 65, 129, 32),
    (3, 7, 300, 128),
    (2, 200, 50, 48),
    (33, 61, 64, 16),
    (2, 90, 70, 24),
    (2, 256, 256, 120),
)

_FLOOR = 0.4142  # no cosine of these small integers is so near to it that rounding decides
_COMPARED = 4  # number of candidates on the CPU
_EXACT_ALLOWED, _FAST_ALLOWED = (
    0.001,
    0.02,
)  # difference of a count: near ties change when sums are rounded in another order


def measure_counting(setting: Setting, _deadline_s: float) -> Outcome:
    """Compare and time the ways of counting."""
    device = choose_device(setting.device).device
    outcome = Outcome()
    for precision, count in (("exact", _exact), ("fast", _fast)):
        for shape in ODD_SHAPES:
            query, candidates = _whole_numbers(*shape)
            for floor in (None, _FLOOR):
                expected = count_all_at_once(query, candidates, floor)
                found = count(query.to(device), candidates.to(device), floor).cpu()
                what = f"{precision}, whole numbers, {' × '.join(map(str, shape))}, floor {floor}"
                outcome.check(f"{what}: counts that differ from the plain ones", int((found != expected).sum()), 0)
    rows = []
    for name, way in WAYS.items():
        query, candidates = features_to_match(setting.candidates, way.stored, setting.cells, setting.channels)
        _, plain = features_to_match(min(_COMPARED, setting.candidates), torch.float32, setting.cells, setting.channels)
        expected = count_all_at_once(query, plain)
        row, counts = _timed(way.count, query.to(device), candidates.to(device), setting.repeats)
        difference = int((counts[: len(expected)] - expected).abs().max())
        allowed = (_EXACT_ALLOWED if way.is_exact else _FAST_ALLOWED) * int(expected.max())
        outcome.check(f"{name}: largest difference of a count from the plain one on the CPU", difference, allowed)
        rows.append({"way": name, **row})
    outcome.figures = {
        "candidates": setting.candidates,
        "cells": setting.cells,
        "channels": setting.channels,
        "fast": matcher_name(device, setting.channels, "fast"),
        "ways": rows,
    }
    return outcome


def _exact(query: Tensor, candidates: Tensor, floor: float | None) -> Tensor:
    return count_mutual_matches(query, candidates, floor=floor)


def _fast(query: Tensor, candidates: Tensor, floor: float | None) -> Tensor:
    return count_mutual_matches(query, candidates, precision="fast", floor=floor)


def _whole_numbers(count: int, rows: int, columns: int, channels: int) -> tuple[Tensor, Tensor]:
    """Make features whose products are exact in every arithmetic, with many equal ones."""
    generator = torch.Generator().manual_seed(rows * columns)
    query, candidates = (
        torch.randint(-1, 2, shape, generator=generator).float()
        for shape in ((rows, channels), (count, columns, channels))
    )
    query[0, 0] = candidates[:, 0, 0] = 1  # no feature is all zero
    return query, candidates


def _timed(
    count: Callable[[Tensor, Tensor, float | None], Tensor], query: Tensor, candidates: Tensor, repeats: int
) -> tuple[dict[str, Any], Tensor]:
    """Time a way; its first run, in which Triton compiles, counts only for the peak of memory."""
    device = candidates.device
    before_bytes = 0
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before_bytes = torch.cuda.memory_allocated()
    seconds = []
    for _ in range(repeats + 1):
        synchronize(device)
        start_s = perf_counter()
        counts = count(query, candidates, None).cpu()
        seconds.append(perf_counter() - start_s)
    extra_bytes = torch.cuda.max_memory_allocated() - before_bytes if device.type == "cuda" else None
    return {"seconds": median(seconds[1:]), "extra_device_bytes": extra_bytes}, counts
