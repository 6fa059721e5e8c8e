"""Gathering the local features of a shortlist: announced reads into one buffer against copies of mapped rows."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.table import Table
from torch import Tensor

from benchmarks.bandwidth import disk_bytes_per_s, memory_bytes_per_s
from benchmarks.hardware import describe_hardware
from benchmarks.page_cache import forget
from benchmarks.result_file import write_result
from benchmarks.synthetic_map import CELLS, CHANNELS, write_synthetic_map
from place_map import layout
from place_map.feature_store import map_features
from place_map.local_codec import LEARNED, STORES, LocalCodec, StoreType
from place_map.reader import PlaceMap
from placefix.console import output_console
from placefix.progress import show_progress

PLAIN = "mapped copies"
OURS = "read ahead"
_SEED = 0
_DISK_REPEATS = 2  # for each store; the best one counts
_CPU = torch.device("cpu")
_STORES = tuple(store for store in STORES if store not in LEARNED)  # random features have no codebook worth reading


@dataclass(frozen=True)
class Measured:
    """Hold the times of one way of gathering from one store.

    Attributes:
        store: The stored form of local features.
        way: The way, ``PLAIN`` or ``OURS``.
        cold_ms: Median of a gather of rows that are only on the disk.
        warm_ms: Median of a gather of rows that were just read.
        gathered_bytes: The bytes read from the file.
        moved_bytes: The least number of bytes that a warm gather reads and writes in memory: the rows, and the result.
        cold_share: The share of the file's pages in memory before a cold gather; 0 if the system dropped all of them.
    """

    store: StoreType
    way: str
    cold_ms: float
    warm_ms: float
    gathered_bytes: int
    moved_bytes: int
    cold_share: float

    def to_json(self, memory_bytes_per_s: float, disk_bytes_per_s: float) -> dict[str, Any]:
        """Return all values, and the milliseconds that disk and memory need for the bytes alone."""
        return {
            **asdict(self),
            "cold_floor_ms": 1000 * self.gathered_bytes / disk_bytes_per_s,
            "warm_floor_ms": 1000 * self.moved_bytes / memory_bytes_per_s,
        }


def gather(
    places: Annotated[int, typer.Option(min=1, help="Pictures in the map.")] = 1000,
    candidates: Annotated[int, typer.Option(min=1, help="Candidates of one query.")] = 100,
    repeats: Annotated[int, typer.Option(min=1, help="Gathers of each way, in turn; the median counts.")] = 7,
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = Path("benchmarks/results/gather.json"),
) -> None:
    """Measure the milliseconds of gathering one shortlist, cold and warm, from every store but codes of blocks.

    Codes of blocks depend on the features: ``python -m benchmarks store`` measures how long they take.

    The plain way copies mapped rows into new memory, in the order of the shortlist. A cold gather begins after the
    system was asked to forget the file (posix_fadvise), and then which pages it still has (mincore). The own cache of a
    disk, as in virtual machines, stays warm.

    The floors are bytes over bandwidth: for the disk by reading a large file in order, for memory by a large copy. Both
    are measured in the same run, the best of several.
    """
    found: list[Measured] = []
    memory_rates = [memory_bytes_per_s(_CPU)]
    disk_rates: list[float] = []
    with show_progress("gathering") as progress:
        progress.started(len(_STORES), 0)
        for store in _STORES:
            with tempfile.TemporaryDirectory(prefix="placefix-gather-") as folder:
                path = write_synthetic_map(Path(folder) / "map", places, store)
                disk_rates += [disk_bytes_per_s(_locals_file(path)) for _ in range(_DISK_REPEATS)]
                found += _measure(path, min(candidates, places), repeats)
            progress.advanced(1)
    memory_rates.append(memory_bytes_per_s(_CPU))
    memory_rate, disk_rate = max(memory_rates), max(disk_rates)
    table = Table(
        title=f"{candidates} of {places:,} pictures of {CELLS} × {CHANNELS}: milliseconds, median of {repeats}"
    )
    for heading in ("store", "way", "cold", "ratio", "times the floor", "warm", "ratio", "times the floor", "MB"):
        table.add_column(heading, justify="left" if heading in ("store", "way") else "right")
    for plain, ours in zip(found[::2], found[1::2], strict=True):
        for each in (plain, ours):
            floors = each.to_json(memory_rate, disk_rate)
            table.add_row(
                each.store,
                each.way,
                f"{each.cold_ms:.1f}",
                f"{plain.cold_ms / each.cold_ms:.2f}",
                f"{each.cold_ms / floors['cold_floor_ms']:.2f}",
                f"{each.warm_ms:.1f}",
                f"{plain.warm_ms / each.warm_ms:.2f}",
                f"{each.warm_ms / floors['warm_floor_ms']:.2f}",
                f"{each.gathered_bytes / 1e6:.1f}",
            )
    console = output_console()
    console.print(table)
    shares = [each.cold_share for each in found]
    console.print(f"at most {100 * max(shares):.2f} % of the files' pages were in memory before a cold gather")
    console.print(f"at best {disk_rate / 1e9:.2f} GB/s of the disk, {memory_rate / 1e9:.1f} GB/s of memory")
    console.print(describe_hardware(), soft_wrap=True)
    summary = {
        "places": places,
        "candidates": candidates,
        "repeats": repeats,
        "memory_bytes_per_s": memory_rate,
        "disk_bytes_per_s": disk_rate,
        "ways": [each.to_json(memory_rate, disk_rate) for each in found],
    }
    write_result(out, summary)


def _measure(path: Path, candidates: int, repeats: int) -> list[Measured]:
    with PlaceMap.open(path) as place_map:
        codec = place_map.manifest.features.local_codec
        file = _locals_file(path)
        count = len(place_map)
        buffer = torch.zeros((candidates, CELLS, CHANNELS), dtype=codec.decoded_type)  # now its pages exist
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
            for name, way in ways.items():  # in turn, so that a drifting speed of the machine affects both equally
                shares[name].append(forget(file))
                cold_ms[name].append(_duration_ms(way, rows))
                warm_ms[name].append(_duration_ms(way, rows))
            if not torch.equal(ways[PLAIN](rows), ways[OURS](rows)):
                raise AssertionError(f"the two ways gather other features from {codec.store}")
        gathered_bytes = candidates * codec.bytes_per_picture(CELLS)
        return [
            Measured(
                store=codec.store,
                way=name,
                cold_ms=median(cold_ms[name]),
                warm_ms=median(warm_ms[name]),
                gathered_bytes=gathered_bytes,
                moved_bytes=gathered_bytes + buffer.nbytes,
                cold_share=max(shares[name]),
            )
            for name in ways
        ]


def _locals_file(path: Path) -> Path:
    """Return the file of local features of a map with one segment."""
    return layout.segment_dir(path, layout.segment_id_of(1)) / layout.LOCALS


def gather_mapped(file: Path, count: int, codec: LocalCodec, rows: NDArray[np.int64]) -> Tensor:
    """Copy rows of a mapped file, in the order of the shortlist, into new memory: the plain way."""
    mapped = map_features(file, (count, *codec.row_shape(CELLS)), codec.array_type)
    gathered = torch.empty((len(rows), CELLS, CHANNELS), dtype=codec.decoded_type)
    for target, row in zip(gathered.numpy(), rows, strict=True):
        codec.decode(mapped[row], target)
    return gathered


def _duration_ms(way: Callable[[NDArray[np.int64]], Tensor], rows: NDArray[np.int64]) -> float:
    began_s = time.perf_counter()
    way(rows)
    return 1000 * (time.perf_counter() - began_s)
