"""Codes: local features in few bits, as a map stores them.

A code is an 8-bit integer that is proportional to a number of a feature. Features have length 1, so the factor is not
stored: the feature is its codes divided by their length. Functions that take local features also take codes, and
recognise them by their type, int8.
"""

import torch
from torch import Tensor


def as_features(stored: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return local features as floats.

    Args:
        stored: ``(…, C)`` features of any float type, whose length is kept; or codes, int8.
        dtype: The type of the result; lengths are computed in float32.

    Returns:
        ``(…, C)`` of ``dtype``; codes give features of length 1, or 0 if all codes are 0.
    """
    features = stored.to(dtype)
    if stored.dtype is not torch.int8:
        return features
    lengths = torch.linalg.vector_norm(features, dim=-1, keepdim=True, dtype=torch.float32)
    return features.div_(lengths.clamp_(min=1))  # the length of integers is 0, or at least 1
