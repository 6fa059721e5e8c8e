"""The choice of the network's device, with the reason."""

from dataclasses import dataclass
from typing import Literal

import torch

from model.errors import DeviceUnavailable

DeviceName = Literal["auto", "cuda", "cpu"]


@dataclass(frozen=True)
class DeviceChoice:
    """Hold a device and the reason for its choice (for the log, readiness and metrics).

    Attributes:
        device: The device of tensors.
        reason: The reason, for people.
    """

    device: torch.device
    reason: str

    @property
    def is_gpu(self) -> bool:
        """Return whether this is a CUDA device."""
        return self.device.type == "cuda"


def choose_device(requested: DeviceName = "auto") -> DeviceChoice:
    """Choose the device for the network; a GPU is set to multiply in the full precision of its inputs.

    Args:
        requested: ``auto`` takes the first CUDA device if there is one, the CPU otherwise.

    Raises:
        DeviceUnavailable: ``cuda`` was requested, and torch sees no CUDA device.
    """
    if requested == "cpu":
        return DeviceChoice(torch.device("cpu"), "cpu was asked for")
    if torch.cuda.is_available():
        _multiply_in_full()
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


def _multiply_in_full() -> None:
    """Forbid products on a GPU with less precision than their type, in this process.

    ``TORCH_ALLOW_TF32_CUBLAS_OVERRIDE``, which NVIDIA's images set, rounds the factors of float32 to 11 bits: features
    in float32 and exact counts would differ from a CPU's in the third digit. By default torch sums parts of a
    bfloat16 product in bfloat16; here sums are float32 (``model.frozen.target``). Convolutions are products, too, and
    torch rounds their factors unless it is told otherwise.
    """
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
