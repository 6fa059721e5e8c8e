"""The whole frozen network.

``tests/model/frozen/test_network.py::test_every_variant_is_encoded`` compares it with ``model.selavpr.selavpr``.
"""

from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import Tensor

from model.features import Features
from model.frozen.block import FrozenBlock, FrozenLayerNorm
from model.frozen.local_adaptation import FrozenLocalAdaptation
from model.frozen.patch_embedding import FrozenPatchEmbedding
from model.frozen.target import Target
from model.selavpr.selavpr import SelaVPR


class FrozenSelaVPR:
    """Compute ``model.selavpr.selavpr.SelaVPR`` for pictures of one size.

    The tokens between the layers, LayerNorm, softmax, GeM and all lengths are float32 in every precision; the factors
    of products have the target's type. In int8 the linear layers of the blocks multiply codes, and the others float32.

    Attributes:
        config: The shape of the network.
        target: The device and arithmetic of the network.
    """

    @torch.no_grad()
    def __init__(self, network: SelaVPR, grid: tuple[int, int], target: Target, pictures: int) -> None:
        """Copy, fold, round and pack the weights; the network is not changed.

        Args:
            network: The network in eval mode.
            grid: Height and width of the pictures in patches.
            target: The device and arithmetic.
            pictures: The pictures per pass: a hint; other numbers also work.
        """
        self.config, self.target = network.config, target
        self._grid = grid
        self._patch_count = grid[0] * grid[1]
        rows = pictures * (1 + network.config.num_register_tokens + self._patch_count)
        backbone = network.backbone
        self.embed = FrozenPatchEmbedding(backbone, grid, target, pictures * self._patch_count)
        self.blocks = [FrozenBlock(block, target, rows) for block in backbone.blocks]  # type: ignore[arg-type]
        self.norm = FrozenLayerNorm(backbone.norm, Target(target.device, "float32"))
        self.pooling = deepcopy(network.pooling).to(target.device) if network.pooling is not None else None
        self.local_adaptation = (
            FrozenLocalAdaptation(network.local_adaptation, grid, target, pictures)
            if network.local_adaptation is not None
            else None
        )
        self._local_grid = network.config.local_grid(grid)

    @classmethod
    def of(cls, network: SelaVPR, size: tuple[int, int], target: Target, pictures: int) -> "FrozenSelaVPR":
        """Freeze a network for pictures of a height and width in pixels."""
        side = network.config.patch_size
        return cls(network, (size[0] // side, size[1] // side), target, pictures)

    def __call__(self, images: Tensor) -> Features:
        """Encode ``(B, 3, H, W)`` float32 pictures on the target's device; the features are float32."""
        tokens = self._tokens(images)
        patch_tokens = tokens[:, -self._patch_count :]
        return Features(
            global_features=self._pool(tokens[:, 0], patch_tokens),
            local_features=self._localise(patch_tokens),
            local_grid=self._local_grid,
        )

    def shares(self, images: Tensor) -> Tensor | None:
        """Return the shares of ``(B, 3, H, W)`` pictures; see ``model.network.Network.shares``."""
        if self.pooling is None:
            return None
        shares: Tensor = self.pooling.shares(self._tokens(images)[:, -self._patch_count :])
        return shares.reshape(-1, *self._grid)

    def _tokens(self, images: Tensor) -> Tensor:
        tokens = self.embed(images)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)

    def _pool(self, class_token: Tensor, patch_tokens: Tensor) -> Tensor:
        if self.pooling is None:
            return F.normalize(class_token, dim=-1)
        pooled: Tensor = self.pooling(patch_tokens)
        return pooled

    def _localise(self, patch_tokens: Tensor) -> Tensor:
        if self.local_adaptation is not None:
            return self.local_adaptation(patch_tokens)
        if self.config.local_features == "coarse":
            return F.normalize(patch_tokens, dim=-1)
        return patch_tokens.new_zeros(len(patch_tokens), 0, 0)
