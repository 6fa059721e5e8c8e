"""The parts of the network that a tensor can belong to."""

from enum import StrEnum


class Part(StrEnum):
    """Name the part of a tensor; DINOv2's files hold only the backbone."""

    BACKBONE = "backbone"
    ADAPTERS = "adapters"
    POOLING = "pooling"
    LOCAL_ADAPTATION = "local adaptation"


def part_of(name: str) -> Part:
    """Return the part of a tensor by its name in ``SelaVPR.state_dict()``."""
    if name.startswith("local_adaptation."):
        return Part.LOCAL_ADAPTATION
    if name.startswith("pooling."):
        return Part.POOLING
    return Part.ADAPTERS if ".serial_adapter." in name or ".parallel_adapter." in name else Part.BACKBONE
