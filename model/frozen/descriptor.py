"""The frozen form of the networks of ``model.descriptors``.

``tests/model/test_families.py::test_the_encoder_gives_the_features_of_the_network`` compares it with
``model.descriptors``.
"""

from copy import deepcopy
from itertools import pairwise

import torch
from torch import Tensor, nn

from model.backbones.dinov2 import DINOv2
from model.descriptors.network import DescriptorNetwork
from model.features import Features
from model.fixed_norm import FixedNorm
from model.frozen.block import FrozenBlock, FrozenLayerNorm
from model.frozen.patch_embedding import FrozenPatchEmbedding
from model.frozen.target import Target
from model.selavpr.vision_transformer import Tokens


class FrozenTransformer(nn.Module):
    """Compute as ``model.backbones.dinov2.DINOv2`` does, for pictures of one size."""

    def __init__(self, backbone: DINOv2, size: tuple[int, int], target: Target, pictures: int) -> None:
        super().__init__()
        self.grid = size[0] // backbone.patch_size, size[1] // backbone.patch_size
        self.patch_count = self.grid[0] * self.grid[1]
        self.embed = FrozenPatchEmbedding(backbone, self.grid, target, pictures * self.patch_count)
        rows = pictures * (1 + self.patch_count)
        self.blocks = [FrozenBlock(block, target, rows) for block in backbone.blocks]  # type: ignore[arg-type]
        has_norm = isinstance(backbone.norm, nn.LayerNorm)
        self.norm = FrozenLayerNorm(backbone.norm, target) if has_norm else nn.Identity()

    def forward(self, images: Tensor) -> Tokens:
        """Turn ``(B, 3, H, W)`` float32 pictures of the size into tokens."""
        tokens = self.embed(images.contiguous())
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.norm(tokens)
        return Tokens(tokens[:, 0], tokens[:, -self.patch_count :], self.grid)


class FrozenDescriptor:
    """Compute as ``model.descriptors.network.DescriptorNetwork`` does, for pictures of one size."""

    @torch.no_grad()
    def __init__(self, network: DescriptorNetwork, size: tuple[int, int], target: Target, pictures: int) -> None:
        """Copy and fold the weights; the network itself stays unchanged.

        Args:
            network: The network in eval mode.
            size: Height and width of the pictures, multiples of ``network.side_multiple``.
            target: The device; the arithmetic is float32.
            pictures: The number of pictures per pass: a hint, other numbers are right, too.
        """
        kept = {id(network.backbone): nn.Identity()} if isinstance(network.backbone, DINOv2) else {}
        copied = deepcopy(network, kept)
        if isinstance(network.backbone, DINOv2):
            copied.backbone = FrozenTransformer(network.backbone, size, target, pictures)
        else:
            fold_norms(copied.backbone)
        self._network = copied.to(target.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, images: Tensor) -> Features:
        """Encode ``(B, 3, H, W)`` float32 pictures on the target's device."""
        features: Features = self._network(images.contiguous(memory_format=torch.channels_last))
        return features

    def shares(self, images: Tensor) -> Tensor | None:
        """Return the shares of ``(B, 3, H, W)`` pictures; see ``model.network.Network.shares``."""
        shares: Tensor | None = self._network.shares(images.contiguous(memory_format=torch.channels_last))
        return shares


def fold_norms(module: nn.Module) -> None:
    """Fold each normalisation of a module, and of its parts, into the convolution before it, in place."""
    parts = list(module.named_children())
    for (_, convolution), (name, norm) in pairwise(parts):
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, FixedNorm):
            factors = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
            own = 0 if convolution.bias is None else convolution.bias.double()
            bias = norm.bias.double() + (own - norm.running_mean.double()) * factors
            convolution.weight.data = (convolution.weight.double() * factors[:, None, None, None]).float()
            convolution.bias = nn.Parameter(bias.float(), requires_grad=False)
            module.set_submodule(name, nn.Identity())
    for _, part in parts:
        fold_norms(part)
