"""The starter: one forward pass through an EfficientNet-Lite, two kinds of features."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.features import Features
from model.starter.config import StarterConfig
from model.starter.efficientnet_lite import EfficientNetLite
from model.starter.pooling import pool_bands


class Starter(nn.Module):
    """An EfficientNet-Lite whose blocks are read as features of a place.

    The global feature: of each of a few blocks the generalised means of horizontal bands, each of length 1,
    concatenated and of length 1 again. The local features: the cells of one block, each of length 1. Nothing of this is
    learned; the trunk is.

    Attributes:
        family: What a map calls networks of this class.
        match_floor: The least cosine at which two cells that are each other's nearest count as a mutual match.
        config: Its shape.
        is_trained: Whether the trunk holds trained weights.
        global_dim: Width of the global feature.
        local_dim: Channels of a local feature.
    """

    family: ClassVar[str] = "starter"
    match_floor: ClassVar[float] = 0.55

    def __init__(self, config: StarterConfig, *, is_trained: bool) -> None:
        super().__init__()
        self.config = config
        self.is_trained = is_trained
        self.global_dim = config.global_dim
        self.local_dim = config.local_dim
        self.trunk = EfficientNetLite(config.blocks)

    def local_grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the local features of a picture of this height and width in pixels."""
        return self.config.local_grid(size)

    def forward(self, images: Tensor) -> Features:
        """Encodes a batch of pictures.

        Args:
            images: ``(B, 3, H, W)`` float32, prepared as ``model.starter.preparation`` says; any height and width.

        Returns:
            Global features ``(B, D)`` and local features ``(B, ⌈H / 16⌉ · ⌈W / 16⌉, C)``, float32; D = 1312 and C =
            120 for the default configuration.

        Raises:
            InvalidInput: The pictures have another shape.
        """
        maps = self.trunk(images, {*self.config.global_blocks, self.config.local_block})
        pooled = [
            pool_bands(maps[block], self.config.gem_power, self.config.global_bands)
            for block in self.config.global_blocks
        ]
        cells = maps[self.config.local_block].float().flatten(2).transpose(1, 2)  # (B, N, C)
        return Features(
            global_features=F.normalize(torch.cat(pooled, dim=-1), dim=-1),
            local_features=F.normalize(cells, dim=-1),
            local_grid=self.local_grid((images.shape[2], images.shape[3])),
        )
