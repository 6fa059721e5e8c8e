"""``placefix train``: a network learns from geotagged pictures."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from index_builder.sources.kinds import CSV_SUFFIXES
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from model.device import choose_device
from model.places import Place
from model.training.config import DataConfig, TrainingConfig
from model.training.config_file import read_config
from model.training.data import TrainingSet
from model.training.events import Event, Observer
from model.training.picture_check import check_pictures
from model.training.trainable import starting_network
from model.training.trainer import Trainer, TrainingReport
from model.weights import load_selavpr, resolve_weights
from placefix.console import error_console, output_console, resumable
from placefix.picture_check_progress import show_checking
from placefix.picture_limits import read_picture_limits
from placefix.tensorboard_files import TensorboardFiles, is_tensorboard_installed
from placefix.training_progress import show_training
from placefix.wording import count

app = typer.Typer(add_completion=False)


@app.command()
def train(
    config: Annotated[
        Path, typer.Option(help="The settings, a TOML file; docs/training.md explains each.", show_default=False)
    ],
) -> None:
    """Train a network, or fine-tune one.

    Interrupted or killed, the same command continues where the last checkpoint was written, exactly. The best network
    is [bold]best.safetensors[/bold] in the folder of the run; build, serve and localize take it as --weights.
    """
    settings = read_config(config)
    limits = read_picture_limits()
    console = error_console()
    chosen = choose_device(settings.run.device)
    loaded = load_selavpr(resolve_weights(settings.network.weights), settings.network.num_heads)
    network = starting_network(loaded, settings.network, settings.optimization.seed)
    training, validation = read_sets(settings.data)
    with show_checking() as on_checked:
        check_pictures(
            (training, validation),
            settings.run.folder,
            decoders=settings.run.decoders,
            on_checked=on_checked,
            limits=limits,
        )
    console.print(f"device: {chosen.device} ({chosen.reason})", soft_wrap=True)
    with resumable():
        report = _train(
            lambda observe: Trainer(network, settings, training, validation, chosen.device, observe, limits), settings
        )
    output_console().print(_summary(report, settings))


def read_sets(data: DataConfig) -> tuple[TrainingSet, TrainingSet]:
    """Read the positions of the pictures for training and for validation."""
    if data.dataset is None:
        folders = (data.train_database, data.train_queries, data.val_database, data.val_queries)
    else:
        images = data.dataset / "images"
        folders = (
            images / "train" / "database",
            images / "train" / "queries",
            images / "val" / "database",
            images / "val" / "queries",
        )
    train_database, train_queries, val_database, val_queries = (
        _read_places(folder, data) for folder in folders if folder is not None
    )
    return TrainingSet(train_database, train_queries), TrainingSet(val_database, val_queries)


def _read_places(source: Path, data: DataConfig) -> tuple[Place, ...]:
    console = error_console()
    with console.status(f"reading positions: {source}"):
        is_csv = source.suffix.lower() in CSV_SUFFIXES and not source.is_dir()
        listing = read_source(
            source,
            ReadOptions(latitude_column=data.latitude_column, longitude_column=data.longitude_column)
            if is_csv
            else None,
        )
    console.print(
        f"{source}: {listing.kind}, {count(len(listing), 'picture')}, {len(listing.places):,} with a position",
        soft_wrap=True,
    )
    return listing.places


def _train(trainer: Callable[[Observer], Trainer], settings: TrainingConfig) -> TrainingReport:
    with ExitStack() as stack:
        observers: list[Observer] = [stack.enter_context(show_training(settings))]
        if is_tensorboard_installed():
            files = TensorboardFiles(settings.run.folder / "tensorboard")
            stack.callback(files.close)
            observers.append(files)
        else:
            error_console().print("no files for tensorboard: pip install 'placefix\\[train]' writes them")

        def observe(event: Event) -> None:
            for each in observers:
                each(event)

        return trainer(observe).run()


def _summary(report: TrainingReport, settings: TrainingConfig) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("network", str(report.best_path))
    table.add_row("R@5", f"{report.best_percent:.1f} % re-ranked, on the validation set")
    ended = (
        f"; stopped early, {settings.optimization.patience} epochs brought nothing" if report.is_stopped_early else ""
    )
    table.add_row("epochs", f"{report.epochs:,}, {report.steps:,} steps{ended}")
    table.add_row("next", f"placefix build --source PICTURES --weights {report.best_path} --out maps/NAME")
    return table
