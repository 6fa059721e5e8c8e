"""``python -m benchmarks encode``: pictures per second of the plain network and of the encoder."""

from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.table import Table
from torch.profiler import ProfilerActivity, profile

from benchmarks.encoding.floor import operations
from benchmarks.encoding.networks import network_of, shipped_pictures
from benchmarks.encoding.speed import Timing, forms_of, peaks_of, time_forms
from benchmarks.hardware import describe_hardware
from benchmarks.result_file import write_result
from model.device import DeviceName, choose_device
from placefix.console import output_console

_PROFILE_ROWS = 16


def encode(
    network: Annotated[
        list[str], typer.Option(help="vits14, vitb14, vitl14 (random weights), demo or a file; may be repeated.")
    ] = ["vitl14", "demo"],  # noqa: B006 - typer does not change the default
    batch: Annotated[list[int], typer.Option(min=1, help="Pictures in a batch; may be repeated.")] = [1, 8],  # noqa: B006
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each form, in turn; the median counts.")] = 5,
    device: DeviceName = "auto",
    show_profile: Annotated[
        bool, typer.Option("--profile", help="Print instead the time of each operator, for one batch.")
    ] = False,
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = Path("benchmarks/results/encode.json"),
) -> None:
    """Measure the seconds of the plain forward pass and of the encoder in each precision, and the floor of both."""
    chosen = choose_device(device).device
    if show_profile:
        for name in network:
            _profile(name, max(batch), chosen)
        return
    console = output_console()
    console.print(describe_hardware(), soft_wrap=True)
    measured: dict[str, list[dict[str, object]]] = {}
    for name in network:
        built = network_of(name)
        forms = forms_of(built, chosen)
        work, peaks = operations(built.config), peaks_of(forms, chosen)
        measured[name] = []
        for size in batch:
            timings = time_forms(forms, work, peaks, shipped_pictures(size), chosen, repeats)
            measured[name] += [timing.to_json(timings[0]) for timing in timings]
            console.print(_table(f"{name}, {size} at a time, {chosen}", timings))
    write_result(out, {"device": str(chosen), "networks": measured})
    console.print(str(out), soft_wrap=True)


def _table(title: str, timings: list[Timing]) -> Table:
    table = Table(title=title)
    for heading in ("form", "ms a batch", "pictures/s", "times plain", "times the floor", "cosine", "local cosine"):
        table.add_column(heading, justify="left" if heading == "form" else "right")
    for timing in timings:
        table.add_row(
            timing.form,
            f"{1000 * timing.median_s:.1f}",
            f"{timing.batch / timing.median_s:.2f}",
            f"{timings[0].median_s / timing.median_s:.2f}",
            f"{timing.median_s / timing.floor_s:.2f}",
            f"{timing.cosine:.6f}",
            f"{timing.local_cosine:.6f}",
        )
    return table


def _profile(name: str, size: int, device: torch.device) -> None:
    """Print the operators of one batch, by their own time."""
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
    images = shipped_pictures(size)
    for form in forms_of(network_of(name), device):
        form.encode(images)
        with profile(activities=activities) as profiled:
            form.encode(images)
        sort_by = "self_device_time_total" if device.type == "cuda" else "self_cpu_time_total"
        typer.echo(f"{name}, {form.name}, {size} at a time, {device}")
        typer.echo(profiled.key_averages().table(sort_by=sort_by, row_limit=_PROFILE_ROWS, max_name_column_width=40))
