"""Codes: local features in few bits, as a map stores them.

A code is a whole number of eight bits that is proportional to a number of a feature. Features have length 1, so the
factor says nothing and is not kept: the feature is its codes, divided by their length. Whoever takes local features
takes codes as well, and knows them by their type, int8.
"""

import torch
from torch import Tensor


def as_features(stored: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Local features as floats.

    Args:
        stored: ``(…, C)`` features of any float type, whose length stays what it is; or codes, int8.
        dtype: Of the result; lengths are computed in float32.

    Returns:
        ``(…, C)`` of ``dtype``; of codes, of length 1, or 0 where all codes are 0.
    """
    features = stored.to(dtype)
    if stored.dtype is not torch.int8:
        return features
    lengths = torch.linalg.vector_norm(features, dim=-1, keepdim=True, dtype=torch.float32)
    return features.div_(lengths.clamp_(min=1))  # the length of whole numbers is 0, or at least 1
