"""``python -m demo pretrain``: the backbone of the demo's network, from rendered pictures."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from demo.pretraining.config import PretrainingConfig
from demo.pretraining.frames import read_frames
from demo.pretraining.run import Pretraining
from model.device import DeviceName, choose_device
from model.weights import save_network
from placefix.console import error_console, output_console, resumable
from placefix.progress import show_progress

_DEFAULTS = PretrainingConfig()


def pretrain(
    pictures: Annotated[Path, typer.Option(help="The folder of the rendered split pretrain, with its database.csv.")],
    out: Annotated[Path, typer.Option(help="A folder for decoded pictures, checkpoint and backbone.safetensors.")],
    steps: Annotated[int, typer.Option(min=1, help="The steps of the optimizer.")] = _DEFAULTS.steps,
    seed: Annotated[
        int, typer.Option(min=0, help="The seed of weights, batches, patches and colours.")
    ] = _DEFAULTS.seed,
    device: Annotated[DeviceName, typer.Option(help="The device of the work.")] = "auto",
    decoders: Annotated[int, typer.Option(min=1, help="Threads that decode the pictures.")] = 4,
) -> None:
    """Pre-train a small backbone on fair weather. After an interruption, the same command continues."""
    config = replace(_DEFAULTS, steps=steps, seed=seed)
    chosen = choose_device(device)
    error_console().print(f"device: {chosen.device} ({chosen.reason})", soft_wrap=True)
    with resumable(), show_progress("decoding") as progress:
        frames = read_frames(pictures / "database.csv", out, progress, decoders)
    pretraining = Pretraining(frames, config, out, chosen.device)
    with resumable(), show_progress("pre-training") as progress:
        done = pretraining.step * config.batch_size
        progress.started(config.steps * config.batch_size, done)
        for advance in pretraining.run():
            progress.message(
                f"step {advance.step:,} of {config.steps:,}: loss {advance.loss:.3f}, {advance.pictures_per_s:,.0f} "
                "pictures/s"
            )
            progress.advanced(advance.step * config.batch_size - done)
            done = advance.step * config.batch_size
    path = out / "backbone.safetensors"
    save_network(pretraining.network.cpu(), path)
    output_console().print(f"backbone  {path}", soft_wrap=True)
