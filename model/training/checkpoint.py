"""The checkpoint of a training: one file that is replaced as a whole, from which the training goes on exactly.

Whatever happens while it is written, the file that was there before stays until the new one is on the disk.
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
    """The state of a training between two steps.

    Attributes:
        settings: What is learned and how (``TrainingConfig.what_is_learned``).
        data: Fingerprints of training and validation set.
        network: Every tensor of the network.
        optimizer: The state of Adam.
        generator: The state of the generator that draws; nothing else is left to chance.
        position: How far the training is, with the triplets that were mined.
    """

    settings: dict[str, dict[str, Any]]
    data: dict[str, str]
    network: dict[str, Tensor]
    optimizer: dict[str, Any]
    generator: Tensor
    position: Position

    def check_continues(self, settings: dict[str, dict[str, Any]], data: dict[str, str], path: Path) -> None:
        """Checks that a training with these settings and data is the one that the checkpoint belongs to.

        Raises:
            CheckpointError: It is not; what differs is named.
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
        """A setting; where the checkpoint is older than the setting, its default: that is what was done then."""
        stored = self.settings.get(section, {})
        return stored[key] if key in stored else DEFAULT_SETTINGS.get(section, {}).get(key)


def save_checkpoint(checkpoint: TrainingCheckpoint, path: Path) -> None:
    """Writes a checkpoint; the one that was there stays if that fails.

    Raises:
        CheckpointError: It cannot be written; the disk is full, say.
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
    except (OSError, RuntimeError) as error:  # torch reports what its own writer meets as a RuntimeError
        is_there = "the last checkpoint is still there" if path.exists() else "there is none yet"
        raise CheckpointError(f"{path} cannot be written ({_first_line(error)}); {is_there}") from error


def load_checkpoint(path: Path) -> TrainingCheckpoint:
    """Reads a checkpoint; tensors come to the CPU.

    Raises:
        CheckpointError: It cannot be read, or is no checkpoint of this version.
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
            f"{path} cannot be continued from ({_first_line(error)}): it is damaged, or no checkpoint"
        ) from error


def remove_unfinished(path: Path) -> None:
    """Removes what processes that were killed while writing this file left behind."""
    for unfinished in path.parent.glob(f".{path.name}.*.part"):
        unfinished.unlink(missing_ok=True)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
