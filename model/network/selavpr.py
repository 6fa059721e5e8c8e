"""SelaVPR: one forward pass, two kinds of features."""

from torch import Tensor, nn

from model.features import Features
from model.network.config import NetworkConfig
from model.network.gem import GeM
from model.network.local_adaptation import LocalAdaptation, local_grid_of
from model.network.vision_transformer import VisionTransformer


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
        self.pooling = GeM()
        self.local_adaptation = LocalAdaptation(config)

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
            global_features=self.pooling(tokens.patch_tokens),
            local_features=self.local_adaptation(tokens.patch_tokens, tokens.grid),
            local_grid=local_grid_of(tokens.grid),
        )
