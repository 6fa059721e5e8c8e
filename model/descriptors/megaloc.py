"""MegaLoc (Berton and Masone 2025): SALAD with wider clusters and a linear layer, trained on many collections."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones.dinov2 import DINOv2, DINOv2Name, read_dinov2
from model.checkpoint_layout import CheckpointLayout, FileShapes
from model.descriptors.patches import LocalFeatures
from model.descriptors.salad import PATCH, SIDE, Aggregator, SaladConfig, TransportNetwork, read_aggregator
from model.plain_config import PlainConfig
from model.preprocess import Preparation
from model.selavpr.vision_transformer import Tokens


@dataclass(frozen=True)
class MegaLocConfig(PlainConfig):
    """Describe the shape of a MegaLoc network.

    Attributes:
        backbone: The size of DINOv2.
        clusters: The number of clusters.
        cluster_dim: Width of the feature of a cluster.
        token_dim: Width of the part from the class token.
        hidden_dim: Width between the two layers of each of the three small networks.
        descriptor_dim: Width D of a descriptor.
        local_features: ``patches`` for DINOv2's patches as local features; ``none`` as in the method.
    """

    backbone: DINOv2Name = "vitb14"
    clusters: int = 64
    cluster_dim: int = 256
    token_dim: int = 256
    hidden_dim: int = 512
    descriptor_dim: int = 8448
    local_features: LocalFeatures = "none"

    @property
    def aggregator(self) -> SaladConfig:
        """Return the shape of the part that SALAD has, too."""
        return SaladConfig(self.backbone, self.clusters, self.cluster_dim, self.token_dim, self.hidden_dim)


class MegaLoc(TransportNetwork):
    """Describe pictures by SALAD's aggregation over DINOv2, and a linear layer."""

    family = "megaloc"
    title = "MegaLoc"
    needs = Preparation(height=PATCH * SIDE, width=PATCH * SIDE)
    config: MegaLocConfig

    def __init__(self, config: MegaLocConfig, *, is_trained: bool) -> None:
        super().__init__(config, config.local_features, is_trained=is_trained)
        self.backbone = DINOv2(config.backbone)
        self.aggregator = Aggregator(self.backbone.dim, config.aggregator)
        width = config.token_dim + config.cluster_dim * config.clusters
        self.projection = nn.Linear(width, config.descriptor_dim)

    @property
    def clusters(self) -> int:
        """Return the number of clusters."""
        return self.config.clusters

    @property
    def global_dim(self) -> int:
        """Return the width of a descriptor."""
        return self.config.descriptor_dim

    def fit(self, images: Tensor) -> Tensor:
        """Return the pictures with sides that are the nearest multiples of 14, as the published network resizes them.

        Raises:
            InvalidInput: The pictures have too few patches.
        """
        height, width = (round(side / PATCH) * PATCH for side in images.shape[2:])
        self.check_patches(height, width)
        if (height, width) == (images.shape[2], images.shape[3]):
            return images
        return F.interpolate(images, size=(height, width), mode="bilinear", align_corners=False, antialias=True)

    def aggregate(self, seen: Tokens) -> Tensor:
        """Return the descriptors ``(B, D)``, of length 1, of tokens."""
        return F.normalize(self.projection(self.aggregator(seen)), dim=-1)


def _read_config(shapes: FileShapes) -> MegaLocConfig:
    descriptor_dim = shapes.of("projection.weight", 2)[0]
    return MegaLocConfig(read_dinov2(shapes), *read_aggregator(shapes), descriptor_dim)


LAYOUTS = (
    CheckpointLayout(
        title="MegaLoc checkpoint",
        marks=("backbone.cls_token", "aggregator.agg."),
        prefixes=(
            ("backbone.", "backbone."),
            ("aggregator.agg.", "aggregator."),
            ("aggregator.linear.", "projection."),
        ),
        read_config=_read_config,
    ),
)
"""The layouts of published files."""
