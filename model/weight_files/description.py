"""Describe a weights file for people."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from model.network.config import NetworkConfig
from model.network.selavpr import SelaVPR
from model.weight_files.parts import Part, part_of
from model.weight_files.weight_file import Layout, TrainingRecord


@dataclass(frozen=True)
class ParameterCounts:
    """How many numbers each part of a network has."""

    backbone: int
    adapters: int
    pooling: int
    local_adaptation: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.backbone + self.adapters + self.pooling + self.local_adaptation

    @classmethod
    def of(cls, network: SelaVPR) -> "ParameterCounts":
        """Counts those of a network."""
        counts: Counter[Part] = Counter()
        for name, parameter in network.named_parameters():
            counts[part_of(name)] += parameter.numel()
        return cls(
            backbone=counts[Part.BACKBONE],
            adapters=counts[Part.ADAPTERS],
            pooling=counts[Part.POOLING],
            local_adaptation=counts[Part.LOCAL_ADAPTATION],
        )


@dataclass(frozen=True)
class Description:
    """What a weights file is.

    Attributes:
        path: The file.
        size_bytes: Of the file.
        sha256: Of the file's bytes, 64 hex digits.
        kind: Whose layout it has.
        config: The shape of the network.
        parameters: How many, by part; over a DINOv2 backbone including those that are not in the file.
        stored_as: The number types of the tensors in the file, such as ``float32``.
        is_trained: Whether adapters and local adaptation hold trained weights.
        fingerprint: Of the network that the file loads as, 64 hex digits.
        training: What a released checkpoint says about its training.
    """

    path: Path
    size_bytes: int
    sha256: str
    kind: Layout
    config: NetworkConfig
    parameters: ParameterCounts
    stored_as: str
    is_trained: bool
    fingerprint: str
    training: TrainingRecord
