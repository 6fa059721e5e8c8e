"""NetVLAD (Arandjelović et al., CVPR 2016) over VGG16, in the form of pytorch-NetVlad and in its authors' form."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones.vgg import VGG16
from model.checkpoint_layout import CheckpointLayout, FileShapes
from model.descriptors.network import DescriptorNetwork
from model.descriptors.vlad import sum_differences
from model.plain_config import PlainConfig
from model.preprocess import Preparation

MEAN_PIXEL = (123.68, 116.779, 103.939)  # red, green and blue in 0 to 255, which the authors' network subtracts
_PREPARATION = Preparation(height=480, width=640)
MATLAB_PREPARATION = Preparation(
    height=480,
    width=640,
    mean=(MEAN_PIXEL[0] / 255, MEAN_PIXEL[1] / 255, MEAN_PIXEL[2] / 255),
    std=(1 / 255, 1 / 255, 1 / 255),
)


@dataclass(frozen=True)
class NetVLADConfig(PlainConfig):
    """Describe the shape of a NetVLAD network.

    Attributes:
        origin: ``pytorch`` for the form of pytorch-NetVlad. ``matlab`` for the authors' form: the numbers of a channel
            lie beside each other, and pictures have a preparation of their own.
        clusters: The number of clusters K.
        bias: Whether the assignment has a bias.
        whitened_dim: The width of the whitening behind the layer; 0 for no whitening.
    """

    may_be_zero = frozenset({"whitened_dim"})

    origin: Literal["pytorch", "matlab"] = "pytorch"
    clusters: int = 64
    bias: Literal["none", "learned"] = "none"
    whitened_dim: int = 0


class PyTorchVlad(nn.Module):
    """Apply NetVLAD's layer; the numbers of a cluster lie beside each other."""

    def __init__(self, channels: int, clusters: int, *, bias: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, clusters, 1, bias=bias)
        self.centroids = nn.Parameter(torch.zeros(clusters, channels))

    def forward(self, maps: Tensor) -> Tensor:
        """Turn maps ``(B, C, H, W)`` into ``(B, K · C)`` of length 1."""
        maps = F.normalize(maps, dim=1)
        sums = sum_differences(maps.flatten(2), self.conv(maps).flatten(2), self.centroids)
        return F.normalize(sums.flatten(1), dim=-1)


class MatlabVlad(nn.Module):
    """Apply NetVLAD's layer; the numbers of a channel lie beside each other, in the order of the whitening."""

    def __init__(self, channels: int, clusters: int) -> None:
        super().__init__()
        self.score_proj = nn.Conv1d(channels, clusters, 1, bias=False)
        self.centers = nn.Parameter(torch.zeros(channels, clusters))

    def forward(self, maps: Tensor) -> Tensor:
        """Turn maps ``(B, C, H, W)`` into ``(B, C · K)`` of length 1."""
        cells = F.normalize(maps.flatten(2), dim=1)
        sums = sum_differences(cells, self.score_proj(cells), self.centers.T)
        return F.normalize(sums.transpose(1, 2).flatten(1), dim=-1)


class NetVLAD(DescriptorNetwork):
    """Describe pictures by NetVLAD over VGG16, and by a whitening if there is one."""

    family = "netvlad"
    title = "NetVLAD"
    config: NetVLADConfig

    def __init__(self, config: NetVLADConfig, *, is_trained: bool) -> None:
        super().__init__(config, is_trained=is_trained)
        is_matlab = config.origin == "matlab"
        self.needs = MATLAB_PREPARATION if is_matlab else _PREPARATION
        self.backbone = VGG16()
        channels, clusters = VGG16.out_channels, config.clusters
        self.pool = (
            MatlabVlad(channels, clusters)
            if is_matlab
            else PyTorchVlad(channels, clusters, bias=config.bias == "learned")
        )
        self.whiten = nn.Linear(channels * clusters, config.whitened_dim) if config.whitened_dim else None

    @property
    def global_dim(self) -> int:
        """Return the width of a descriptor."""
        return self.config.whitened_dim or VGG16.out_channels * self.config.clusters

    def aggregate(self, seen: Tensor) -> Tensor:
        """Return the descriptors ``(B, D)``, of length 1, of maps ``(B, C, H, W)`` of any size."""
        descriptors: Tensor = self.pool(seen)
        return descriptors if self.whiten is None else F.normalize(self.whiten(descriptors), dim=-1)


def _read_pytorch(shapes: FileShapes) -> NetVLADConfig:
    bias: Literal["none", "learned"] = "learned" if "pool.conv.bias" in shapes else "none"
    return NetVLADConfig(clusters=shapes.of("pool.centroids", 2)[0], bias=bias)


def _read_matlab(shapes: FileShapes) -> NetVLADConfig:
    whitened_dim = shapes.of("whiten.weight", 2)[0] if "whiten.weight" in shapes else 0
    return NetVLADConfig(origin="matlab", clusters=shapes.of("pool.centers", 2)[1], whitened_dim=whitened_dim)


LAYOUTS = (
    CheckpointLayout(
        title="NetVLAD checkpoint in the layout of pytorch-NetVlad",
        marks=("encoder.", "pool."),
        prefixes=(
            ("encoder.", "backbone."),
            ("encoder.module.", "backbone."),  # training on several GPUs adds a word
            ("pool.", "pool."),
            ("pool.module.", "pool."),
        ),
        read_config=_read_pytorch,
    ),
    CheckpointLayout(
        title="NetVLAD checkpoint in the layout of its authors",
        marks=("backbone.", "netvlad.centers"),
        prefixes=(("backbone.", "backbone."), ("netvlad.", "pool."), ("whiten.", "whiten.")),
        read_config=_read_matlab,
    ),
)
"""The layouts of published files."""
