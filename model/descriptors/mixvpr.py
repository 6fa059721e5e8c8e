"""MixVPR (Ali-bey et al., WACV 2023): mixers along the cells of a map of ResNet50."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones.choice import BackboneName, make_backbone, read_resnet
from model.checkpoint_layout import CheckpointLayout, FileShapes
from model.descriptors.network import DescriptorNetwork
from model.errors import InvalidInput
from model.plain_config import PlainConfig
from model.preprocess import Preparation

STAGES = 3  # the ResNet then has a stride of 16
SIDE = 20  # cells of a side of the map, for which the mixers are made
CELLS = SIDE * SIDE


@dataclass(frozen=True)
class MixVPRConfig(PlainConfig):
    """Describe the shape of a MixVPR network.

    Attributes:
        backbone: The backbone, up to its third stage.
        channels: The number of channels behind the projection of channels.
        rows: The number of rows behind the projection of cells. A descriptor has ``channels · rows`` numbers.
        depth: The number of mixers.
    """

    backbone: BackboneName = "resnet50"
    channels: int = 1024
    rows: int = 4
    depth: int = 4


class Mixer(nn.Module):
    """Compute ``x + Linear(ReLU(Linear(LayerNorm(x))))`` along the cells of each channel."""

    def __init__(self, cells: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(nn.LayerNorm(cells), nn.Linear(cells, cells), nn.ReLU(), nn.Linear(cells, cells))

    def forward(self, channels: Tensor) -> Tensor:
        """Mix ``(B, C, cells)``."""
        mixed: Tensor = self.mix(channels)
        return channels + mixed


class MixVPR(DescriptorNetwork):
    """Describe pictures of 320 × 320 pixels by mixers over a ResNet, and projections of channels and of cells.

    Three preparations of pictures are in circulation; this one belongs to the authors' training and validation.
    """

    family = "mixvpr"
    title = "MixVPR"
    needs = Preparation(height=16 * SIDE, width=16 * SIDE, filter="pillow-bilinear")
    side_multiple = 0
    config: MixVPRConfig

    def __init__(self, config: MixVPRConfig, *, is_trained: bool) -> None:
        super().__init__(config, is_trained=is_trained)
        self.backbone = make_backbone(config.backbone, STAGES)
        self.mix = nn.Sequential(*(Mixer(CELLS) for _ in range(config.depth)))
        self.channel_proj = nn.Linear(self.backbone.out_channels, config.channels)
        self.row_proj = nn.Linear(CELLS, config.rows)

    @property
    def global_dim(self) -> int:
        """Return the width of a descriptor."""
        return self.config.channels * self.config.rows

    def fit(self, images: Tensor) -> Tensor:
        """Return the pictures unchanged.

        Raises:
            InvalidInput: The pictures have another size. Some of these have 400 cells, too, and give nonsense.
        """
        if (images.shape[2], images.shape[3]) != self.needs.size:
            raise InvalidInput(f"MixVPR takes pictures of 320 × 320 pixels, not {images.shape[2]} × {images.shape[3]}")
        return images

    def aggregate(self, seen: Tensor) -> Tensor:
        """Return the descriptors of maps ``(B, C, 20, 20)``; the numbers of a channel lie beside each other."""
        mixed = self.mix(seen.flatten(2))
        projected = self.channel_proj(mixed.transpose(1, 2)).transpose(1, 2)  # (B, channels, cells)
        return F.normalize(self.row_proj(projected).flatten(1), dim=-1)


def _read_config(shapes: FileShapes) -> MixVPRConfig:
    return MixVPRConfig(
        backbone=read_resnet(shapes)[0],
        channels=shapes.of("channel_proj.weight", 2)[0],
        rows=shapes.of("row_proj.weight", 2)[0],
        depth=shapes.count("mix."),
    )


LAYOUTS = (
    CheckpointLayout(
        title="MixVPR checkpoint",
        marks=("backbone.model.", "aggregator.channel_proj."),
        prefixes=(("backbone.model.", "backbone."), ("aggregator.", "")),
        read_config=_read_config,
    ),
)
"""The layouts of published files."""
