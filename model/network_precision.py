"""The choice of the network's arithmetic, with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from model.errors import DeviceUnavailable

NetworkPrecision = Literal["float32", "bfloat16", "int8"]
RequestedPrecision = Literal["auto", "float32", "bfloat16", "int8"]

NETWORK_PRECISIONS: tuple[NetworkPrecision, ...] = get_args(NetworkPrecision)

# torch's names of the CPU features that multiply bfloat16. Without them oneDNN emulates it, slower than float32.
_CPU_FEATURES = ("avx512_bf16", "amx_bf16")


@dataclass(frozen=True)
class PrecisionChoice:
    """Hold a precision and the reason for its choice.

    Attributes:
        precision: The precision of the products in the network.
        reason: The reason, for people.
    """

    precision: NetworkPrecision
    reason: str


def has_native_bfloat16(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return any(bool(capabilities.get(feature)) for feature in _CPU_FEATURES)


def can_pack(device: torch.device) -> bool:
    """Return whether a device is a processor on which oneDNN multiplies by weights in its own layout."""
    return (
        device.type == "cpu"
        and bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
        and torch.backends.cpu.get_cpu_capability().startswith("AVX")
    )


def check_int8(device: torch.device) -> None:
    """Check that a device can encode in int8.

    Raises:
        DeviceUnavailable: It cannot.
    """
    if not can_pack(device):
        raise DeviceUnavailable(
            f"int8 was asked for, but the {_name(device)} cannot encode in it (that needs an x86 processor with AVX2); "
            "use --network-precision auto or --network-precision float32"
        )


def choose_network_precision(
    requested: RequestedPrecision,
    device: torch.device,
    of_maps: Sequence[NetworkPrecision] = (),
    of_network: Sequence[NetworkPrecision] = NETWORK_PRECISIONS,
) -> PrecisionChoice:
    """Choose the precision of a network.

    Args:
        requested: ``auto`` takes the precision of the maps; without maps, bfloat16 if the device has it, never int8.
        device: The device of the network.
        of_maps: The precisions of the maps that its features are compared with. If they differ, ``auto`` takes float32,
            which is near to both.
        of_network: The precisions that keep the network's features; ``auto`` takes one of these.

    Raises:
        DeviceUnavailable: ``bfloat16`` was requested, and the device would have to emulate it; or ``int8``, and the
            device is not an x86 processor with AVX2.
    """
    is_native = has_native_bfloat16(device)
    if requested == "bfloat16" and not is_native:
        raise DeviceUnavailable(
            f"bfloat16 was asked for, but the {_name(device)} does not multiply it in hardware (that needs "
            f"{' or '.join(_CPU_FEATURES)}, or a GPU of 2020 or later), and would be slower than in float32; use "
            "--network-precision auto or --network-precision float32"
        )
    if requested == "int8":
        check_int8(device)
    if requested != "auto":
        return PrecisionChoice(requested, f"{requested} was asked for")
    if len(set(of_maps)) > 1:
        return PrecisionChoice("float32", f"auto: the maps were encoded in {' and '.join(sorted(set(of_maps)))}")
    if "float32" in of_maps:
        return PrecisionChoice("float32", "auto: as the map was encoded")
    if "int8" in of_maps:
        if can_pack(device):
            return PrecisionChoice("int8", "auto: as the map was encoded")
        return PrecisionChoice("float32", "auto: the map was encoded in int8, which is for x86 processors with AVX2")
    if "bfloat16" not in of_network:
        return PrecisionChoice("float32", "auto: this network's features change too much in bfloat16")
    if is_native:
        reason = "as the map was encoded" if of_maps else f"the {_name(device)} multiplies bfloat16 in hardware"
        return PrecisionChoice("bfloat16", f"auto: {reason}")
    lacking = f"the {_name(device)} does not multiply bfloat16 in hardware"
    was = ", in which the map was encoded" if of_maps else ""
    return PrecisionChoice("float32", f"auto: {lacking}{was}")


def _name(device: torch.device) -> str:
    return "GPU" if device.type == "cuda" else "processor"
