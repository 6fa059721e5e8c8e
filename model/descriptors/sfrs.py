"""SFRS (Ge et al., ECCV 2020; OpenIBL): NetVLAD with a whitening, trained on regions of pictures."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones.vgg import VGG16
from model.checkpoint_layout import CheckpointLayout, FileShapes
from model.descriptors.netvlad import PyTorchVlad
from model.descriptors.network import DescriptorNetwork
from model.plain_config import PlainConfig
from model.preprocess import Preparation


@dataclass(frozen=True)
class SFRSConfig(PlainConfig):
    """Describe the shape of an SFRS network.

    Attributes:
        clusters: The number of clusters.
        whitened_dim: The width of the whitening (PCA); 0 for no whitening.
    """

    may_be_zero = frozenset({"whitened_dim"})

    clusters: int = 64
    whitened_dim: int = 4096


class SFRS(DescriptorNetwork):
    """Describe pictures by NetVLAD over VGG16, and by a whitening if there is one.

    Pictures have values from -124 to 152: a mean is subtracted from bytes, and the result is not divided.
    """

    family = "sfrs"
    title = "SFRS"
    needs = Preparation(
        height=480,
        width=640,
        mean=(0.48501960784313836, 0.4579568627450961, 0.4076039215686255),
        std=(1 / 255, 1 / 255, 1 / 255),
        filter="pillow-bilinear",
    )
    config: SFRSConfig

    def __init__(self, config: SFRSConfig, *, is_trained: bool) -> None:
        super().__init__(config, is_trained=is_trained)
        self.backbone = VGG16()
        self.net_vlad = PyTorchVlad(VGG16.out_channels, config.clusters)
        width = VGG16.out_channels * config.clusters
        self.pca_layer = nn.Conv2d(width, config.whitened_dim, 1) if config.whitened_dim else None

    @property
    def global_dim(self) -> int:
        """Return the width of a descriptor."""
        return self.config.whitened_dim or VGG16.out_channels * self.config.clusters

    def aggregate(self, seen: Tensor) -> Tensor:
        """Return the descriptors ``(B, D)``, of length 1, of maps ``(B, C, H, W)`` of any size."""
        descriptors: Tensor = self.net_vlad(seen)
        if self.pca_layer is None:
            return descriptors
        return F.normalize(self.pca_layer(descriptors[:, :, None, None]).flatten(1), dim=-1)


def _read_config(shapes: FileShapes) -> SFRSConfig:
    whitened_dim = shapes.of("pca_layer.weight", 4)[0] if "pca_layer.weight" in shapes else 0
    return SFRSConfig(clusters=shapes.of("net_vlad.centroids", 2)[0], whitened_dim=whitened_dim)


LAYOUTS = (
    CheckpointLayout(
        title="SFRS checkpoint",
        marks=("base_model.base.", "net_vlad."),
        prefixes=(("base_model.base.", "backbone."), ("net_vlad.", "net_vlad."), ("pca_layer.", "pca_layer.")),
        read_config=_read_config,
    ),
)
"""The layouts of published files."""
