"""The backbone: DINOv2's vision transformer with adapters in every block."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.errors import InvalidInput
from model.selavpr.block import LAYER_NORM_EPS, Block
from model.selavpr.config import SelaVPRConfig
from model.selavpr.position_table import resize_position_table


@dataclass(frozen=True)
class Tokens:
    """Hold the output of the backbone for a batch of B pictures, after the final LayerNorm.

    Attributes:
        class_token: ``(B, D)``.
        patch_tokens: ``(B, height · width, D)``, row-major.
        grid: ``(height, width)`` in patches.
    """

    class_token: Tensor
    patch_tokens: Tensor
    grid: tuple[int, int]


class PatchEmbedding(nn.Module):
    """Cut a picture into patches and project each to a token."""

    def __init__(self, config: SelaVPRConfig) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, config.embed_dim, kernel_size=config.patch_size, stride=config.patch_size)

    def forward(self, images: Tensor) -> Tensor:
        embedded: Tensor = self.proj(images)  # (B, D, height, width)
        return embedded.flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    """Apply DINOv2's ViT with a serial and a parallel adapter in every block."""

    def __init__(self, config: SelaVPRConfig) -> None:
        super().__init__()
        self.patch_size = config.patch_size
        self.patch_embed = PatchEmbedding(config)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.embed_dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + config.position_side**2, config.embed_dim))
        # Only DINOv2's pre-training uses the mask token. It is kept so that a checkpoint can be read and written
        # without loss.
        self.mask_token = nn.Parameter(torch.zeros(1, config.embed_dim))
        self.register_tokens = (
            nn.Parameter(torch.zeros(1, config.num_register_tokens, config.embed_dim))
            if config.num_register_tokens
            else None
        )
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.embed_dim, eps=LAYER_NORM_EPS)

    def forward(self, images: Tensor) -> Tokens:
        """Run the backbone.

        Args:
            images: ``(B, 3, H, W)``, normalised; H and W multiples of the patch size.

        Raises:
            InvalidInput: The pictures have another shape.
        """
        grid = self.grid_of(images)
        tokens = self.embed(images, grid)
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.norm(tokens)
        patch_count = grid[0] * grid[1]
        return Tokens(class_token=tokens[:, 0], patch_tokens=tokens[:, -patch_count:], grid=grid)

    def grid_of(self, images: Tensor) -> tuple[int, int]:
        """Return height and width of the pictures in patches."""
        if images.ndim != 4 or images.shape[1] != 3:
            raise InvalidInput(f"pictures must be (B, 3, H, W), not {tuple(images.shape)}")
        height, width = images.shape[-2:]
        if height < self.patch_size or width < self.patch_size or height % self.patch_size or width % self.patch_size:
            raise InvalidInput(
                f"pictures of {height} × {width} pixels (height × width) cannot be cut into patches: "
                f"both sides must be multiples of {self.patch_size}"
            )
        return height // self.patch_size, width // self.patch_size

    def embed(self, images: Tensor, grid: tuple[int, int]) -> Tensor:
        """Return the tokens before the first block: class token, registers (which have no position), patches."""
        patches = self.patch_embed(images)
        class_token = self.cls_token.expand(len(images), -1, -1)
        tokens = torch.cat((class_token, patches), dim=1) + resize_position_table(self.pos_embed, grid)
        if self.register_tokens is None:
            return tokens
        registers = self.register_tokens.expand(len(images), -1, -1)
        return torch.cat((tokens[:, :1], registers, tokens[:, 1:]), dim=1)
