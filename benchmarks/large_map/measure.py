"""Measure a map of many invented places: writing, serving and swapping, each in a process of its own.

The memory of one process does not count for another.
"""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.large_map.writing import (
    FIRST_VERSION,
    SECOND_VERSION,
    SHAPES,
    id_of,
    write_next_version,
)
from benchmarks.memory import own_memory_bytes, peak_memory_bytes, reset_peak_memory
from benchmarks.page_cache import forget
from model.matching import count_mutual_matches
from place_map import layout
from place_map.evidence import Evidence, Ranking
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from place_map.searching import Searcher
from place_map.segment import Segment
from service.query_options import DEFAULT_PRECISION

SHORTLIST = 100
_ANSWERS = 5
_WITHIN_M = 25.0
_NOISE = 0.3
_STAGES = ("shortlist", "gather", "re-rank", "answer")

Unit = Literal["B", "s"]


@dataclass(frozen=True)
class Figure:
    """Hold one measured number.

    Attributes:
        name: Its row in the table.
        unit: Bytes or seconds.
        value: The number.
    """

    name: str
    unit: Unit
    value: float


def measure_map(map_dir: Path, segments: tuple[Segment, ...], factory: str, queries: int) -> list[Figure]:
    """Write the first version, serve it, write a second one, and load it beside the first.

    Args:
        map_dir: The map, which has its segments and no version.
        segments: Its segments; the last one belongs to the second version alone.
        factory: The shortlist index.
        queries: The number of queries, asked cold, and then warm.
    """
    first = segments[:-1]
    return [
        *_in_a_process(_write, "write a version", map_dir, first, factory),
        *_bytes_of(map_dir, first),
        *_in_a_process(_serve, map_dir, queries),
        *_in_a_process(_write, "write a version of one picture more", map_dir, segments, factory),
        *_in_a_process(_swap, map_dir),
    ]


def _write(name: str, map_dir: Path, segments: tuple[Segment, ...], factory: str) -> list[Figure]:
    before = reset_peak_memory()
    start_s = time.perf_counter()
    write_next_version(map_dir, segments, factory)
    duration_s = time.perf_counter() - start_s
    return [Figure(name, "s", duration_s), Figure(f"{name}: peak memory", "B", peak_memory_bytes() - before)]


def _bytes_of(map_dir: Path, segments: tuple[Segment, ...]) -> list[Figure]:
    """Return the bytes on the disk that the first version takes, by kind."""
    kinds = {"places": layout.PLACES, "global features": layout.GLOBALS, "local features": layout.LOCALS}
    of_segments = [
        Figure(f"disk: {kind}", "B", sum(segment.files[file].bytes for segment in segments))
        for kind, file in kinds.items()
    ]
    version = layout.version_dir(map_dir, FIRST_VERSION)
    files = [*(map_dir / layout.CODES).rglob("*"), *version.glob(layout.INDEX)]
    return [
        *of_segments,
        Figure("disk: index", "B", sum(file.stat().st_size for file in files if file.is_file())),
        Figure("disk: manifest", "B", (version / layout.MANIFEST).stat().st_size),
    ]


def _serve(map_dir: Path, queries: int) -> list[Figure]:
    """Open a map that nobody has read lately, and ask it."""
    _forget_all(map_dir)
    before, own_before = reset_peak_memory(), own_memory_bytes()
    start_s = time.perf_counter()
    with PlaceMap.open(map_dir, FIRST_VERSION) as place_map:
        opened_s, own_opened = time.perf_counter() - start_s, own_memory_bytes()
        searcher = open_searcher(place_map, "cpu")
        figures = [
            Figure("open the map", "s", opened_s),
            Figure("ready, with index and sums", "s", time.perf_counter() - start_s),
            Figure("memory: places and files", "B", own_opened - own_before),
            Figure("memory: ready", "B", own_memory_bytes() - own_before),
            Figure("memory: peak, with mapped files", "B", peak_memory_bytes() - before),
        ]
        asking = _Asking(place_map, searcher)
        vectors = _queries(place_map, queries)
        asking.ask(vectors[:1])
        cold, warm = [], []
        for query in torch.split(vectors, 1):
            _forget_all(map_dir)
            cold.append(asking.ask(query))
            warm.append(asking.ask(query))
        row = len(place_map) // 2
        start_s = time.perf_counter()
        if place_map.places.row_of(id_of(row)) != row:
            raise AssertionError("a picture is found by its id")
        figures.append(Figure("find a picture by its id", "s", time.perf_counter() - start_s))
    return [*figures, *_times("cold", np.array(cold)), *_times("warm", np.array(warm))]


def _swap(map_dir: Path) -> list[Figure]:
    """Load a version while another one answers, as a server does when ``CURRENT`` moves."""
    with PlaceMap.open(map_dir, FIRST_VERSION) as old:
        searcher = open_searcher(old, "cpu")
        query = _queries(old, 1)
        before, own_before = reset_peak_memory(), own_memory_bytes()
        start_s = time.perf_counter()
        with PlaceMap.open(map_dir, SECOND_VERSION) as new:
            searcher_of_new = open_searcher(new, "cpu")
            searcher_of_new.search(query, 1)
            duration_s, own = time.perf_counter() - start_s, own_memory_bytes() - own_before
            searcher.search(query, 1)
    return [
        Figure("swap: load a version beside another", "s", duration_s),
        Figure("swap: memory of the other version", "B", own),
        Figure("swap: peak, with mapped files", "B", peak_memory_bytes() - before),
    ]


class _Asking:
    """Take the steps of a query after encoding, which costs the same in a map of any size."""

    def __init__(self, place_map: PlaceMap, searcher: Searcher) -> None:
        self._map, self._searcher = place_map, searcher
        count = min(SHORTLIST, len(place_map))
        self._gathered = torch.empty((count, SHAPES.local_count, SHAPES.local_dim), dtype=place_map.local_type)
        features = torch.randn(SHAPES.local_count, SHAPES.local_dim, generator=torch.Generator().manual_seed(0))
        self._local = torch.nn.functional.normalize(features, dim=-1)

    def ask(self, query: torch.Tensor) -> list[float]:
        """Ask for a query ``(1, D)``, and return the seconds of each stage."""
        times_s = [time.perf_counter()]
        found = self._searcher.search(query, len(self._gathered))
        times_s.append(time.perf_counter())
        candidates = self._map.local_features(found.rows[0], out=self._gathered)
        times_s.append(time.perf_counter())
        counts = count_mutual_matches(self._local, candidates, precision=DEFAULT_PRECISION)
        times_s.append(time.perf_counter())
        ranking = Ranking.of(found.rows[0], found.distances[0], counts.to(torch.float64).numpy())
        Evidence.of(ranking, self._map.places, _WITHIN_M)
        for row in ranking.rows[:_ANSWERS].tolist():
            self._map.places[row]
        times_s.append(time.perf_counter())
        return np.diff(times_s).tolist()


def _queries(place_map: PlaceMap, count: int) -> torch.Tensor:
    """Return queries ``(count, D)`` near pictures that are spread over the map."""
    rows = np.linspace(0, len(place_map) - 1, count).astype(np.int64)
    noise = np.random.default_rng(0).standard_normal((count, SHAPES.global_dim)) * _NOISE / SHAPES.global_dim**0.5
    queries = place_map.global_features(rows) + noise.astype(np.float32)
    return torch.nn.functional.normalize(torch.from_numpy(queries), dim=-1)


def _times(state: str, seconds: NDArray[np.float64]) -> list[Figure]:
    """Return the figures of queries ``(queries, stages)``."""
    totals = seconds.sum(axis=1)
    stages = zip(_STAGES, np.median(seconds, axis=0), strict=True)
    return [
        Figure(f"{state} query, p50", "s", float(np.percentile(totals, 50))),
        Figure(f"{state} query, p99", "s", float(np.percentile(totals, 99))),
        *(Figure(f"{state}, {stage}, p50", "s", float(median_s)) for stage, median_s in stages),
    ]


def _forget_all(map_dir: Path) -> None:
    """Ask the system to drop the features from memory."""
    for file in (map_dir / layout.SEGMENTS).rglob("*.npy"):
        forget(file)


def _in_a_process(act: Callable[..., list[Figure]], *arguments: object) -> list[Figure]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(act, arguments)
