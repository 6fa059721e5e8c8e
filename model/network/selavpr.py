"""SelaVPR: one forward pass, two kinds of features."""

import torch.nn.functional as F
from torch import Tensor, nn

from model.features import Features
from model.network.config import NetworkConfig
from model.network.gem import GeM
from model.network.local_adaptation import LocalAdaptation
from model.network.vision_transformer import Tokens, VisionTransformer


class SelaVPR(nn.Module):
    """The whole network: backbone with adapters, global pooling, local adaptation.

    Attributes:
        config: Its shape.
        is_trained: Whether adapters and local adaptation hold trained weights. Over a bare DINOv2 backbone the adapters
            change nothing and the local adaptation is random: then re-ranking is noise.
    """

    def __init__(self, config: NetworkConfig, *, is_trained: bool) -> None:
        super().__init__()
        self.config = config
        self.is_trained = is_trained
        self.backbone = VisionTransformer(config)
        self.pooling = GeM() if config.global_pooling == "gem" else None
        self.local_adaptation = LocalAdaptation(config) if config.local_features == "dense" else None

    def forward(self, images: Tensor) -> Features:
        """Encodes a batch of pictures.

        Args:
            images: ``(B, 3, H, W)`` float32, normalised by ImageNet's mean and deviation; H and W multiples of 14, not
                necessarily equal.

        Returns:
            Global features ``(B, D)`` and local features ``(B, (4·H/14 - 3)·(4·W/14 - 3), C)``.

        Raises:
            InvalidInput: The pictures have another shape.
        """
        tokens = self.backbone(images)
        return Features(
            global_features=self.pool(tokens),
            local_features=self.localise(tokens),
            local_grid=self.config.local_grid(tokens.grid),
        )

    def pool(self, tokens: Tokens) -> Tensor:
        """The global features ``(B, D)``: GeM over the patch tokens, or the class token, of length 1."""
        if self.pooling is None:
            return F.normalize(tokens.class_token, dim=-1)
        pooled: Tensor = self.pooling(tokens.patch_tokens)
        return pooled

    def localise(self, tokens: Tokens) -> Tensor:
        """The local features ``(B, N, C)``: of the local adaptation, or the patch tokens, of length 1; or none."""
        if self.local_adaptation is not None:
            dense: Tensor = self.local_adaptation(tokens.patch_tokens, tokens.grid)
            return dense
        if self.config.local_features == "coarse":
            return F.normalize(tokens.patch_tokens, dim=-1)
        return tokens.patch_tokens.new_zeros(len(tokens.patch_tokens), 0, 0)
