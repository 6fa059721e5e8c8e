"""Generalised-mean pooling in horizontal bands: from the maps of a block to one vector a picture."""

import torch.nn.functional as F
from torch import Tensor

GEM_CLAMP = 1e-6  # instead of 0, so that the root has a slope everywhere


def pool_bands(maps: Tensor, power: float, bands: int) -> Tensor:
    """The generalised mean of what is positive in each channel of each band, each of length 1, all of length 1.

    A camera that is turned, or stands on the other side of the street, moves what it sees along a row, and hardly up or
    down: so a band keeps what a mean over the whole picture loses. (The mean itself: Radenović, Tolias and Chum 2018,
    Eq. 3.)

    Args:
        maps: ``(B, C, H, W)``.
        power: 1 is the mean; towards infinity it becomes the maximum.
        bands: From top to bottom, of ⌈H / bands⌉ rows or one more where they overlap.

    Returns:
        ``(B, bands · C)`` float32, the uppermost band first.
    """
    positive = maps.float().clamp(min=GEM_CLAMP)
    means = F.adaptive_avg_pool2d(positive.pow(power), (bands, 1)).squeeze(-1).pow(1 / power)  # (B, C, bands)
    return F.normalize(F.normalize(means, dim=1).transpose(1, 2).flatten(1), dim=-1)
