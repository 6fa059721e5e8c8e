"""``python -m benchmarks cluster-build``: how much faster two workers on Ray encode a build than one, to equal maps."""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.table import Table

from benchmarks.building.command import town_places
from benchmarks.hardware import describe_hardware
from benchmarks.result_file import write_result
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.ray_workers.cluster import WorkerNeeds, ray_cluster
from index_builder.ray_workers.engine import RayEngine
from index_builder.segment_worker import WorkerNetwork
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.progress import SilentProgress
from model.weights import load_network
from place_map.manifest import Manifest
from place_map.versions import read_current, read_manifest
from placefix.console import error_console, output_console

_PICTURES_OF_A_SEGMENT = 32


@dataclass
class _Encoding(SilentProgress):
    """Take the time from the moment when all workers have started to the last picture."""

    ready_s: float = 0.0
    done_s: float = 0.0

    def advanced(self, count: int) -> None:  # noqa: ARG002
        self.done_s = time.perf_counter()

    def message(self, text: str) -> None:
        if text.startswith("workers: "):
            self.ready_s = time.perf_counter()


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
    """Measure pictures per second of one worker and of several with one thread each, in turn, without their start.

    The maps of all runs have to be equal to the last byte.
    """
    listing = SourceListing(town_places(pictures, count), (), "csv", pictures)
    encoder = Encoder(load_network(weights))
    network = WorkerNetwork.of(encoder, weights, None)
    options = BuildOptions(segment_size=_PICTURES_OF_A_SEGMENT)
    rates: dict[int, list[float]] = {1: [], workers: []}
    made: list[Manifest] = []
    with TemporaryDirectory(prefix="placefix-cluster-") as folder, ray_cluster(WorkerNeeds(workers=workers)):
        for repeat in range(repeats):
            for number, measured in rates.items():
                encoding = _Encoding()
                engine = RayEngine(network, encoder, WorkerNeeds(workers=number))
                path = Path(folder) / f"{repeat}-{number}"
                build_map(listing, encoder, path, options, encoding, engine=engine)
                made.append(_content(path))
                if made[-1] != made[0]:
                    raise AssertionError(f"run {len(made)}, with {number} workers, has made another map than the first")
                measured.append(count / (encoding.done_s - encoding.ready_s))
                error_console().print(f"{number} workers: {measured[-1]:,.1f} pictures/s")
    output_console().print(f"{len(made)} maps of {made[0].counts.placed} pictures are equal to the last byte")
    medians = {number: statistics.median(measured) for number, measured in rates.items()}
    table = Table("workers of one thread", "pictures/s", "ratio", title=f"{count} pictures, median of {repeats} runs")
    for number, median in medians.items():
        table.add_row(str(number), f"{median:,.1f}", f"{median / medians[1]:.2f}")
    output_console().print(table)
    output_console().print(describe_hardware(), soft_wrap=True)
    write_result(
        out,
        {"pictures": count, "pictures_per_s": medians, "runs": rates, "ratio": medians[workers] / medians[1]},
    )


def _content(path: Path) -> Manifest:
    """Return the manifest of a map, which has the sums of all its files, without the time of the build."""
    return read_manifest(path, read_current(path).version).model_copy(update={"created_at": ""})
