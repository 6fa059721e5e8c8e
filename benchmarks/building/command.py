"""``python -m benchmarks build``: the speed of building a map relative to its encoder, and the memory."""

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.table import Table

from benchmarks.building.memory import peak_of_build
from benchmarks.building.throughput import Throughput, measure_throughput
from benchmarks.hardware import describe_hardware
from benchmarks.result_file import write_result
from index_builder.sources.read import read_source
from model.device import DeviceName, choose_device
from model.encoder import Encoder
from model.errors import InvalidInput
from model.network_precision import choose_network_precision
from model.places import Place
from model.selavpr.config import VIT_LARGE
from model.selavpr.initialisation import seeded_network
from model.weights import load_network
from placefix.commands.options import NetworkPrecisionOption
from placefix.console import error_console, output_console

TOWN, VIT_L = "town", "vit-l"
MEMORY_COUNTS = [100, 1000]


def build(
    weights: Annotated[Path, typer.Option(help="The network of the town.")] = Path("demo/town/weights.safetensors"),
    pictures: Annotated[Path, typer.Option(help="The folder of the rendered town.")] = Path(".town/pictures"),
    count: Annotated[int, typer.Option(min=1, help="Pictures of one run with the town's network.")] = 512,
    vit_l: Annotated[bool, typer.Option("--vit-l", help="Measure also ViT-L with random weights.")] = False,
    vit_l_count: Annotated[int, typer.Option(min=1, help="Pictures of one run with it.")] = 32,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of encoder and build, in turn.")] = 3,
    memory: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Pictures of a build whose peak memory is measured; may be repeated."),
    ] = None,
    device: Annotated[DeviceName, typer.Option(help="The device that encodes pictures.")] = "auto",
    encoding: NetworkPrecisionOption = "auto",
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = Path("benchmarks/results/build.json"),
) -> None:
    """Measure pictures per second of a whole build and of its encoder alone, in turn, and peak memory by number of
    pictures.
    """
    counts = memory or MEMORY_COUNTS
    places = town_places(pictures, max(count, vit_l_count if vit_l else 1, *counts))
    chosen = choose_device(device).device
    precision = choose_network_precision(encoding, chosen).precision
    say = error_console().print
    throughputs: dict[str, Throughput] = {}
    with TemporaryDirectory(prefix="placefix-build-") as folder:
        runs = {TOWN: count} | ({VIT_L: vit_l_count} if vit_l else {})
        for name, pictures_of_run in runs.items():
            say(f"{name}: {pictures_of_run} pictures, {repeats} times")
            throughputs[name] = measure_throughput(
                Encoder(
                    load_network(weights) if name == TOWN else seeded_network(VIT_LARGE), chosen, precision=precision
                ),
                places[:pictures_of_run],
                Path(folder) / name,
                repeats=repeats,
                on_done=say,
            )
        peaks = {}
        for number in counts:
            peaks[number] = peak_of_build(weights, places[:number], Path(folder))
            say(f"{number:,} pictures: {peaks[number] / 1e6:,.0f} MB at most")
    console = output_console()
    console.print(_throughput_table(throughputs, precision))
    console.print(_memory_table(peaks))
    console.print(describe_hardware(), soft_wrap=True)
    write_result(
        out,
        {
            "throughput": {
                name: {
                    **asdict(each),
                    "ratio": each.ratio,
                    "encoder_rate": each.encoder_rate,
                    "build_rate": each.build_rate,
                }
                for name, each in throughputs.items()
            },
            "peak_bytes": peaks,
            "device": chosen.type,
            "encoding": precision,
        },
    )


def town_places(folder: Path, count: int) -> tuple[Place, ...]:
    """Return pictures of the town, database before queries, split after split.

    Raises:
        InvalidInput: There are not enough pictures.
    """
    places: list[Place] = []
    for split in ("test", "train", "val"):
        for name in ("database.csv", "queries.csv"):
            path = folder / split / name
            if path.is_file() and len(places) < count:
                places += [
                    Place(f"{split}/{place.id}", place.path, place.position, place.heading_deg, place.time)
                    for place in read_source(path).places
                ]
    if len(places) < count:
        raise InvalidInput(
            f"{folder} has {len(places):,} pictures, and {count:,} are needed: render more splits with "
            "`python -m demo render`, or take fewer (--count, --vit-l-count, --memory)"
        )
    return tuple(places[:count])


def _throughput_table(throughputs: dict[str, Throughput], precision: str) -> Table:
    table = Table(title=f"pictures a second in {precision}, median of runs in turn")
    for heading in ("network", "pictures", "encoder alone", "whole build", "ratio"):
        table.add_column(heading, justify="left" if heading == "network" else "right")
    for name, each in throughputs.items():
        rates = (f"{each.encoder_rate:.2f}", f"{each.build_rate:.2f}", f"{each.ratio:.3f}")
        table.add_row(name, f"{each.pictures}", *rates)
    return table


def _memory_table(peaks: dict[int, int]) -> Table:
    table = Table(title="most memory of a build, network and libraries included")
    table.add_column("pictures", justify="right")
    table.add_column("MB", justify="right")
    for number, peak_bytes in peaks.items():
        table.add_row(f"{number:,}", f"{peak_bytes / 1e6:,.0f}")
    return table
