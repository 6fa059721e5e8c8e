"""``python -m benchmarks learn``: the slow steps of training, each in the plain way and in the trainer's way."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import torch
import torch.nn.functional as F
import typer
from rich.table import Table
from torch import Tensor

from benchmarks.encoding.floor import synchronize
from benchmarks.encoding.networks import network_of, shipped_pictures
from benchmarks.hardware import describe_hardware
from benchmarks.result_file import write_result
from model.device import DeviceName, choose_device
from model.features import Features
from model.network_precision import NetworkPrecision, has_native_bfloat16
from model.selavpr.attention import attend_in_plain_products
from model.selavpr.selavpr import SelaVPR
from model.training.forward import encoding_forward, learning_forward
from model.training.trainable import freeze_the_rest
from placefix.console import output_console

_ATTENDED_AT_A_TIME = 8  # pictures


@dataclass(frozen=True)
class Way:
    """Describe a piece of work and a way to do it.

    Attributes:
        work: The name of the work, for people.
        name: The name of the way.
        run: The function that does it.
    """

    work: str
    name: str
    run: Callable[[], None]


def learn(
    network: Annotated[str, typer.Option(help="vits14, vitb14, vitl14 (random weights), demo or a file.")] = "demo",
    pictures: Annotated[int, typer.Option(min=1, help="The pictures of a step, and of a batch in mining.")] = 64,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each way, in turn; the median counts.")] = 3,
    device: DeviceName = "auto",
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = Path("benchmarks/results/learn.json"),
) -> None:
    """Measure the seconds of a training step and of encoding for mining: all pictures at once, and in the trainer's
    way.
    """
    chosen = choose_device(device).device
    ways = _ways(network_of(network).to(chosen), shipped_pictures(pictures).to(chosen), chosen)
    seconds: dict[Way, list[float]] = {way: [] for way in ways}
    for _ in range(repeats + 1):
        for way in ways:
            synchronize(chosen)
            start_s = time.perf_counter()
            way.run()
            synchronize(chosen)
            seconds[way].append(time.perf_counter() - start_s)
    medians = {way: median(measured[1:]) for way, measured in seconds.items()}  # the first warms up
    plain = {way.work: medians[way] for way in reversed(ways)}  # the first way of each work is the plain one
    rows = [
        {"work": way.work, "way": way.name, "seconds": medians[way], "ratio": plain[way.work] / medians[way]}
        for way in ways
    ]
    console = output_console()
    console.print(describe_hardware(), soft_wrap=True)
    console.print(_table(rows, pictures))
    write_result(out, {"network": network, "pictures": pictures, "device": str(chosen), "rows": rows})
    console.print(str(out), soft_wrap=True)


def _ways(network: SelaVPR, images: Tensor, device: torch.device) -> list[Way]:
    learned = freeze_the_rest(network, full_fine_tuning=False, adapters_learn=True)
    is_bfloat16 = has_native_bfloat16(device)
    precision: NetworkPrecision = "bfloat16" if is_bfloat16 else "float32"

    def step(forward: Callable[[SelaVPR, Tensor], Features]) -> None:
        for parameter in learned.values():
            parameter.grad = None
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=is_bfloat16):
            features = forward(network, images)
        loss = features.global_features.float().sum() + features.local_features.float().mean()
        loss.backward()  # type: ignore[no-untyped-call]

    def plainly() -> None:
        with torch.no_grad():
            network(images)

    def encode() -> None:
        encoding_forward(network, device, precision)(images)

    ways = [
        Way(f"forward and backward, {precision}", "all at once", lambda: step(lambda learned, batch: learned(batch))),
        Way(f"forward and backward, {precision}", "as the trainer does", lambda: step(learning_forward)),
        Way("encode for mining", "all at once, float32", plainly),
        Way("encode for mining", f"as the trainer does, {precision}", encode),
    ]
    return ways + _attention_ways(network, images) if is_bfloat16 and device.type == "cpu" else ways


def _attention_ways(network: SelaVPR, images: Tensor) -> list[Way]:
    """Return the ways of one layer's attention, over the trainer's number of pictures."""
    heads = network.config.num_heads
    tokens = 1 + images.shape[2] * images.shape[3] // network.config.patch_size**2
    shape = (len(images), tokens, 3, heads, network.config.embed_dim // heads)
    qkv = torch.randn(shape, generator=torch.Generator().manual_seed(0)).bfloat16()

    def attend(attention: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        for part in torch.split(qkv, _ATTENDED_AT_A_TIME):
            query, key, value = part.clone().requires_grad_().permute(2, 0, 3, 1, 4)
            attended = attention(query, key, value)
            attended.backward(attended.detach())  # type: ignore[no-untyped-call]

    work = "attention of a layer, forward and backward, bfloat16"
    return [
        Way(work, "torch's fused", lambda: attend(F.scaled_dot_product_attention)),
        Way(work, "in plain products", lambda: attend(attend_in_plain_products)),
    ]


def _table(rows: list[dict[str, object]], pictures: int) -> Table:
    table = Table(title=f"{pictures} pictures")
    for heading in ("work", "way", "seconds", "times plain"):
        table.add_column(heading, justify="left" if heading in ("work", "way") else "right")
    for row in rows:
        table.add_row(str(row["work"]), str(row["way"]), f"{row['seconds']:.2f}", f"{row['ratio']:.2f}")
    return table
