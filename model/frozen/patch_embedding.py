"""The tokens before the first block, with everything precomputed that does not depend on the picture.

``tests/model/frozen/test_layers.py::test_patch_embedding`` compares it with ``model.selavpr.vision_transformer``.
"""

import torch
from torch import Tensor

from model.frozen.linear import FrozenLinear
from model.frozen.target import Target
from model.selavpr.position_table import resize_position_table
from model.selavpr.vision_transformer import VisionTransformer


class FrozenPatchEmbedding:
    """Compute ``VisionTransformer.embed`` for one grid: a patch is a row, its projection a product."""

    def __init__(self, backbone: VisionTransformer, grid: tuple[int, int], target: Target, rows: int) -> None:
        self.grid, self.patch_size, self.dtype = grid, backbone.patch_size, target.dtype
        projection = backbone.patch_embed.proj
        self.projection = FrozenLinear(projection.weight.flatten(1), projection.bias, target, rows)
        positions = resize_position_table(backbone.pos_embed, grid)
        leading = backbone.cls_token + positions[:, :1]
        if backbone.register_tokens is not None:
            leading = torch.cat((leading, backbone.register_tokens), dim=1)
        self.leading = target.place(leading)  # (1, 1 + registers, D)
        self.positions = target.place(positions[:, 1:])  # (1, height · width, D)

    def __call__(self, images: Tensor) -> Tensor:
        """Embed ``(B, 3, H, W)`` float32 as ``(B, T, D)`` float32: class token, registers, patches."""
        height, width = self.grid
        side = self.patch_size
        patches = images.to(self.dtype).view(len(images), 3, height, side, width, side).permute(0, 2, 4, 1, 3, 5)
        embedded = self.projection(patches.reshape(len(images), height * width, -1)) + self.positions
        return torch.cat((self.leading.expand(len(images), -1, -1), embedded), dim=1)
