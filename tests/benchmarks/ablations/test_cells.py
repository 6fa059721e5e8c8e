"""The cells change the settings that they name, and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.ablations.cells import (
    COARSE,
    FULLY_TUNED,
    GLOBAL_ONLY,
    LOCAL_ONLY,
    PAPER_LOSS,
    QUARTER,
    SELAVPR,
    all_cells,
)
from benchmarks.ablations.command import choose_cells
from demo.pretraining.shape import BACKBONE_CONFIG
from model.errors import InvalidInput
from model.selavpr.initialisation import seeded_network
from model.training.config_file import read_config
from model.training.trainable import starting_network, trainable_parameters

DEMO = Path(__file__).parents[3] / "demo"
FIRST, SECOND = read_config(DEMO / "adapt.toml"), read_config(DEMO / "localize.toml")


def test_every_cell_is_a_training_that_can_begin() -> None:
    for cell in all_cells():
        network = seeded_network(BACKBONE_CONFIG)
        stages = [cell.first_stage(FIRST)] if cell.first is not None else []
        stages += [cell.second_stage(SECOND)] if cell.second else []
        for config in stages:
            network = starting_network(network, config.network, cell.seed)
            learns = trainable_parameters(
                network,
                full_fine_tuning=config.network.full_fine_tuning,
                adapters_learn=config.network.adapters_learn,
            )
            assert dict(learns), cell.name
            network.is_trained = True
        has_dense = network.config.local_features == "dense"
        assert has_dense == (cell.second or cell is PAPER_LOSS), cell.name


def test_names_are_distinct_and_found() -> None:
    names = [cell.file_name for cell in all_cells()]
    assert len(set(names)) == len(names)
    assert [cell.file_name for cell in choose_cells(["selavpr"])] == [f"selavpr-seed{seed}" for seed in (0, 1, 2)]
    assert [cell.file_name for cell in choose_cells(["coarse-seed0"])] == ["coarse-seed0"]
    assert choose_cells(None) == all_cells()
    with pytest.raises(InvalidInput, match="no cell sela; there are class-token"):
        choose_cells(["sela"])


def test_a_cell_changes_what_it_says() -> None:
    assert SELAVPR.first_stage(FIRST) == FIRST
    assert SELAVPR.second_stage(SECOND) == SECOND
    assert SELAVPR.first_run == GLOBAL_ONLY.first_run == COARSE.first_run == "global-first-seed0"
    assert PAPER_LOSS.first_stage(FIRST).loss.global_loss == "triplet"
    quarter = QUARTER.first_stage(FIRST).mining
    assert (quarter.queries_per_epoch, quarter.refresh_every) == (672, 672)
    tuned = FULLY_TUNED.first_stage(FIRST).network
    assert tuned.full_fine_tuning
    assert tuned.adapters == "none"
    assert LOCAL_ONLY.second_stage(SECOND).network.adapters == "none"
    assert replace(SELAVPR, seed=2).second_stage(SECOND).optimization.seed == 2
