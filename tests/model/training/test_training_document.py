"""The document lists every setting, with its default; and its shortest configuration is one."""

import re
from dataclasses import MISSING, fields
from pathlib import Path

from model.training.config import (
    DataConfig,
    LossConfig,
    MiningConfig,
    NetworkStart,
    OptimizationConfig,
    RunConfig,
    ValidationConfig,
)
from model.training.config_file import read_config

DOCUMENT = (Path(__file__).parents[3] / "docs" / "training.md").read_text("utf-8")
SECTIONS = (DataConfig, NetworkStart, MiningConfig, LossConfig, OptimizationConfig, ValidationConfig, RunConfig)


def test_every_setting_stands_there_with_its_default() -> None:
    table = DOCUMENT[DOCUMENT.index("## Settings") :]
    rows = dict(re.findall(r"^\| `(\w+\.\w+)` \| (.+?) \|", table, flags=re.MULTILINE))
    for section in SECTIONS:
        for each in fields(section):
            default = rows.pop(f"{section.NAME}.{each.name}")
            if each.default is MISSING:
                assert default == "required"
            elif each.default is None:
                assert default == "–"
            elif isinstance(each.default, bool):
                assert default == str(each.default).lower()
            elif isinstance(each.default, int | float):
                assert default == f"{each.default:g}"
            else:
                assert default == each.default
    assert not rows


def test_the_shortest_configuration_is_enough(tmp_path: Path) -> None:
    shortest = re.findall(r"```toml\n(.*?)```", DOCUMENT, flags=re.DOTALL)
    assert len(shortest) == 1
    (tmp_path / "train.toml").write_text(shortest[0])
    assert read_config(tmp_path / "train.toml").data.dataset == tmp_path / "datasets/pitts30k"
