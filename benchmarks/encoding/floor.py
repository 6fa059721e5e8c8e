"""The least time of any encoder: its operations over the peak of the processor."""

import time

import torch

from model.frozen.rounded_linear import linear
from model.frozen.target import Target
from model.network_precision import NetworkPrecision
from model.selavpr.config import SelaVPRConfig
from model.selavpr.selavpr import SelaVPR

# The side of the square matrices of the peak: 17 billion operations. A GPU would finish smaller ones before the next
# can begin.
_SIDES = {"cpu": 2048, "cuda": 8192}
_REPEATS = 5


def operations(config: SelaVPRConfig) -> int:
    """Return the additions and multiplications in the products of one forward pass of one picture."""
    grid = (SelaVPR.needs.height // config.patch_size, SelaVPR.needs.width // config.patch_size)
    patches = grid[0] * grid[1]
    tokens = 1 + config.num_register_tokens + patches
    dim = config.embed_dim
    adapters = config.has_serial_adapter + config.has_parallel_adapter
    weights_of_block = 4 * dim * dim + 2 * dim * config.mlp_dim + adapters * 2 * dim * config.adapter_dim
    attention = 2 * tokens * tokens * dim
    multiplications = config.depth * (tokens * weights_of_block + attention)
    multiplications += patches * dim * 3 * config.patch_size**2
    if config.local_features == "dense":
        for channels, (height, width) in (
            (dim * config.local_hidden_dim, grid),
            (config.local_hidden_dim * config.local_dim, (2 * grid[0] - 1, 2 * grid[1] - 1)),
        ):
            # Each cell has nine products; those beyond the edge are left out: three taps minus one, on each side.
            multiplications += channels * (3 * height - 2) * (3 * width - 2)
    return 2 * multiplications


def peak_operations_per_s(precision: NetworkPrecision, device: torch.device) -> float:
    """Return the greatest rate of one large product, with packed weights."""
    generator = torch.Generator().manual_seed(0)
    target = Target(device, precision)
    side = _SIDES[device.type]
    values = torch.randn(side, side, generator=generator)
    layer = linear(values, torch.zeros(side), target, side)
    seconds = []
    with torch.inference_mode():
        factors = layer.factors(values.to(device, target.dtype))
        for _ in range(_REPEATS):
            synchronize(device)
            start = time.perf_counter()
            layer(factors)
            synchronize(device)
            seconds.append(time.perf_counter() - start)
    return float(2 * side**3 / min(seconds))


def synchronize(device: torch.device) -> None:
    """Wait until a device has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
