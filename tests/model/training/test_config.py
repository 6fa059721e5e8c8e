"""Every setting is checked before the first step, and errors name the wrong one."""

from dataclasses import replace
from pathlib import Path

import pytest

from model.training.config import (
    DataConfig,
    LossConfig,
    MiningConfig,
    NetworkStart,
    OptimizationConfig,
    RunConfig,
    TrainingConfig,
)
from model.training.config_file import read_config
from model.training.errors import InvalidTrainingConfig

LEAST = """
[data]
dataset = "pitts30k"
[network]
weights = "dinov2.pth"
[run]
folder = "/runs/first"
"""


def read(tmp_path: Path, text: str) -> TrainingConfig:
    (tmp_path / "train.toml").write_text(text, "utf-8")
    return read_config(tmp_path / "train.toml")


def test_the_defaults_are_the_papers(tmp_path: Path) -> None:
    config = read(tmp_path, LEAST)
    assert config.data.dataset == tmp_path / "pitts30k"
    assert config.run.folder == Path("/runs/first")
    assert config.mining == MiningConfig(5000, 1000, 1000, 2, 10.0, 25.0)
    assert config.loss == LossConfig(margin=0.1, local_weight=1.0)
    optimization = config.optimization
    assert (optimization.learning_rate, optimization.batch_size, optimization.patience) == (1e-5, 4, 3)
    assert optimization.precision == "float32"
    assert (config.validation.threshold_m, config.validation.shortlist) == (25.0, 100)


def test_every_section_is_read(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        """
        [data]
        train_database = "a.csv"
        train_queries = "b"
        val_database = "c"
        val_queries = "/d"
        [network]
        weights = "w.pth"
        adapters = "serial"
        adapter_ratio = 0.25
        global_pooling = "class_token"
        local_features = "coarse"
        full_fine_tuning = true
        [mining]
        negatives = 3
        [loss]
        local_weight = 0
        [optimization]
        precision = "bfloat16"
        accumulation = 2
        [validation]
        at_start = false
        [run]
        folder = "out"
        device = "cpu"
        """,
    )
    assert config.data == DataConfig(None, tmp_path / "a.csv", tmp_path / "b", tmp_path / "c", Path("/d"))
    assert config.network == NetworkStart("w.pth", None, "serial", 0.25, "class_token", "coarse", full_fine_tuning=True)
    assert (config.mining.negatives, config.loss.local_weight, config.optimization.queries_per_step) == (3, 0, 8)
    assert config.run == RunConfig(tmp_path / "out", device="cpu")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("[optimisation]\nepochs = 1", r"unknown: \[optimisation\] \(did you mean optimization\?\)"),
        ("[mining]\nnegativs = 2\n[loss]\nzzz = 1", r"loss\.zzz; mining\.negativs \(did you mean negatives\?\)"),
        ("[mining]\nnegatives = 0", r"mining\.negatives = 0 is too small: it must be 1 or more"),
        ("[mining]\nnegatives = 2.0", r"mining\.negatives = 2\.0 is not a whole number"),
        ("[mining]\nnegatives = true", r"mining\.negatives = True is not a whole number"),
        ("[optimization]\nlearning_rate = 0", r"learning_rate = 0 is too small: it must be greater than 0"),
        ("[optimization]\nlearning_rate = nan", r"learning_rate = nan is not a finite number"),
        ("[optimization]\nprecision = 'float16'", r"precision = 'float16' is not one of 'float32', 'bfloat16'"),
        ("[validation]\nat_start = 1", r"validation\.at_start = 1 is not true or false"),
        ("[loss]\nmargin = '0.1'", r"loss\.margin = '0\.1' is not a finite number"),
        ("[mining]\npositive_radius_m = 30", r"positive_radius_m = 30 and mining\.negative_radius_m = 25 contradict"),
        ("[mining]\npool_size = 1", r"pool_size = 1 and mining\.negatives = 2 contradict"),
        ("[mining]\nqueries_per_epoch = 3", r"queries_per_epoch = 3 and optimization\.batch_size × .* = 4 contradict"),
        ("[mining]\nrefresh_every = 4\n[optimization]\naccumulation = 2", r"refresh_every = 4 and .* = 8 contradict"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(InvalidTrainingConfig, match=said):
        read(tmp_path, LEAST + more)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"missing: network\.weights, run\.folder"),
        (LEAST.replace("dataset = ", "train_queries = "), r"missing: data\.train_database, data\.val_database"),
        (LEAST.replace("[network]", "val_queries = 'q'\n[network]"), r"data\.dataset and data\.val_queries contradict"),
        (LEAST.replace("[network]", "latitude_column = 'y'\n[network]"), r"longitude_column go together"),
        (LEAST.replace('"dinov2.pth"', '""'), r"network\.weights = '' is not a text"),
        (LEAST.replace('"pitts30k"', "3"), r"data\.dataset = 3 is not a path"),
        (LEAST.replace("[run]", "adapters = 'none'\nadapter_ratio = 0.5\n[run]"), r"adapter_ratio and .* contradict"),
        (
            LEAST.replace("[run]", "full_fine_tuning = true\nadapters_learn = false\n[run]"),
            r"full_fine_tuning = true and network\.adapters_learn = false contradict",
        ),
        (LEAST.replace("[run]", "adapters = 'all'\n[run]"), r"adapters = 'all' is not one of 'both'"),
        (
            LEAST.replace("[run]", "local_features = 'none'\n[loss]\nlocal_weight = 1\n[run]"),
            r"local_weight .*contradict",
        ),
        (
            LEAST.replace("[run]", "local_features = 'none'\n[loss]\ncorrespondence_weight = 1\n[run]"),
            r"correspondence_weight .*contradict",
        ),
        (LEAST + "[loss]\ntemperature = 1", r'loss\.temperature and loss\.global_loss = "triplet" contradict'),
        (
            LEAST + "[loss]\nglobal_loss = 'contrastive'\nmargin = 1",
            r"loss\.margin and .*contradict",
        ),
        (LEAST + "[loss]\ncorrespondence_temperature = 1", r"has no effect without loss\.correspondence_weight"),
        ("data = 3\n" + LEAST.replace("[data]\n", "").replace('dataset = "pitts30k"\n', ""), r"data is a section"),
        ("[data", r"is not TOML"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidTrainingConfig, match=said) as raised:
        read(tmp_path, text)
    assert str(tmp_path / "train.toml") in raised.value.message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidTrainingConfig, match=r"nothing\.toml cannot be read: No such file"):
        read_config(tmp_path / "nothing.toml")


def test_what_is_learned_leaves_out_where_and_how_long(tmp_path: Path) -> None:
    config = read(tmp_path, LEAST)
    elsewhere = replace(config, run=RunConfig(tmp_path), optimization=OptimizationConfig(epochs=7, patience=9))
    assert elsewhere.what_is_learned() == config.what_is_learned()
    otherwise = replace(config, loss=LossConfig(margin=0.2))
    assert otherwise.what_is_learned() != config.what_is_learned()


def test_a_falling_learning_rate_depends_on_the_number_of_epochs(tmp_path: Path) -> None:
    falling = replace(read(tmp_path, LEAST), optimization=OptimizationConfig(schedule="cosine"))
    longer = replace(falling, optimization=OptimizationConfig(schedule="cosine", epochs=60, patience=9))
    assert longer.what_is_learned() != falling.what_is_learned()
