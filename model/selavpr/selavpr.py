"""The SelaVPR network: one forward pass, two kinds of features."""

import torch.nn.functional as F
from torch import Tensor

from model.features import CellMap, Features
from model.network import Network
from model.preprocess import Preparation
from model.selavpr.config import SelaVPRConfig
from model.selavpr.gem import GeM
from model.selavpr.local_adaptation import LocalAdaptation
from model.selavpr.parts import part_of
from model.selavpr.vision_transformer import Tokens, VisionTransformer

_SIZES = {(384, 12): "ViT-S", (768, 12): "ViT-B", (1024, 24): "ViT-L"}


class SelaVPR(Network):
    """Join the backbone with adapters, the global pooling and the local adaptation.

    Attributes:
        config: The shape of the network.
        is_trained: Whether adapters and local adaptation hold trained weights. Over a bare DINOv2 backbone the adapters
            change nothing, the local adaptation is random, and re-ranking returns noise.
    """

    family = "selavpr"
    needs = Preparation()
    precisions = ("float32", "bfloat16", "int8")
    match_floor = None
    config: SelaVPRConfig

    def __init__(self, config: SelaVPRConfig, *, is_trained: bool) -> None:
        super().__init__()
        self.config = config
        self.is_trained = is_trained
        self.backbone = VisionTransformer(config)
        self.pooling = GeM() if config.global_pooling == "gem" else None
        self.local_adaptation = LocalAdaptation(config) if config.local_features == "dense" else None

    def forward(self, images: Tensor) -> Features:
        """Encode a batch of pictures.

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

    def cell_map(self, images: Tensor) -> CellMap:
        """Return the patch tokens; see ``Network.cell_map``."""
        tokens = self.backbone(images)
        return CellMap(tokens.patch_tokens, tokens.grid)

    def shares(self, images: Tensor) -> Tensor | None:
        """See ``Network.shares``; a class token is not a mean over the picture."""
        tokens = self.backbone(images)
        if self.pooling is None:
            return None
        shares: Tensor = self.pooling.shares(tokens.patch_tokens)
        return shares.reshape(-1, *tokens.grid)

    @property
    def side_multiple(self) -> int:
        """Return the side of a patch."""
        return self.config.patch_size

    @property
    def global_dim(self) -> int:
        """Return the width D of a global feature, which is the width of a token."""
        return self.config.embed_dim

    @property
    def local_dim(self) -> int:
        """Return the channels C of a local feature; 0 without local features."""
        return self.config.local_channels

    def local_grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return height and width of the grid of local features for pictures of a size."""
        return self.config.local_grid(self.patch_grid(size))

    def patch_grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return rows and columns of the patches of pictures of a size."""
        return size[0] // self.config.patch_size, size[1] // self.config.patch_size

    def facts(self) -> list[tuple[str, str]]:
        """Return the facts about the shape that people want to know."""
        config, grid = self.config, self.local_grid(self.needs.size)
        size = _SIZES.get((config.embed_dim, config.depth))
        name = f"{size}/{config.patch_size}: " if size else ""
        shape = f"width {config.embed_dim}, {config.depth} blocks, {config.num_heads} heads, MLP {config.mlp_dim}"
        pooling = "GeM" if config.global_pooling == "gem" else "class token"
        local = f"local {grid[0]} × {grid[1]} of {config.local_channels}" if config.local_channels else "no local ones"
        adapters = "none" if config.adapters == "none" else f"{config.adapters}, bottleneck {config.adapter_dim}"
        return [
            ("network", name + shape),
            ("positions", f"{config.position_side} × {config.position_side}, patches of {config.patch_size} pixels"),
            ("registers", str(config.num_register_tokens or "none")),
            ("adapters", adapters),
            ("features", f"global {config.embed_dim} by {pooling}; {local}"),
        ]

    def part_of(self, name: str) -> str:
        """Return the part that a tensor belongs to."""
        return part_of(name)

    def pool(self, tokens: Tokens) -> Tensor:
        """Return the global features ``(B, D)`` of length 1: GeM over the patch tokens, or the class token."""
        if self.pooling is None:
            return F.normalize(tokens.class_token, dim=-1)
        pooled: Tensor = self.pooling(tokens.patch_tokens)
        return pooled

    def localise(self, tokens: Tokens) -> Tensor:
        """Return the local features ``(B, N, C)`` of length 1, from the local adaptation or the patch tokens, if there
        are any.
        """
        if self.local_adaptation is not None:
            dense: Tensor = self.local_adaptation(tokens.patch_tokens, tokens.grid)
            return dense
        if self.config.local_features == "coarse":
            return F.normalize(tokens.patch_tokens, dim=-1)
        return tokens.patch_tokens.new_zeros(len(tokens.patch_tokens), 0, 0)
