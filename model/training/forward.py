"""Forward passes in parts that suit the device: a few pictures at a time on a CPU, all at once on a GPU."""

from collections.abc import Callable

import torch
from torch import Tensor

from model.features import Features
from model.frozen.network import FrozenSelaVPR
from model.frozen.target import Target
from model.network_precision import NetworkPrecision, has_native_bfloat16
from model.selavpr.selavpr import SelaVPR

# Width of tokens times pictures that stay in a CPU's cache from one layer to the next. Measured with a width of 256
# (python -m benchmarks learn): docs/book/performance.md.
_LEARNED_AT_A_TIME = 2048
_ENCODED_AT_A_TIME = 1024


def learning_forward(network: SelaVPR, images: Tensor) -> Features:
    """Return the features of pictures, with gradients.

    Args:
        network: The network on its device.
        images: ``(B, 3, H, W)`` on the same device.
    """
    size = _at_a_time(_LEARNED_AT_A_TIME, network, images.device, len(images))
    parts: list[Features] = [network(part) for part in torch.split(images, size)]
    return parts[0] if len(parts) == 1 else _joined(parts)


def encoding_forward(
    network: SelaVPR, device: torch.device, precision: NetworkPrecision
) -> Callable[[Tensor], Features]:
    """Return a function that encodes pictures with the network's present weights, without gradients.

    On a CPU it uses a frozen copy (``model.frozen``), on a GPU the network itself in float32.

    Args:
        network: The network in eval mode, on its device.
        device: The same device.
        precision: The precision of the products of the copy; float32 if the CPU would have to emulate another.
    """
    if device.type != "cpu":
        return torch.no_grad()(network)
    grid = (SelaVPR.needs.height // network.config.patch_size, SelaVPR.needs.width // network.config.patch_size)
    size = _at_a_time(_ENCODED_AT_A_TIME, network, device, 64)
    target = Target(device, precision if has_native_bfloat16(device) else "float32")
    frozen = FrozenSelaVPR(network, grid, target, size)

    def encode(images: Tensor) -> Features:
        with torch.no_grad():
            return _joined([frozen(part) for part in torch.split(images, size)])

    return encode


def _at_a_time(numbers: int, network: SelaVPR, device: torch.device, most: int) -> int:
    return most if device.type != "cpu" else max(1, min(numbers // network.config.embed_dim, most))


def _joined(parts: list[Features]) -> Features:
    return Features(
        torch.cat([part.global_features for part in parts]),
        torch.cat([part.local_features for part in parts]),
        parts[0].local_grid,
    )
