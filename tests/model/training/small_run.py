"""A training of a few seconds, for tests."""

from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from PIL import Image

from model.geo import LatLon
from model.places import Place
from model.selavpr.config import SelaVPRConfig
from model.selavpr.initialisation import seeded_network
from model.training.config import (
    DataConfig,
    MiningConfig,
    NetworkStart,
    OptimizationConfig,
    RunConfig,
    TrainingConfig,
    ValidationConfig,
)
from model.training.data import TrainingSet
from model.training.events import Event
from model.training.trainer import Trainer
from tests.conftest import write_photo

PLACES = 12
SPACING_DEG = 30 / 111_195  # 30 m

NETWORK = SelaVPRConfig(
    embed_dim=32,
    depth=1,
    num_heads=2,
    mlp_dim=32,
    adapter_dim=8,
    local_hidden_dim=8,
    local_dim=8,
    position_side=16,
    local_features="coarse",  # the dense ones take most of the time of a step
)


def small_set(folder: Path, side: str = "train", seed: int = 0) -> TrainingSet:
    """Make twelve places in a street, each with a picture in the database and a query in another light."""

    def place(kind: str, number: int, light: float) -> Place:
        path = folder / side / kind / f"{number:02d}.jpg"
        if not path.exists():
            write_photo(path, seed + number, size=(64, 48))
            with Image.open(write_photo(path.with_suffix(".tmp"), seed + number + 1000, size=(64, 48))) as other:
                with Image.open(path) as own:
                    mixed = Image.blend(own.convert("RGB"), other.convert("RGB"), light)
                mixed.save(path)
        return Place(path.name, path, LatLon(number * SPACING_DEG, 13.0))

    return TrainingSet(
        database=[place("database", number, 0.0) for number in range(PLACES)],
        queries=[place("queries", number, 0.6) for number in range(PLACES)],
    )


def small_config(folder: Path) -> TrainingConfig:
    """Return settings of two epochs of two refreshes of three steps."""
    return TrainingConfig(
        data=DataConfig(dataset=folder),
        network=NetworkStart("seeded"),
        run=RunConfig(folder / "run", checkpoint_every=2, encode_batch_size=5, decoders=2),
        mining=MiningConfig(queries_per_epoch=12, refresh_every=6, pool_size=8, negatives=1),
        optimization=OptimizationConfig(learning_rate=1e-3, batch_size=2, epochs=2, seed=5),
        validation=ValidationConfig(shortlist=3, at_start=False),
    )


def small_trainer(folder: Path, config: TrainingConfig | None = None, events: list[Event] | None = None) -> Trainer:
    seen = [] if events is None else events
    return Trainer(
        seeded_network(NETWORK, seed=1),
        small_config(folder) if config is None else config,
        small_set(folder),
        small_set(folder, "val", seed=100),
        torch.device("cpu"),
        seen.append,
    )


def train_and_tell(folder: Path, events: "Connection[str, None]") -> None:
    """Train in a folder, and send the name of each event; this runs in a child process."""

    def tell(event: Event) -> None:
        events.send(type(event).__name__)

    config = replace(small_config(folder), validation=ValidationConfig(shortlist=3))
    validation = small_set(folder, "val", seed=100)
    network = seeded_network(NETWORK, seed=1)
    Trainer(network, config, small_set(folder), validation, torch.device("cpu"), tell).run()
