"""The configuration of a training as a TOML file; errors name every wrong key."""

import tomllib
from dataclasses import MISSING, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from model.training.config import (
    DataConfig,
    LossConfig,
    MiningConfig,
    NetworkStart,
    OptimizationConfig,
    RunConfig,
    TrainingConfig,
    ValidationConfig,
)
from model.training.errors import InvalidTrainingConfig
from model.training.section import Section

_SECTIONS: dict[str, type[Section]] = {
    section.NAME: section
    for section in (
        DataConfig,
        NetworkStart,
        MiningConfig,
        LossConfig,
        OptimizationConfig,
        ValidationConfig,
        RunConfig,
    )
}
_PATHS = {
    ("data", "dataset"),
    ("data", "train_database"),
    ("data", "train_queries"),
    ("data", "val_database"),
    ("data", "val_queries"),
    ("run", "folder"),
}


def read_config(path: Path) -> TrainingConfig:
    """Read a configuration; relative paths in it start at its folder.

    Raises:
        InvalidTrainingConfig: The file cannot be read, is not TOML, has unknown keys, or lacks keys; or a value has the
            wrong type, is out of range, or contradicts another.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidTrainingConfig(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidTrainingConfig(f"{path} is not TOML: {error}") from error
    try:
        return _parse(content, path.parent)
    except InvalidTrainingConfig as error:
        raise InvalidTrainingConfig(f"{path}: {error.message}") from error


def _parse(content: dict[str, Any], folder: Path) -> TrainingConfig:
    unknown = [_unknown(f"[{name}]", name, list(_SECTIONS)) for name in content if name not in _SECTIONS]
    for name in content.keys() & _SECTIONS.keys():
        if not isinstance(content[name], dict):
            raise InvalidTrainingConfig(f"{name} is a section: write [{name}] and its settings below")
        known = [each.name for each in fields(_SECTIONS[name])]  # type: ignore[arg-type]
        unknown += [_unknown(f"{name}.{key}", key, known) for key in content[name] if key not in known]
    if unknown:
        raise InvalidTrainingConfig(f"unknown: {'; '.join(sorted(unknown))}")
    missing = [
        f"{name}.{each.name}"
        for name, section in _SECTIONS.items()
        for each in fields(section)  # type: ignore[arg-type]
        if each.default is MISSING and each.name not in content.get(name, {})
    ]
    if missing:
        raise InvalidTrainingConfig(f"missing: {', '.join(missing)}")
    _check_losses(content.get("loss", {}), content["network"].get("local_features"))
    sections: dict[str, Any] = {
        name: section(**{key: _resolved(name, key, value, folder) for key, value in content.get(name, {}).items()})
        for name, section in _SECTIONS.items()
    }
    return TrainingConfig(**sections)


def _check_losses(loss: dict[str, Any], local_features: object) -> None:
    """Refuse settings of a loss that is not used; only the file shows that a default was given explicitly."""
    if local_features == "none":
        for key in ("local_weight", "local_margin", "correspondence_weight", "correspondence_temperature"):
            if key in loss:
                raise InvalidTrainingConfig(
                    f'loss.{key} and network.local_features = "none" contradict each other: leave the former out'
                )
    unused = "margin" if loss.get("global_loss") == "contrastive" else "temperature"
    if unused in loss:
        chosen = loss.get("global_loss", "triplet")
        raise InvalidTrainingConfig(
            f'loss.{unused} and loss.global_loss = "{chosen}" contradict each other: leave the former out'
        )
    if "correspondence_temperature" in loss and not loss.get("correspondence_weight"):
        raise InvalidTrainingConfig(
            "loss.correspondence_temperature has no effect without loss.correspondence_weight: give both or none"
        )


def _unknown(full_name: str, name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"{full_name} (did you mean {close[0]}?)" if close else full_name


def _resolved(section: str, key: str, value: object, folder: Path) -> object:
    return folder / value if (section, key) in _PATHS and isinstance(value, str) and value else value
