"""Generalised-mean pooling: from the maps of a block to one vector a picture."""

import torch.nn.functional as F
from torch import Tensor

GEM_CLAMP = 1e-6  # instead of 0, so that the root has a slope everywhere


def generalised_mean(maps: Tensor, power: float) -> Tensor:
    """The generalised mean of what is positive in each channel, as a vector of length 1.

    (Radenović, Tolias and Chum 2018, Eq. 3.)

    Args:
        maps: ``(B, C, H, W)``.
        power: 1 is the mean; towards infinity it becomes the maximum.

    Returns:
        ``(B, C)`` float32.
    """
    positive = maps.float().flatten(2).clamp(min=GEM_CLAMP)
    return F.normalize(positive.pow(power).mean(dim=-1).pow(1 / power), dim=-1)
