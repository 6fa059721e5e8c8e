"""Generalised-mean pooling in horizontal bands: from the maps of a block to one vector per picture.
- instead of 0, so that the root has a slope everywhere
+ instead of 0, so that the root has a gradient everywhere
"""

import torch.nn.functional as F
from torch import Tensor

GEM_CLAMP = 1e-6  # instead of 0, so that the root has a slope everywhere


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
