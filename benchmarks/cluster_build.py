"""``python -m benchmarks cluster-build``: how much faster two workers on Ray encode a build than one, to equal maps."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer
from rich.table import Table

from benchmarks.building.command import town_places
from benchmarks.hardware import describe_hardware
from benchmarks.memory import peak_memory_bytes, reset_peak_memory
from benchmarks.result_file import write_result
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.ray_workers.cluster import WorkerNeeds, ray_cluster
from index_builder.ray_workers.engine import RayEngine
from index_builder.segment_engine import SegmentEngine
from index_builder.segment_worker import WorkerNetwork
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.progress import SilentProgress
from model.weights import load_network
from place_map.manifest import Manifest
from place_map.versions import read_current, read_manifest
from placefix.console import error_console, output_console

_PICTURES_OF_A_SEGMENT = 32
_WORKER = b"ray::SegmentWorker"  # the beginning of the title of a worker's process
_ALONE = "one process"


@dataclass(frozen=True)
class Run:
    """Hold the figures of one build.

    Attributes:
        pictures_per_s: Pictures per second, from the moment when all workers have started.
        cpu_s: Seconds of processors per picture, in the processes that encode.
        memory_mb: The greatest memory of the leading process.
    """

    pictures_per_s: float
    cpu_s: float
    memory_mb: float


class _Encoding(SilentProgress):
    """Take time and processor time from the moment when all workers have started to the last picture."""

    def __init__(self, cpu_s: Callable[[], float]) -> None:
        self._cpu_s = cpu_s
        self._begun = self._done = (0.0, 0.0)

    def started(self, total: int, finished: int) -> None:  # noqa: ARG002
        self._begun = self._now()

    def advanced(self, count: int) -> None:  # noqa: ARG002
        self._done = self._now()

    def message(self, text: str) -> None:
        if text.startswith("workers: "):
            self._begun = self._now()

    def run_of(self, pictures: int) -> Run:
        took_s, cpu_s = (done - begun for done, begun in zip(self._done, self._begun, strict=True))
        return Run(pictures / took_s, cpu_s / pictures, peak_memory_bytes() / 1e6)

    def _now(self) -> tuple[float, float]:
        return time.perf_counter(), self._cpu_s()


def cluster_build(
    weights: Annotated[Path, typer.Option(help="The network of the town.")] = Path("demo/town/weights.safetensors"),
    pictures: Annotated[Path, typer.Option(help="The folder of the rendered town.")] = Path(".town/pictures"),
    count: Annotated[int, typer.Option(min=1, help="Pictures of one run.")] = 384,
    workers: Annotated[int, typer.Option(min=2, help="Workers to compare with one.")] = 2,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each number of workers, in turn.")] = 3,
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = Path(
        "benchmarks/results/cluster_build.json"
    ),
) -> None:
    """Measure builds by one process, by one worker, and by several with one thread each, in turn.

    The start of workers does not count. The maps of all runs have to be equal to the last byte.
    """
    torch.set_num_threads(1)
    listing = SourceListing(town_places(pictures, count), (), "csv", pictures)
    encoder = Encoder(load_network(weights))
    network = WorkerNetwork.of(encoder, weights, None)
    options = BuildOptions(segment_size=_PICTURES_OF_A_SEGMENT)
    runs: dict[str, list[Run]] = {name: [] for name in (_ALONE, "1", str(workers))}
    made: list[Manifest] = []
    with TemporaryDirectory(prefix="placefix-cluster-") as folder:

        def build(name: str, cpu_s: Callable[[], float], engine: SegmentEngine | None = None) -> None:
            path = Path(folder) / str(len(made))
            encoding = _Encoding(cpu_s)
            reset_peak_memory()
            build_map(listing, encoder, path, options, encoding, engine=engine)
            runs[name].append(encoding.run_of(count))
            error_console().print(f"{name}: {runs[name][-1]}")
            made.append(_content(path))
            if made[-1] != made[0]:
                raise AssertionError(f"run {len(made)}, by {name} workers, has made another map than the first")

        build(_ALONE, time.process_time)
        with ray_cluster(WorkerNeeds(workers=workers)):
            for _ in range(repeats):
                for number in (1, workers):
                    build(str(number), _cpu_of_workers_s, RayEngine(network, encoder, WorkerNeeds(workers=number)))
    output_console().print(f"{len(made)} maps of {made[0].counts.placed} pictures are equal to the last byte")
    medians = {name: _median(of_name) for name, of_name in runs.items()}
    one, several = medians["1"], medians[str(workers)]
    table = Table(
        "workers of one thread",
        "pictures/s",
        "processor s per picture",
        "leading process, MB",
        title=f"{count} pictures, median of {repeats} runs",
    )
    for name, median in medians.items():
        table.add_row(name, f"{median.pictures_per_s:.2f}", f"{median.cpu_s:.3f}", f"{median.memory_mb:,.0f}")
    output_console().print(table)
    ratios = {"pictures_per_s": several.pictures_per_s / one.pictures_per_s, "cpu_s": several.cpu_s / one.cpu_s}
    output_console().print(
        f"{workers} workers: {ratios['pictures_per_s']:.2f} times the pictures/s of one, with "
        f"{ratios['cpu_s']:.2f} times the processor time of a picture"
    )
    output_console().print(describe_hardware(), soft_wrap=True)
    write_result(
        out,
        {
            "pictures": count,
            "medians": {name: asdict(median) for name, median in medians.items()},
            "ratios": ratios,
            "runs": {name: [asdict(run) for run in of_name] for name, of_name in runs.items()},
        },
    )


def _median(runs: list[Run]) -> Run:
    return Run(
        *(statistics.median(getattr(run, name) for run in runs) for name in ("pictures_per_s", "cpu_s", "memory_mb"))
    )


def _cpu_of_workers_s() -> float:
    """Return the seconds of processors that the workers on this machine have used."""
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cmdline").read_bytes().startswith(_WORKER):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])  # proc(5): utime and stime
        except (FileNotFoundError, ProcessLookupError):  # it has ended
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def _content(path: Path) -> Manifest:
    """Return the manifest of a map, which has the sums of all its files, without the time of the build."""
    return read_manifest(path, read_current(path).version).model_copy(update={"created_at": ""})
