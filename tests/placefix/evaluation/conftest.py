"""The set and its map, made once."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.selavpr.initialisation import seeded_network
from placefix.command_line import app
from tests.conftest import TINY_CONFIG
from tests.placefix.evaluation.small_set import BATCH, Set, make_set


@pytest.fixture(scope="package")
def town(tmp_path_factory: pytest.TempPathFactory) -> Set:
    return make_set(tmp_path_factory.mktemp("set"), seeded_network(TINY_CONFIG, seed=7))


@pytest.fixture(scope="package")
def town_map(town: Set) -> Path:
    out = town.folder / "maps" / "town"
    arguments = [
        "build",
        "--source",
        town.folder / "database",
        "--weights",
        town.weights,
        "--out",
        out,
        "--network-precision",
        "float32",
    ]
    arguments += ["--store", "float32", "--batch-size", BATCH]
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return out
