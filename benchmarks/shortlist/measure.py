"""One index after the other over the same places: its share of the exact shortlist, and its cost."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.memory import reset_peak_memory
from benchmarks.shortlist.vectors_map import VectorsMap
from place_map.global_index import index_bytes, open_searcher
from place_map.searching import Searcher

EXACT = "Flat"
THREADS = (1, 2)

_QUERIES_IN_TURN = 20


@dataclass(frozen=True)
class IndexFigures:
    """Hold the figures of an index.

    Attributes:
        factory: The string of faiss's ``index_factory``.
        build_s: The seconds of training, filling, writing, and the sums of the files.
        file_bytes: The size of the index, which is completely in memory.
        resident_bytes: The memory that opening the searcher added to the process.
        recall: The mean share of the exact shortlist that is in this one.
        worst_recall: The share that 95 of 100 queries reach.
        first_found: The share of queries whose nearest picture is in the shortlist.
        milliseconds: Threads → median of a single query.
        exact_milliseconds: The same for ``Flat``, measured in turn.
    """

    factory: str
    build_s: float
    file_bytes: int
    resident_bytes: int
    recall: float
    worst_recall: float
    first_found: float
    milliseconds: dict[int, float]
    exact_milliseconds: dict[int, float]


def measure_indexes(
    folder: Path,
    vectors: NDArray[np.float16],
    queries: NDArray[np.float32],
    factories: Sequence[str],
    *,
    shortlist: int,
    repeats: int,
    on_done: Callable[[str], None] = lambda _: None,
) -> list[IndexFigures]:
    """Measure ``Flat`` and then each other index, opened and queried as in the service.

    Args:
        folder: An empty folder for the map during the measurement.
        vectors: ``(n, D)`` of length 1, the places.
        queries: ``(Q, D)``, each asked alone.
        factories: The indexes besides ``Flat``.
        shortlist: The number of pictures to find.
        repeats: The number of timed rounds of all queries, in turn with ``Flat``.
        on_done: A function that receives the figures.
    """
    vectors_map = VectorsMap(folder / "map", vectors)
    asked = torch.from_numpy(queries)
    exact, build_s, file_bytes, resident_bytes = _opened(vectors_map, EXACT)
    right = exact.search(asked, shortlist).rows
    times = _in_turn([exact], asked, shortlist, repeats)
    found = [IndexFigures(EXACT, build_s, file_bytes, resident_bytes, 1.0, 1.0, 1.0, times[0], times[0])]
    on_done(EXACT)
    for factory in factories:
        searcher, build_s, file_bytes, resident_bytes = _opened(vectors_map, factory)
        rows = np.concatenate([searcher.search(asked[row : row + 1], shortlist).rows for row in range(len(asked))])
        shares = [np.isin(wanted, got).mean() for wanted, got in zip(right, rows, strict=True)]
        of_exact, of_index = _in_turn([exact, searcher], asked, shortlist, repeats)
        found.append(
            IndexFigures(
                factory=factory,
                build_s=build_s,
                file_bytes=file_bytes,
                resident_bytes=resident_bytes,
                recall=float(np.mean(shares)),
                worst_recall=float(np.quantile(shares, 0.05)),
                first_found=float(np.mean(right[:, 0] == rows[:, 0])),
                milliseconds=of_index,
                exact_milliseconds=of_exact,
            )
        )
        on_done(factory)
        del searcher
    return found


def _opened(vectors_map: VectorsMap, factory: str) -> tuple[Searcher, float, int, int]:
    """Return a searcher, the seconds that its index took, the bytes of its vectors, and its bytes in memory."""
    start_s = time.perf_counter()
    place_map = vectors_map.with_index(factory)
    build_s = time.perf_counter() - start_s
    place_map.check_sums()
    before_bytes = reset_peak_memory()
    searcher = open_searcher(place_map, "cpu", "faiss")
    return searcher, build_s, index_bytes(place_map), reset_peak_memory() - before_bytes


def _in_turn(
    searchers: Sequence[Searcher], queries: torch.Tensor, shortlist: int, repeats: int
) -> list[dict[int, float]]:
    """Return the median milliseconds of each searcher by threads; the searchers take turns with the same queries."""
    found: list[dict[int, float]] = [{} for _ in searchers]
    for threads in THREADS:
        durations: list[list[float]] = [[] for _ in searchers]
        with _threads(threads):
            for searcher in searchers:
                searcher.search(queries[:1], shortlist)
            for _ in range(repeats):
                for start in range(0, len(queries), _QUERIES_IN_TURN):
                    for searcher, of_searcher in zip(searchers, durations, strict=True):
                        for query in queries[start : start + _QUERIES_IN_TURN]:
                            start_s = time.perf_counter()
                            searcher.search(query[None], shortlist)
                            of_searcher.append(time.perf_counter() - start_s)
        for of_searcher, figures in zip(durations, found, strict=True):
            figures[threads] = 1000 * float(np.median(of_searcher))
    return found


@contextmanager
def _threads(count: int) -> Iterator[None]:
    import faiss  # noqa: PLC0415  (a machine with a GPU may lack it, and has other benchmarks to run)

    before = faiss.omp_get_max_threads(), torch.get_num_threads()
    faiss.omp_set_num_threads(count)
    torch.set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before[0])
        torch.set_num_threads(before[1])
