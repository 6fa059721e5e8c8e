"""Generalised-mean pooling in horizontal bands: from the maps of a block to one vector per picture."""

import torch
import torch.nn.functional as F
from torch import Tensor

GEM_CLAMP = 1e-6  # instead of 0, so that the root has a gradient everywhere


def pool_bands(maps: Tensor, power: float, bands: int) -> Tensor:
    """Return the generalised means of positive values by channel and band; each band and the result have length 1.

    A camera that is turned, or stands on the other side of the street, moves objects along a row and hardly up or down.
    A band therefore keeps information that a mean over the whole picture loses. (The mean: Radenović, Tolias and Chum
    2018, Eq. 3.)

    Args:
        maps: ``(B, C, H, W)``.
        power: 1 gives the mean; infinity would give the maximum.
        bands: The number of bands; each has ⌈H / bands⌉ rows, or one more where bands overlap.

    Returns:
        ``(B, bands · C)`` float32, the top band first.
    """
    positive = maps.float().clamp(min=GEM_CLAMP)
    means = F.adaptive_avg_pool2d(positive.pow(power), (bands, 1)).squeeze(-1).pow(1 / power)  # (B, C, bands)
    return F.normalize(F.normalize(means, dim=1).transpose(1, 2).flatten(1), dim=-1)


def cell_shares(maps: Tensor, power: float, bands: int, weights: Tensor) -> Tensor:
    """Say how much each cell weighs in the result of ``pool_bands``.

    Args:
        maps: ``(B, C, H, W)``.
        power: The power of ``pool_bands``.
        bands: The number of bands.
        weights: ``(B, bands · C)``, how much each number of its result weighs.

    Returns:
        ``(B, H, W)``: the weight of each number, shared out by how much a cell adds to the sum that the number is the
        root of. The sum over the cells is the sum of the weights.
    """
    powers = maps.float().clamp(min=GEM_CLAMP).pow(power)
    height, result = maps.shape[2], maps.new_zeros(len(maps), *maps.shape[2:], dtype=torch.float32)
    for band, of_band in enumerate(weights.reshape(len(weights), bands, -1).unbind(dim=1)):
        rows = slice(band * height // bands, -(-(band + 1) * height // bands))  # as adaptive pooling shares them out
        part = powers[:, :, rows]
        result[:, rows] += (part * (of_band / part.sum(dim=(2, 3)))[:, :, None, None]).sum(dim=1)
    return result
