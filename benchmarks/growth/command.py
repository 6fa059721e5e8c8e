"""``python -m benchmarks growth``: the cost of adding to a map and removing from it, relative to building it."""

from dataclasses import asdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.table import Table

from benchmarks.growth.measure import Step, measure_growth, repeated
from benchmarks.hardware import describe_hardware
from benchmarks.result_file import write_result
from index_builder.build_options import BuildOptions
from index_builder.sources.read import read_source
from model.device import DeviceName, choose_device
from model.encoder import Encoder
from model.network_precision import choose_network_precision
from model.weights import load_network
from placefix.commands.options import NetworkPrecisionOption
from placefix.console import error_console, output_console


def growth(
    weights: Annotated[Path, typer.Option(help="The network.")] = Path("demo/town/weights.safetensors"),
    source: Annotated[Path, typer.Option(help="Pictures, which are repeated under other ids.")] = Path(
        "demo/town/pictures/database.csv"
    ),
    pictures: Annotated[int, typer.Option(min=2, help="Pictures in the map.")] = 5000,
    share: Annotated[
        float, typer.Option(min=0.0001, max=1, help="The number of these that are added, and removed.")
    ] = 0.01,
    segment_size: Annotated[int | None, typer.Option(min=1, help="Pictures in one segment.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Maps, one after the other; the median counts.")] = 3,
    device: Annotated[DeviceName, typer.Option(help="The device that encodes pictures.")] = "auto",
    encoding: NetworkPrecisionOption = "auto",
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = Path("benchmarks/results/growth.json"),
) -> None:
    """Measure seconds, encoded pictures and written bytes of add, remove, update and compact, relative to the build."""
    chosen = choose_device(device).device
    precision = choose_network_precision(encoding, chosen).precision
    encoder = Encoder(load_network(weights), chosen, precision=precision)
    places = repeated(read_source(source).places, pictures)
    options = BuildOptions(segment_size=segment_size)
    runs: list[list[Step]] = []
    with TemporaryDirectory(prefix="placefix-growth-") as folder:
        for number in range(repeats):
            runs.append(measure_growth(encoder, places, share, Path(folder), options))
            told = ", ".join(f"{step.name} {step.duration_s:.2f} s" for step in runs[-1])
            error_console().print(f"map {number + 1} of {repeats}: {told}", soft_wrap=True)
    console = output_console()
    console.print(_table(runs, share))
    console.print(describe_hardware(), soft_wrap=True)
    write_result(
        out,
        {
            "pictures": pictures,
            "share": share,
            "steps": [_figures(steps, runs) for steps in zip(*runs, strict=True)],
            "device": chosen.type,
            "encoding": precision,
        },
    )


def _figures(steps: tuple[Step, ...], runs: list[list[Step]]) -> dict[str, object]:
    """Return one step of all runs: the first in full, all durations, and its share of the build, run by run."""
    durations = [step.duration_s for step in steps]
    ratios = [step.duration_s / run[0].duration_s for step, run in zip(steps, runs, strict=True)]
    return asdict(steps[0]) | {
        "duration_s": durations,
        "of_build": median(ratios),
        "bytes_of_build": steps[0].written_bytes / runs[0][0].written_bytes,
    }


def _table(runs: list[list[Step]], share: float) -> Table:
    table = Table(title=f"a map of {runs[0][0].pictures:,} pictures, and {share:.2%} of them; median of {len(runs)}")
    for heading in ("step", "encoded", "s", "of the build", "MB written", "of the build", "MB touched"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for steps in zip(*runs, strict=True):
        figures, first = _figures(steps, runs), steps[0]
        table.add_row(
            first.name,
            f"{first.encoded:,}",
            f"{median(step.duration_s for step in steps):.2f}",
            f"{figures['of_build']:.2%}",
            f"{first.written_bytes / 1e6:,.2f}",
            f"{figures['bytes_of_build']:.2%}",
            f"{first.touched_bytes / 1e6:,.2f}",
        )
    return table
