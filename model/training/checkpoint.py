"""The checkpoint of a training: one file, replaced as a whole, from which the training continues exactly.

Until the new file is on the disk, the old one stays.
"""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.durable import written_whole
from model.training.config import DEFAULT_SETTINGS
from model.training.errors import CheckpointError
from model.training.position import Position

FORMAT = "placefix-training"
VERSION = 1


@dataclass(frozen=True)
class TrainingCheckpoint:
    """Hold the state of a training between two steps.

    Attributes:
        settings: The settings that must not change (``TrainingConfig.what_is_learned``).
        data: The fingerprints of training and validation set.
        network: All tensors of the network.
        optimizer: The state of Adam.
        generator: The state of the random generator, the only source of chance.
        position: The progress of the training, with the mined triplets.
    """

    settings: dict[str, dict[str, Any]]
    data: dict[str, str]
    network: dict[str, Tensor]
    optimizer: dict[str, Any]
    generator: Tensor
    position: Position

    def check_continues(self, settings: dict[str, dict[str, Any]], data: dict[str, str], path: Path) -> None:
        """Check that the checkpoint belongs to a training with these settings and data.

        Raises:
            CheckpointError: It does not; the message names the differences.
        """
        differences = [
            f"{section}.{key} was {was!r}, is {value!r}"
            for section, values in settings.items()
            for key, value in values.items()
            if (was := self._setting(section, key)) != value
        ]
        differences += [f"the {side} pictures are others" for side in data if self.data.get(side) != data[side]]
        if differences:
            raise CheckpointError(
                f"{path} belongs to another training: {'; '.join(differences)}. Set them back, or choose another "
                "run.folder"
            )

    def _setting(self, section: str, key: str) -> Any:
        """Return a setting, or the default, which the training used, if the checkpoint is older than the setting."""
        stored = self.settings.get(section, {})
        return stored[key] if key in stored else DEFAULT_SETTINGS.get(section, {}).get(key)


def save_checkpoint(checkpoint: TrainingCheckpoint, path: Path) -> None:
    """Write a checkpoint; if that fails, the old one stays.

    Raises:
        CheckpointError: The file cannot be written, for example because the disk is full.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "settings": checkpoint.settings,
        "data": checkpoint.data,
        "network": checkpoint.network,
        "optimizer": checkpoint.optimizer,
        "generator": checkpoint.generator,
        "position": checkpoint.position.to_dict(),
    }
    try:
        with written_whole(path) as unfinished:
            torch.save(content, unfinished)
    except (OSError, RuntimeError) as error:  # torch reports errors of its writer as a RuntimeError
        is_there = "the last checkpoint is still there" if path.exists() else "there is none yet"
        raise CheckpointError(f"{path} cannot be written ({_first_line(error)}); {is_there}") from error


def load_checkpoint(path: Path) -> TrainingCheckpoint:
    """Read a checkpoint; tensors are loaded to the CPU.

    Raises:
        CheckpointError: The file cannot be read, or is not a checkpoint of this version.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if (content["format"], content["version"]) != (FORMAT, VERSION):
            raise CheckpointError(f"{path} has the format {content['format']} {content['version']}, unknown here")
        return TrainingCheckpoint(
            settings=content["settings"],
            data=content["data"],
            network=content["network"],
            optimizer=content["optimizer"],
            generator=content["generator"],
            position=Position.from_dict(content["position"]),
        )
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be continued from ({_first_line(error)}): it is damaged, or not a checkpoint"
        ) from error


def remove_unfinished(path: Path) -> None:
    """Remove the files of processes that were killed while they wrote this file."""
    for unfinished in path.parent.glob(f".{path.name}.*.part"):
        unfinished.unlink(missing_ok=True)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
