"""The parts of the network that a tensor can belong to."""

from enum import StrEnum


class Part(StrEnum):
    """Where a tensor belongs; only the backbone comes with DINOv2's files."""

    BACKBONE = "backbone"
    ADAPTERS = "adapters"
    POOLING = "pooling"
    LOCAL_ADAPTATION = "local adaptation"


def part_of(name: str) -> Part:
    """The part that a tensor of this name (in ``SelaVPR.state_dict()``) belongs to."""
    if name.startswith("local_adaptation."):
        return Part.LOCAL_ADAPTATION
    if name.startswith("pooling."):
        return Part.POOLING
    return Part.ADAPTERS if ".serial_adapter." in name or ".parallel_adapter." in name else Part.BACKBONE
