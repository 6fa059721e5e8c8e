"""The cells change what they say, and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.ablations.cells import FULLY_TUNED, PAPER_LOSS, QUARTER, SELAVPR, all_cells
from benchmarks.ablations.command import choose_cells
from demo.pretraining.shape import BACKBONE_CONFIG
from model.errors import InvalidInput
from model.network.initialisation import seeded_network
from model.training.config_file import read_config
from model.training.trainable import starting_network, trainable_parameters

RECIPE = read_config(Path(__file__).parents[3] / "demo" / "adapt.toml")


def test_every_cell_is_a_training_that_can_begin() -> None:
    backbone = seeded_network(BACKBONE_CONFIG)
    for cell in all_cells():
        config = cell.config(RECIPE)
        network = starting_network(backbone, config.network, cell.seed)
        learns = dict(trainable_parameters(network, full_fine_tuning=config.network.full_fine_tuning))
        assert bool(learns) or not cell.is_trained, cell.name
        assert (network.config.local_features != "none") or cell.shortlist == 100


def test_names_are_distinct_and_found() -> None:
    names = [cell.file_name for cell in all_cells()]
    assert len(set(names)) == len(names)
    assert [cell.file_name for cell in choose_cells(["selavpr"])] == [f"selavpr-seed{seed}" for seed in (0, 1, 2)]
    assert [cell.file_name for cell in choose_cells(["coarse-seed0"])] == ["coarse-seed0"]
    assert choose_cells(None) == all_cells()
    with pytest.raises(InvalidInput, match="no cell sela; there are class-token"):
        choose_cells(["sela"])


def test_a_cell_changes_what_it_says() -> None:
    assert SELAVPR.config(RECIPE) == replace(RECIPE, optimization=replace(RECIPE.optimization, seed=0))
    assert PAPER_LOSS.config(RECIPE).loss.global_loss == "triplet"
    assert PAPER_LOSS.config(RECIPE).loss.correspondence_weight == 0
    assert QUARTER.config(RECIPE).optimization.epochs == max(1, round(RECIPE.optimization.epochs / 4))
    tuned = FULLY_TUNED.config(RECIPE).network
    assert tuned.full_fine_tuning
    assert tuned.adapters == "none"
