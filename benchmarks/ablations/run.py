"""``python -m benchmarks ablations run``: train and measure cells; each is resumable, and done once."""

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.ablations.cells import Cell
from benchmarks.ablations.measure import measure
from index_builder.sources.read import read_source
from model.durable import write_atomically
from model.matching import MatchingPrecision
from model.progress import Progress
from model.selavpr.selavpr import SelaVPR
from model.training.config import DataConfig, TrainingConfig
from model.training.data import TrainingSet
from model.training.events import Event, Stepped, Validated
from model.training.trainable import starting_network, trainable_parameters
from model.training.trainer import CHECKPOINT_NAME, Trainer
from model.weights import load_selavpr


@dataclass(frozen=True)
class Town:
    """Hold the rendered splits.

    Attributes:
        training: The split ``train``.
        validation: The split ``val``.
        test: The split ``test``, or another one for the measurement.
    """

    training: TrainingSet
    validation: TrainingSet
    test: TrainingSet


@dataclass(frozen=True)
class Recipes:
    """Hold the trainings of the demo's network.

    Attributes:
        first: The training of the global feature.
        second: The training of the local features.
    """

    first: TrainingConfig
    second: TrainingConfig


@dataclass(frozen=True)
class Where:
    """Name the files of a run of ablations.

    Attributes:
        backbone: The pre-trained weights.
        runs: The folder of the trainings.
        results: The folder of the outcomes.
    """

    backbone: Path
    runs: Path
    results: Path


def read_town(pictures: Path, measured: str = "test") -> Town:
    """Read the tables of the splits.

    Raises:
        SourceError: A table is missing.
    """
    train, val, test = (
        TrainingSet(
            read_source(pictures / split / "database.csv").places, read_source(pictures / split / "queries.csv").places
        )
        for split in ("train", "val", measured)
    )
    return Town(train, val, test)


def run_cell(
    cell: Cell,
    recipes: Recipes,
    town: Town,
    where: Where,
    device: torch.device,
    progress: Progress,
    precision: MatchingPrecision = "exact",
) -> None:
    """Train and measure one cell, unless its result exists."""
    summary_path = where.results / f"{cell.file_name}.json"
    if summary_path.exists():
        return
    where.results.mkdir(parents=True, exist_ok=True)
    network, summary = _network_of(cell, recipes, town, where, device, progress)
    began_s = time.monotonic()
    outcome = measure(
        network.to(device),
        town.test.database,
        town.test.queries,
        device,
        shortlist=cell.shortlist,
        precision=precision,
        on_done=progress.advanced,
    )
    outcome.save(summary_path.with_suffix(".npz"))
    summary |= {
        "cell": cell.name,
        "says": cell.says,
        "seed": cell.seed,
        "parameters": sum(each.numel() for each in network.parameters()),
        "shortlist": cell.shortlist,
        "measured_s": round(time.monotonic() - began_s, 1),
        "precision": precision,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "database": len(town.test.database),
        "queries": len(town.test.queries),
    }
    write_atomically(summary_path, (json.dumps(summary, indent=1) + "\n").encode())


def _network_of(
    cell: Cell, recipes: Recipes, town: Town, where: Where, device: torch.device, progress: Progress
) -> tuple[SelaVPR, dict[str, Any]]:
    """Return the network of a cell after its stages, and its summary."""
    weights, learned, stages = where.backbone, set[str](), []
    if cell.first is not None:
        config = cell.first_stage(recipes.first)
        stage, weights = _train(cell, cell.first_run, config, weights, learned, town, where, device, progress)
        stages.append(stage)
    if cell.second:
        config = cell.second_stage(recipes.second)
        stage, weights = _train(cell, cell.second_run, config, weights, learned, town, where, device, progress)
        stages.append(stage)
    network = load_selavpr(weights)
    if cell.coarse:
        coarse = SelaVPR(replace(network.config, local_features="coarse"), is_trained=network.is_trained)
        coarse.load_state_dict(network.state_dict())  # patch tokens have no weights
        network = coarse.eval()
    sizes = {name: each.numel() for name, each in network.named_parameters()}
    return network, {"trainable": sum(sizes[name] for name in learned), "stages": stages}


def _train(
    cell: Cell,
    name: str,
    config: TrainingConfig,
    weights: Path,
    learned: set[str],
    town: Town,
    where: Where,
    device: torch.device,
    progress: Progress,
) -> tuple[dict[str, Any], Path]:
    """Train one stage, or take it from its folder; add the names of the learned parts to ``learned``."""
    folder = where.runs / name
    config = replace(
        config,
        data=DataConfig(dataset=where.runs),  # the places have been read
        network=replace(config.network, weights=str(weights)),
        run=replace(config.run, folder=folder),
    )
    network = starting_network(load_selavpr(weights), config.network, config.optimization.seed)
    learned.update(
        name
        for name, _ in trainable_parameters(
            network,
            full_fine_tuning=config.network.full_fine_tuning,
            adapters_learn=config.network.adapters_learn,
        )
    )
    history: list[dict[str, Any]] = []
    was_begun = (folder / CHECKPOINT_NAME).exists()
    trainer = Trainer(network, config, town.training, town.validation, device, _Watch(cell, history, progress))
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    report = trainer.run()
    stage = {
        "run": name,
        "epochs": report.epochs,
        "steps": report.steps,
        "triplets": report.steps * config.optimization.queries_per_step * config.mining.negatives,
        "trained_s": None if was_begun else round(time.monotonic() - began_s, 1),
        # other load of the machine affects only one of the two
        "trained_cpu_s": None if was_begun else round(time.process_time() - began_cpu_s, 1),
        "validation": history,
    }
    return stage, report.best_path


class _Watch:
    """Print the result of each validation."""

    def __init__(self, cell: Cell, history: list[dict[str, Any]], progress: Progress) -> None:
        self._cell = cell
        self._history = history
        self._progress = progress

    def __call__(self, event: Event) -> None:
        if isinstance(event, Stepped) and event.step % 50 == 0:
            self._progress.message(
                f"{self._cell.file_name} step {event.step}: global {event.global_loss:.4f}, local "
                f"{event.local_loss:.4f}, gradient {event.gradient_norm:.3f}"
            )
        if isinstance(event, Validated):
            self._history.append(
                {
                    "epoch": event.epoch,
                    "loss": event.mean_loss,
                    "global": _percent(event.by_global.percent),
                    "reranked": _percent(event.reranked.percent),
                }
            )
            self._progress.message(
                f"{self._cell.file_name} epoch {event.epoch}: {event.by_global} -> {event.reranked} (validation)"
            )


def _percent(recalls: Any) -> list[float]:
    return [round(value, 2) for value in recalls.values()]
