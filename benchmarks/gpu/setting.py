"""The sizes of the parts of the run."""

from dataclasses import dataclass, replace

from model.device import DeviceName
from model.network_precision import RequestedPrecision


@dataclass(frozen=True)
class Setting:
    """Set the sizes of the parts of the run.

    Attributes:
        device: The device that is compared with the CPU: ``cuda``, or ``cpu`` to try the run itself.
        networks: Names for ``benchmarks.gpu.networks.network_named``, for the encoder.
        batches: The numbers of pictures that are encoded at a time.
        pass_sizes: The numbers of pictures in one forward pass, each recorded as its own graph.
        repeats: The number of timings of each kind; the median counts.
        candidates: The number of candidates, in counting.
        cells: The cells of a picture, in counting.
        channels: The channels of a cell, in counting.
        places: The number of rows that are searched.
        width: The width of the global features that are searched.
        queries: The number of queries of the search.
        served: The networks of the service, with the precision of the map.
        pictures: The number of pictures in the served map; each is a query.
        clients: The number of simultaneous clients; each asks again after its answer.
        load_s: The duration of their queries in seconds.
        tests: The files of tests; empty for every file with a test marked ``gpu``.
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
"""The sizes for a GPU, from the paper's network."""

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
"""Small sizes, which take seconds also on a CPU, to try the run itself."""
