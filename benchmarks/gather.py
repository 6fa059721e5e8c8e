"""Gathering the local features of a shortlist: read ahead into one buffer, against copying mapped rows one by one."""

import ctypes
import mmap
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.table import Table
from torch import Tensor

from benchmarks.hardware import describe_hardware
from benchmarks.result_file import write_result
from benchmarks.synthetic_map import CELLS, CHANNELS, write_synthetic_map
from index_builder.place_map import layout
from index_builder.place_map.feature_store import map_features
from index_builder.place_map.local_codec import STORES, LocalCodec, StoreType
from index_builder.place_map.reader import PlaceMap
from placefix.console import output_console
from placefix.progress import show_progress

PLAIN = "mapped copies"
OURS = "read ahead"
_SEED = 0


@dataclass(frozen=True)
class Measured:
    """One way of gathering from one store.

    Attributes:
        store: What local features are stored as.
        way: ``PLAIN`` or ``OURS``.
        cold_ms: Median of a gather of rows that are on the disk alone.
        warm_ms: Median of a gather of rows that have just been read.
        gathered_bytes: What is read of the file.
        cold_share: Of the file's pages, which were in memory before a cold gather; 0 if the system let all of them go.
    """

    store: StoreType
    way: str
    cold_ms: float
    warm_ms: float
    gathered_bytes: int
    cold_share: float


def gather(
    places: Annotated[int, typer.Option(min=1, help="Pictures in the map.")] = 1000,
    candidates: Annotated[int, typer.Option(min=1, help="Candidates of one query.")] = 100,
    repeats: Annotated[int, typer.Option(min=1, help="Gathers of each way, in turn; the median counts.")] = 7,
    out: Annotated[Path, typer.Option(help="Where the figures are written as JSON.")] = Path(
        "benchmarks/results/gather.json"
    ),
) -> None:
    """Milliseconds of gathering one shortlist, cold and warm, from every store.

    Plain are copies of mapped rows into fresh memory, in the order of the shortlist. A cold gather begins when the
    system was asked to forget the file (posix_fadvise), and was asked which of its pages it still has (mincore). A disk
    with a cache of its own, as those of virtual machines have, stays warm all the same.
    """
    found: list[Measured] = []
    with show_progress("gathering") as progress:
        progress.started(len(STORES), 0)
        for store in STORES:
            with tempfile.TemporaryDirectory(prefix="placefix-gather-") as folder:
                path = write_synthetic_map(Path(folder) / "map", places, store)
                found += _measure(path, min(candidates, places), repeats)
            progress.advanced(1)
    table = Table(
        title=f"{candidates} of {places:,} pictures of {CELLS} × {CHANNELS}: milliseconds, median of {repeats}"
    )
    for heading in ("store", "way", "cold", "ratio", "warm", "ratio", "MB", "cold GB/s"):
        table.add_column(heading, justify="left" if heading in ("store", "way") else "right")
    for plain, ours in zip(found[::2], found[1::2], strict=True):
        for each in (plain, ours):
            table.add_row(
                each.store,
                each.way,
                f"{each.cold_ms:.1f}",
                f"{plain.cold_ms / each.cold_ms:.2f}",
                f"{each.warm_ms:.1f}",
                f"{plain.warm_ms / each.warm_ms:.2f}",
                f"{each.gathered_bytes / 1e6:.1f}",
                f"{each.gathered_bytes / each.cold_ms / 1e6:.2f}",
            )
    console = output_console()
    console.print(table)
    shares = [each.cold_share for each in found]
    console.print(f"of the files' pages, {100 * max(shares):.2f} % at most were in memory before a cold gather")
    console.print(describe_hardware(), soft_wrap=True)
    summary = {
        "places": places,
        "candidates": candidates,
        "repeats": repeats,
        "ways": [asdict(each) for each in found],
    }
    write_result(out, summary)


def _measure(path: Path, candidates: int, repeats: int) -> list[Measured]:
    with PlaceMap.open(path) as place_map:
        codec = place_map.manifest.features.local_codec
        file = layout.segment_dir(path, place_map.segment_of(0)) / layout.LOCALS
        count = len(place_map)
        buffer = torch.zeros((candidates, CELLS, CHANNELS), dtype=codec.decoded_type)  # its pages are there
        ways: dict[str, Callable[[NDArray[np.int64]], Tensor]] = {
            PLAIN: lambda rows: gather_mapped(file, count, codec, rows),
            OURS: lambda rows: place_map.local_features(rows, out=buffer),
        }
        cold_ms: dict[str, list[float]] = {name: [] for name in ways}
        warm_ms: dict[str, list[float]] = {name: [] for name in ways}
        shares: dict[str, list[float]] = {name: [] for name in ways}
        random = np.random.default_rng(_SEED)
        for _ in range(repeats):
            rows = random.permutation(count)[:candidates]
            for name, way in ways.items():  # in turn, so that a machine whose speed drifts is fair to both
                shares[name].append(forget(file))
                cold_ms[name].append(_duration_ms(way, rows))
                warm_ms[name].append(_duration_ms(way, rows))
            if not torch.equal(ways[PLAIN](rows), ways[OURS](rows)):
                raise AssertionError(f"the two ways gather other features from {codec.store}")
        return [
            Measured(
                store=codec.store,
                way=name,
                cold_ms=median(cold_ms[name]),
                warm_ms=median(warm_ms[name]),
                gathered_bytes=candidates * codec.bytes_per_picture(CELLS),
                cold_share=max(shares[name]),
            )
            for name in ways
        ]


def gather_mapped(file: Path, count: int, codec: LocalCodec, rows: NDArray[np.int64]) -> Tensor:
    """The plain way: rows of a mapped file, copied in the order of the shortlist into memory made for them."""
    mapped = map_features(file, (count, CELLS, codec.width), codec.array_type)
    gathered = torch.empty((len(rows), CELLS, CHANNELS), dtype=codec.decoded_type)
    for target, row in zip(gathered.numpy(), rows, strict=True):
        codec.decode(mapped[row], target)
    return gathered


def forget(file: Path) -> float:
    """Asks the system to drop a file from its memory; the share of the pages that it still has."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY) as mapped:
            pages = (ctypes.c_ubyte * -(-len(mapped) // mmap.PAGESIZE))()
            start = ctypes.c_char.from_buffer(mapped)
            failed = ctypes.CDLL(None).mincore(ctypes.byref(start), ctypes.c_size_t(len(mapped)), pages)
            del start  # or the mapping could not be closed
            if failed:
                raise OSError("mincore failed")
        return float(np.mean(np.ctypeslib.as_array(pages) & 1))
    finally:
        os.close(descriptor)


def _duration_ms(way: Callable[[NDArray[np.int64]], Tensor], rows: NDArray[np.int64]) -> float:
    began_s = time.perf_counter()
    way(rows)
    return 1000 * (time.perf_counter() - began_s)
