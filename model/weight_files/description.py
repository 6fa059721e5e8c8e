"""The description of a weights file for people."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.network import Network
from model.weight_files.weight_file import TrainingRecord


def count_parameters(network: Network) -> dict[str, int]:
    """Return the number of parameters of each part of a network."""
    counts: Counter[str] = Counter()
    for name, parameter in network.named_parameters():
        counts[str(network.part_of(name))] += parameter.numel()
    return dict(counts)


@dataclass(frozen=True)
class Description:
    """Describe a weights file.

    Attributes:
        path: The file.
        size_bytes: The size of the file.
        sha256: The SHA-256 of the file's bytes, 64 hex digits.
        kind: The project whose layout it has.
        family: The family of the network.
        config: The shape of the network, as plain values.
        facts: The shape for people: labels and texts.
        parameters: The number of parameters by part, including parts that a DINOv2 file does not hold.
        stored_as: The number types of the tensors in the file, such as ``float32``.
        is_trained: Whether adapters and local adaptation hold trained weights.
        fingerprint: The fingerprint of the loaded network, 64 hex digits.
        training: The statements of a released checkpoint about its training.
        licence: The licence of the weights; None if they have no known name.
    """

    path: Path
    size_bytes: int
    sha256: str
    kind: str
    family: str
    config: dict[str, Any]
    facts: list[tuple[str, str]]
    parameters: dict[str, int]
    stored_as: str
    is_trained: bool
    fingerprint: str
    training: TrainingRecord
    licence: str | None
