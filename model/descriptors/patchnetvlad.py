"""Patch-NetVLAD (Hausler et al., CVPR 2021): NetVLAD of a picture, and of windows of it as local features."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones.vgg import VGG16
from model.checkpoint_layout import CheckpointLayout, FileShapes
from model.descriptors.netvlad import PyTorchVlad
from model.descriptors.network import DescriptorNetwork, Localised
from model.errors import InvalidInput
from model.plain_config import PlainConfig
from model.preprocess import Preparation, Preprocessing

PATCH_NETVLAD_S = "patch-netvlad-s"
PATCH_NETVLAD_P = "patch-netvlad-p"
STRIDE_PX = 16  # VGG16's map has a cell for each 16 pixels

PatchSizes = Literal["5", "2,5,8"]
_WIDTH_OF_PERFORMANCE = 4096  # the numbers of a patch in the authors' settings with three sizes


@dataclass(frozen=True)
class PatchNetVLADConfig(PlainConfig):
    """Describe the shape of a Patch-NetVLAD network.

    Attributes:
        clusters: The number of clusters K.
        whitened_dim: The width of the whitening, of descriptors and of patches.
        patch_sizes: The sides of the patches, in cells of the map. The authors' settings for speed have one size, and
            those for performance three.
    """

    clusters: int = 16
    whitened_dim: int = 512
    patch_sizes: PatchSizes = "5"


def read_patch_sizes(text: str) -> tuple[int, ...]:
    """Return the sides of patches that a configuration has as text."""
    return tuple(map(int, text.split(",")))


class PatchNetVLAD(DescriptorNetwork):
    """Describe pictures and their patches by NetVLAD over VGG16 with one whitening.

    The local features of all sizes of patches lie one size behind the other, each size row by row.
    """

    family = "patchnetvlad"
    title = "Patch-NetVLAD"
    side_multiple = STRIDE_PX
    needs = Preparation(height=480, width=640, filter="pillow-bilinear")
    config: PatchNetVLADConfig

    def __init__(self, config: PatchNetVLADConfig, *, is_trained: bool) -> None:
        super().__init__(config, is_trained=is_trained)
        self.patch_sizes = read_patch_sizes(config.patch_sizes)
        self.reranker = PATCH_NETVLAD_S if len(self.patch_sizes) == 1 else PATCH_NETVLAD_P
        self.backbone = VGG16()
        self.pool = PyTorchVlad(VGG16.out_channels, config.clusters)
        self.WPCA = nn.ModuleList([nn.Conv2d(VGG16.out_channels * config.clusters, config.whitened_dim, 1)])

    @property
    def global_dim(self) -> int:
        """Return the width of a descriptor."""
        return self.config.whitened_dim

    @property
    def local_dim(self) -> int:
        """Return the width of a patch's feature."""
        return self.config.whitened_dim

    def local_grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the grid of patches; patches of several sizes have no common grid, and lie in one column."""
        rows, columns = self.patch_grid(size)
        grids = [(rows - side + 1, columns - side + 1) for side in self.patch_sizes]
        return grids[0] if len(grids) == 1 else (sum(height * width for height, width in grids), 1)

    def patch_grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return rows and columns of the map, of whose cells a patch has several."""
        return size[0] // STRIDE_PX, size[1] // STRIDE_PX

    def preparation(
        self, preprocessing: Preprocessing = Preprocessing.ANTIALIAS, size: tuple[int, int] | None = None
    ) -> Preparation:
        """See ``Network.preparation``.

        Raises:
            InvalidInput: The network does not take pictures of that size, or its largest patch does not fit in.
        """
        prepared = super().preparation(preprocessing, size)
        least = STRIDE_PX * max(self.patch_sizes)
        if min(prepared.size) < least:
            raise InvalidInput(
                f"--input-size {prepared.height}x{prepared.width}: a patch of this network has {least} pixels a side: "
                "give at least that height and width"
            )
        return prepared

    def aggregate(self, seen: Tensor) -> Tensor:
        """Return the descriptors ``(B, D)``, of length 1, of maps ``(B, C, H, W)`` of any size."""
        return self._whitened(self.pool(seen)[:, None])[:, 0]

    def localise(self, seen: Tensor) -> Localised:
        """Return the features of patches ``(B, N, D)``."""
        maps = F.normalize(seen, dim=1)
        shares = self.pool.conv(maps).softmax(dim=1)  # (B, K, H, W)
        features = [self._patches(maps, shares, side) for side in self.patch_sizes]
        rows, columns = seen.shape[2:]
        return Localised(torch.cat(features, dim=1), self.local_grid((rows * STRIDE_PX, columns * STRIDE_PX)))

    def _patches(self, maps: Tensor, shares: Tensor, side: int) -> Tensor:
        """Return the whitened NetVLADs of all windows of one size, ``(B, windows, D)``."""
        pictures, clusters, channels = len(maps), shares.shape[1], maps.shape[1]
        weighted = (shares[:, :, None] * maps[:, None]).flatten(1, 2)  # (B, K · C, H, W)
        sums = F.avg_pool2d(weighted, side, stride=1)
        rows, columns = sums.shape[2:]
        sums = sums.reshape(pictures, clusters, channels, rows, columns)
        weights = F.avg_pool2d(shares, side, stride=1)  # (B, K, rows, columns)
        differences = sums - weights[:, :, None] * self.pool.centroids[None, :, :, None, None]
        of_clusters = F.normalize(differences, dim=2).reshape(pictures, -1, rows * columns)
        return self._whitened(F.normalize(of_clusters.transpose(1, 2), dim=-1))

    def _whitened(self, vectors: Tensor) -> Tensor:
        """Return vectors ``(B, N, K · C)`` after the whitening, ``(B, N, D)`` of length 1."""
        weight, bias = self.WPCA[0].weight, self.WPCA[0].bias
        return F.normalize(F.linear(vectors, weight.flatten(1), bias), dim=-1)  # type: ignore[operator, arg-type]


def _read_config(shapes: FileShapes) -> PatchNetVLADConfig:
    whitened_dim = shapes.of("WPCA.0.weight", 4)[0]
    return PatchNetVLADConfig(
        clusters=shapes.of("pool.centroids", 2)[0],
        whitened_dim=whitened_dim,
        patch_sizes="2,5,8" if whitened_dim == _WIDTH_OF_PERFORMANCE else "5",
    )


LAYOUTS = (
    CheckpointLayout(
        title="Patch-NetVLAD checkpoint",
        marks=("encoder.", "pool.centroids", "WPCA."),
        prefixes=(("encoder.", "backbone."), ("pool.", "pool."), ("WPCA.", "WPCA.")),
        read_config=_read_config,
    ),
)
"""The layouts of published files."""
