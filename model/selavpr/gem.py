"""Generalised-mean pooling: from a map of tokens to the global feature (paper, Eq. 5)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GEM_CLAMP = 1e-6
INITIAL_POWER = 3.0


class GeM(nn.Module):
    """Pool tokens of length 1 by a generalised mean with a learned power p, and normalise the result.

    Eq. 5 has one normalisation, after the mean. The network of the published numbers also normalises before the mean,
    and clamps values below 1e-6 to 1e-6.

    Attributes:
        normalises_first: Whether tokens are normalised before the mean.
    """

    def __init__(self, *, normalises_first: bool = True) -> None:
        super().__init__()
        self.normalises_first = normalises_first
        self.p = nn.Parameter(torch.full((1,), INITIAL_POWER))

    def forward(self, patch_tokens: Tensor) -> Tensor:
        """Pool ``(B, N, D)`` tokens to ``(B, D)`` features of length 1."""
        return F.normalize(self.pool(patch_tokens), dim=-1)

    def shares(self, patch_tokens: Tensor) -> Tensor:
        """Say how much each token weighs in the feature.

        The mean of a channel is a sum over the tokens, so each token has a share of it. The share of a token in the
        feature is the sum of its shares in the channels, each weighted with the square of the channel's number in the
        feature. These squares add up to 1.

        Returns:
            ``(B, N)``, each at least 0, with a sum of 1 for each picture.
        """
        powers = F.normalize(patch_tokens, dim=-1).clamp(min=GEM_CLAMP).pow(self.p)
        squares = self(patch_tokens).square()
        shares: Tensor = (powers * (squares / powers.sum(dim=1))[:, None]).sum(dim=-1)
        return shares

    def pool(self, patch_tokens: Tensor) -> Tensor:
        """Compute the generalised mean ``(B, D)``, before the last normalisation."""
        tokens = F.normalize(patch_tokens, dim=-1) if self.normalises_first else patch_tokens
        positive = tokens.clamp(min=GEM_CLAMP)
        return positive.pow(self.p).mean(dim=1).pow(1 / self.p)
