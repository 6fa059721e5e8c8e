"""The searcher on the device against faiss and torch on the CPU, and all of them against the definition."""

import tempfile
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.gpu.outcome import Lacking, Outcome
from benchmarks.gpu.setting import Setting
from benchmarks.shortlist.vectors_map import VectorsMap
from model.device import choose_device
from place_map.global_index import Backend, open_searcher
from place_map.reader import PlaceMap

SHORTLIST = 100
_DEFINED = 4  # number of queries that are also answered by the definition
_COPIES = 40  # pictures of one place have equal distances, and the lower row comes first


def measure_searcher(setting: Setting, _deadline_s: float) -> Outcome:
    """Compare and time the searchers.

    Raises:
        Lacking: faiss is missing, and without it no map can be written.
    """
    need_faiss()
    device = choose_device(setting.device).device
    random = np.random.default_rng(0)
    vectors = _unit(random.standard_normal((setting.places, setting.width), dtype=np.float32)).astype(np.float16)
    copies = np.sort(random.choice(len(vectors), min(_COPIES, len(vectors)), replace=False))
    vectors[copies] = vectors[copies[0]]
    noise = random.standard_normal((setting.queries, setting.width), dtype=np.float32)
    near = vectors[random.integers(0, len(vectors), setting.queries)].astype(np.float32)
    near[0] = vectors[copies[0]]
    queries = _unit(near + 0.3 * noise / np.sqrt(setting.width))
    outcome = Outcome()
    rows = []
    ways: tuple[tuple[Backend, torch.device], ...] = (
        ("torch", device),
        ("auto", torch.device("cpu")),
        ("torch", torch.device("cpu")),
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        VectorsMap(Path(folder) / "map", vectors).with_index("Flat") as opened,
    ):
        shortlist = min(SHORTLIST, len(opened))
        defined = np.stack([_definition(vectors, query, shortlist) for query in queries[:_DEFINED]])
        for backend, where in dict.fromkeys(ways):
            row, found = _timed(opened, backend, where, queries, shortlist)
            wrong = int((found[: len(defined)] != defined).any(axis=1).sum())
            outcome.check(f"{row['searcher']}: shortlists that differ from the definition", wrong, 0)
            rows.append(row)
    outcome.figures = {
        "places": setting.places,
        "width": setting.width,
        "shortlist": shortlist,
        "queries": setting.queries,
        "searchers": rows,
    }
    return outcome


def need_faiss() -> None:
    """Check that maps can be written.

    Raises:
        Lacking: faiss is missing.
    """
    if find_spec("faiss") is None:
        raise Lacking("faiss is not installed, and without it no map can be written: carry the wheel of faiss-cpu")


def _timed(
    opened: PlaceMap, backend: Backend, device: torch.device, queries: NDArray[np.float32], shortlist: int
) -> tuple[dict[str, object], NDArray[np.int64]]:
    """Ask one query after the other; the first warms up."""
    start_s = perf_counter()
    searcher = open_searcher(opened, device, backend)
    open_s = perf_counter() - start_s
    tensors = torch.from_numpy(queries).to(device)
    seconds, found = [], []
    for number in range(len(tensors)):
        start_s = perf_counter()
        found.append(searcher.search(tensors[number : number + 1], shortlist).rows[0])  # on the CPU, so it has finished
        seconds.append(perf_counter() - start_s)
    return {"searcher": searcher.name, "open_s": open_s, "seconds": median(seconds[1:])}, np.stack(found)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _definition(vectors: NDArray[np.float16], query: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Return the nearest rows by their distances in float64, rounded once; if they are equal, the lower row first."""
    distances = np.concatenate(
        [np.square(piece.astype(np.float64) - query).sum(axis=1) for piece in np.array_split(vectors, 16)]
    )
    return np.argsort(np.sqrt(distances).astype(np.float32), kind="stable")[:count]
