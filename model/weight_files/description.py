"""Describe a weights file for people."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.network import Network
from model.weight_files.weight_file import TrainingRecord


def count_parameters(network: Network) -> dict[str, int]:
    """Return how many numbers each part of a network has."""
    counts: Counter[str] = Counter()
    for name, parameter in network.named_parameters():
        counts[str(network.part_of(name))] += parameter.numel()
    return dict(counts)


@dataclass(frozen=True)
class Description:
    """What a weights file is.

    Attributes:
        path: The file.
        size_bytes: Of the file.
        sha256: Of the file's bytes, 64 hex digits.
        kind: Whose layout it has.
        family: Of the network.
        config: The shape of the network, as plain values.
        facts: The same for people: labels and texts.
        parameters: How many numbers, by part; over a DINOv2 backbone including those that are not in the file.
        stored_as: The number types of the tensors in the file, such as ``float32``.
        is_trained: Whether adapters and local adaptation hold trained weights.
        fingerprint: Of the network that the file loads as, 64 hex digits.
        training: What a released checkpoint says about its training.
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
