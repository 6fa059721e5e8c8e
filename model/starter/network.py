"""The starter: one forward pass through an EfficientNet-Lite, two kinds of features."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from model.features import CellMap, Features
from model.network import Network
from model.preprocess import Preparation
from model.starter.config import StarterConfig
from model.starter.efficientnet_lite import EfficientNetLite
from model.starter.pooling import cell_shares, pool_bands

_VALUES = 255  # channel values, from 0


class Starter(Network):
    """Read the blocks of an EfficientNet-Lite as features of a place.

    The global feature concatenates the generalised means of horizontal bands of a few blocks; each mean has length 1,
    and so has the result. The local features are the cells of one block, each of length 1. Only the trunk is learned.

    A picture is resized to 256 × 256 pixels, and each value becomes ``(value - 127) / 128``, as in the training of the
    trunk (EfficientNet-Lite's ``MEAN_RGB`` and ``STDDEV_RGB``).

    Attributes:
        config: The shape of the network.
        is_trained: Whether the trunk holds trained weights.
    """

    family = "starter"
    needs = Preparation(
        height=256,
        width=256,
        mean=(127 / _VALUES, 127 / _VALUES, 127 / _VALUES),
        std=(128 / _VALUES, 128 / _VALUES, 128 / _VALUES),
        filter="bicubic",
    )
    precisions = ("float32",)  # in bfloat16 the least cosine is 0.9988 for a global feature, 0.94 for a local one
    match_floor = 0.55
    config: StarterConfig

    def __init__(self, config: StarterConfig, *, is_trained: bool) -> None:
        super().__init__()
        self.config = config
        self.is_trained = is_trained
        self.trunk = EfficientNetLite(config.blocks)

    @property
    def side_multiple(self) -> int:
        """Return 0: the network takes pictures of one size only."""
        return 0

    @property
    def global_dim(self) -> int:
        """Return the width of the global feature."""
        return self.config.global_dim

    @property
    def local_dim(self) -> int:
        """Return the channels of a local feature."""
        return self.config.local_dim

    def facts(self) -> list[tuple[str, str]]:
        """Return the facts about the shape that people want to know."""
        config, grid = self.config, self.local_grid(self.needs.size)
        blocks = ", ".join(map(str, config.global_blocks))
        return [
            (
                "network",
                f"EfficientNet-Lite: {config.width:g} times as wide as B0, {len(config.blocks)} blocks",
            ),
            ("pictures", f"{self.needs.height} × {self.needs.width} pixels"),
            (
                "features",
                f"global {config.global_dim} by GeM in {config.global_bands} bands of the blocks {blocks}; "
                f"local {grid[0]} × {grid[1]} of {config.local_dim}, of block {config.local_block}",
            ),
        ]

    def part_of(self, name: str) -> str:  # noqa: ARG002
        """Return the trunk, the only part that has weights."""
        return "trunk"

    def local_grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return height and width of the grid of local features of a picture, from its height and width in pixels."""
        return self.config.local_grid(size)

    def forward(self, images: Tensor) -> Features:
        """Encode a batch of pictures.

        Args:
            images: ``(B, 3, H, W)`` float32, prepared as ``needs`` says; any height and width.

        Returns:
            Global features ``(B, D)`` and local features ``(B, ⌈H / 16⌉ · ⌈W / 16⌉, C)``, float32; D = 1312 and C = 120
            for the default configuration.

        Raises:
            InvalidInput: The pictures have another shape.
        """
        return self.read(self._maps(images), (images.shape[2], images.shape[3]))

    def cell_map(self, images: Tensor) -> CellMap:
        """Return the output of the block that gives local features; see ``Network.cell_map``."""
        return CellMap(self._cells(self._maps(images)), self.local_grid((images.shape[2], images.shape[3])))

    def shares(self, images: Tensor) -> Tensor:
        """See ``Network.shares``."""
        return self.read_shares(self._maps(images), (images.shape[2], images.shape[3]))

    def _maps(self, images: Tensor) -> Mapping[int, Tensor]:
        return self.trunk(images, {*self.config.global_blocks, self.config.local_block})  # type: ignore[no-any-return]

    def _cells(self, maps: Mapping[int, Tensor]) -> Tensor:
        """Return the cells ``(B, N, C)`` of the block that gives local features."""
        return maps[self.config.local_block].float().flatten(2).transpose(1, 2)

    def read(self, maps: Mapping[int, Tensor], size: tuple[int, int]) -> Features:
        """Return the features from the block outputs of the trunk.

        Args:
            maps: Number of a block → its output, ``(B, C, H, W)``; at least the blocks that give features.
            size: Height and width of the pictures in pixels.
        """
        pooled = [
            pool_bands(maps[block], self.config.gem_power, self.config.global_bands)
            for block in self.config.global_blocks
        ]
        return Features(
            global_features=F.normalize(torch.cat(pooled, dim=-1), dim=-1),
            local_features=F.normalize(self._cells(maps), dim=-1),
            local_grid=self.local_grid(size),
        )

    def read_shares(self, maps: Mapping[int, Tensor], size: tuple[int, int]) -> Tensor:
        """Return the shares from the block outputs of the trunk; see ``Network.shares``.

        The blocks have maps of several sizes: each is brought to the grid of the local features, its sum kept.

        Args:
            maps: Number of a block → its output, ``(B, C, H, W)``; at least the blocks that give global features.
            size: Height and width of the pictures in pixels.
        """
        grid, config = self.local_grid(size), self.config
        squares = self.read(maps, size).global_features.square()
        shares = torch.zeros(len(squares), *grid, device=squares.device)
        widths = [config.global_bands * maps[block].shape[1] for block in config.global_blocks]
        for block, weights in zip(config.global_blocks, torch.split(squares, widths, dim=1), strict=True):
            of_block = cell_shares(maps[block], config.gem_power, config.global_bands, weights)
            total = of_block.sum(dim=(1, 2), keepdim=True)
            resized = F.adaptive_avg_pool2d(of_block[:, None], grid)[:, 0]
            shares += resized * (total / resized.sum(dim=(1, 2), keepdim=True))
        return shares
