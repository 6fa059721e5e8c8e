"""How large each part of the run is."""

from dataclasses import dataclass, replace

from model.device import DeviceName
from model.network_precision import RequestedPrecision


@dataclass(frozen=True)
class Setting:
    """How large each part of the run is.

    Attributes:
        device: What is compared with the CPU: ``cuda``, or ``cpu`` to try the run itself.
        networks: Names that ``benchmarks.gpu.networks.network_named`` knows, for the encoder.
        batches: Pictures that are encoded at a time.
        pass_sizes: Pictures in one forward pass, each recorded as a graph of its own.
        repeats: Timings of each kind; the median counts.
        candidates: Whose mutual matches with one query are counted.
        cells: Of a picture, in counting.
        channels: Of a cell, in counting.
        places: Rows that are searched.
        width: Of the global features that are searched.
        queries: Of the search.
        served: Networks that a service is started with, and the precision that its map is encoded in.
        pictures: In the map that is served; each is asked for.
        clients: That ask at a time, each again as soon as it has its answer.
        load_s: For how long they ask.
        tests: Files of tests; empty: every file that has a test marked ``gpu``.
    """

    device: DeviceName
    networks: tuple[str, ...]
    batches: tuple[int, ...]
    pass_sizes: tuple[int, ...]
    repeats: int
    candidates: int
    cells: int
    channels: int
    places: int
    width: int
    queries: int
    served: tuple[tuple[str, RequestedPrecision], ...]
    pictures: int
    clients: int
    load_s: float
    tests: tuple[str, ...] = ()


FULL = Setting(
    device="cuda",
    networks=("vitl14", "demo"),
    batches=(1, 8, 32),
    pass_sizes=(1, 2, 4, 8, 16),
    repeats=9,
    candidates=100,
    cells=3721,
    channels=128,
    places=100_000,
    width=1024,
    queries=32,
    served=(("demo", "float32"), ("vitl14", "auto")),
    pictures=120,
    clients=32,
    load_s=10,
)
"""The sizes for a GPU: those of the paper's network."""

TINY = replace(
    FULL,
    networks=("minimal",),
    batches=(2,),
    pass_sizes=(2,),
    repeats=1,
    candidates=3,
    cells=200,
    channels=16,
    places=300,
    width=32,
    queries=5,
    served=(("minimal", "float32"),),
    pictures=6,
    clients=4,
    load_s=0.2,
    tests=("tests/model/test_device.py",),
)
"""The same in seconds, on a CPU, too: to try the run itself."""
