"""Which device the network lives on, and why."""

from dataclasses import dataclass
from typing import Literal

import torch

from model.errors import DeviceUnavailable

DeviceName = Literal["auto", "cuda", "cpu"]


@dataclass(frozen=True)
class DeviceChoice:
    """A device, with the sentence that says why it was chosen (for the log, readiness and metrics).

    Attributes:
        device: Where tensors live.
        reason: Why, for people.
    """

    device: torch.device
    reason: str

    @property
    def is_gpu(self) -> bool:
        """Whether this is a CUDA device."""
        return self.device.type == "cuda"


def choose_device(requested: DeviceName = "auto") -> DeviceChoice:
    """Chooses the device for the network.

    Args:
        requested: ``auto`` takes the first CUDA device if there is one, the CPU otherwise.

    Raises:
        DeviceUnavailable: ``cuda`` was asked for, and torch sees no CUDA device.
    """
    if requested == "cpu":
        return DeviceChoice(torch.device("cpu"), "cpu was asked for")
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name(0)
        asked = "cuda was asked for" if requested == "cuda" else "auto"
        return DeviceChoice(torch.device("cuda", 0), f"{asked}: {name}")
    if requested == "cuda":
        built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "a build without CUDA"
        raise DeviceUnavailable(
            f"device cuda was asked for, but torch {torch.__version__} ({built}) sees no CUDA device; check the driver "
            "with nvidia-smi and install a CUDA build of torch, or use --device auto or --device cpu"
        )
    return DeviceChoice(torch.device("cpu"), "auto: torch sees no CUDA device")
