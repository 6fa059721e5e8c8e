"""SALAD (Izquierdo and Civera, CVPR 2024) and CliqueMining (Izquierdo and Civera, ECCV 2024), which are one network.

Written from the paper. The published code is under the GPL, and Placefix contains none of it.
"""

from abc import abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones.dinov2 import UNUSED_MASK, DINOv2, DINOv2Name, read_dinov2
from model.checkpoint_layout import CheckpointLayout, FileShapes
from model.descriptors.patches import LocalFeatures, PatchNetwork
from model.descriptors.transport import log_shares
from model.errors import InvalidInput
from model.plain_config import PlainConfig
from model.preprocess import Preparation, Preprocessing
from model.selavpr.vision_transformer import Tokens

PATCH = 14  # pixels of a side
SIDE = 23  # patches per side, 322 pixels


@dataclass(frozen=True)
class SaladConfig(PlainConfig):
    """Describe the shape of a SALAD network.

    Attributes:
        backbone: The size of DINOv2.
        clusters: The number of clusters m.
        cluster_dim: Width l of the feature of a cluster.
        token_dim: Width of the part of a descriptor from the class token.
        hidden_dim: Width between the two layers of each of the three small networks.
        local_features: ``patches`` for DINOv2's patches as local features; ``none`` as in the method.
    """

    backbone: DINOv2Name = "vitb14"
    clusters: int = 64
    cluster_dim: int = 128
    token_dim: int = 256
    hidden_dim: int = 512
    local_features: LocalFeatures = "none"


class Aggregator(nn.Module):
    """Share patches among clusters by optimal transport, and add the class token."""

    def __init__(self, dim: int, config: SaladConfig) -> None:
        super().__init__()
        hidden = config.hidden_dim
        self.token_features = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, config.token_dim))
        self.cluster_features = _two_convolutions(dim, hidden, config.cluster_dim)
        self.score = _two_convolutions(dim, hidden, config.clusters)
        self.dust_bin = nn.Parameter(torch.tensor(1.0))

    def forward(self, tokens: Tokens) -> Tensor:
        """Return ``(B, token_dim + cluster_dim · clusters)`` of length 1: the token's part, then l · m numbers."""
        maps = tokens.patch_tokens.transpose(1, 2).unsqueeze(3)  # (B, D, n, 1)
        features, scores = self.cluster_features(maps).squeeze(3), self.score(maps).squeeze(3)  # (B, l, n), (B, m, n)
        shares = log_shares(scores, self.dust_bin).exp()[:, :-1]
        clusters = F.normalize(features @ shares.transpose(1, 2), dim=1).flatten(1)  # (B, l, m)
        token = F.normalize(self.token_features(tokens.class_token), dim=-1)
        return F.normalize(torch.cat((token, clusters), dim=-1), dim=-1)


def _two_convolutions(in_channels: int, hidden: int, out_channels: int) -> nn.Sequential:
    # The identity replaces the dropout of the published network, so that names have the same numbers.
    return nn.Sequential(
        nn.Conv2d(in_channels, hidden, 1), nn.Identity(), nn.ReLU(), nn.Conv2d(hidden, out_channels, 1)
    )


class TransportNetwork(PatchNetwork):
    """Define a network whose clusters share the patches of DINOv2, so it needs more patches than clusters."""

    side_multiple = PATCH

    @property
    @abstractmethod
    def clusters(self) -> int:
        """Return the number of clusters."""

    def preparation(
        self, preprocessing: Preprocessing = Preprocessing.ANTIALIAS, size: tuple[int, int] | None = None
    ) -> Preparation:
        """Return the preparation of its pictures; see ``Network.preparation``.

        Raises:
            InvalidInput: The network does not take pictures of that size, or they have too few patches.
        """
        prepared = super().preparation(preprocessing, size)
        self.check_patches(*prepared.size)
        return prepared

    def fit(self, images: Tensor) -> Tensor:
        """Return the pictures unchanged.

        Raises:
            InvalidInput: The pictures have too few patches.
        """
        self.check_patches(*images.shape[2:])
        return images

    def check_patches(self, height: int, width: int) -> None:
        """Check that pictures of a size have more patches than there are clusters.

        Raises:
            InvalidInput: They have fewer or equally many, so the dustbin's part would not be positive.
        """
        patches = (height // PATCH) * (width // PATCH)
        if patches <= self.clusters:
            raise InvalidInput(
                f"pictures of {height} × {width} pixels have {patches} patches, and a network of the family "
                f"{self.family} needs more than its {self.clusters} clusters: give a larger --input-size, such as 322"
            )


class Salad(TransportNetwork):
    """Describe pictures by DINOv2's patches, which clusters share, and by its class token."""

    family = "salad"
    title = "SALAD or CliqueMining"
    needs = Preparation(height=PATCH * SIDE, width=PATCH * SIDE, filter="pillow-bilinear")
    config: SaladConfig

    def __init__(self, config: SaladConfig, *, is_trained: bool) -> None:
        super().__init__(config, config.local_features, is_trained=is_trained)
        self.backbone = DINOv2(config.backbone)
        self.aggregator = Aggregator(self.backbone.dim, config)

    @property
    def clusters(self) -> int:
        """Return the number of clusters."""
        return self.config.clusters

    @property
    def global_dim(self) -> int:
        """Return the width of a descriptor."""
        return self.config.token_dim + self.config.cluster_dim * self.config.clusters

    def aggregate(self, seen: Tokens) -> Tensor:
        """Return the descriptors ``(B, D)``, of length 1, of tokens."""
        descriptors: Tensor = self.aggregator(seen)
        return descriptors


def read_aggregator(shapes: FileShapes) -> tuple[int, int, int, int]:
    """Read clusters, cluster_dim, token_dim and hidden_dim from the shapes of ``aggregator``."""
    return (
        shapes.of("aggregator.score.3.weight", 4)[0],
        shapes.of("aggregator.cluster_features.3.weight", 4)[0],
        shapes.of("aggregator.token_features.2.weight", 2)[0],
        shapes.of("aggregator.token_features.0.weight", 2)[0],
    )


LAYOUTS = (
    CheckpointLayout(
        title="SALAD or CliqueMining checkpoint",
        marks=("backbone.model.", "aggregator.cluster_features."),
        prefixes=(("backbone.model.", "backbone."), ("aggregator.", "aggregator.")),
        read_config=lambda shapes: SaladConfig(read_dinov2(shapes), *read_aggregator(shapes)),
        unused=(UNUSED_MASK,),
    ),
)
"""The layouts of published files."""
