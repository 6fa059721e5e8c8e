"""BoQ (Ali-bey et al., CVPR 2024): a bag of learned queries that attend to the cells of a map."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones.dinov2 import UNUSED_MASK, DINOv2, read_dinov2
from model.backbones.resnet import NUMBERED, ResNet
from model.checkpoint_layout import CheckpointLayout, FileShapes
from model.descriptors.patches import LocalFeatures, PatchNetwork
from model.errors import InvalidInput
from model.plain_config import PlainConfig
from model.preprocess import Preparation
from model.selavpr.vision_transformer import Tokens

_HEAD_DIM = 64
_STAGES = 3  # ResNet50 then has a stride of 16
_BICUBIC = Preparation(height=322, width=322, filter="bicubic")


@dataclass(frozen=True)
class BoQConfig(PlainConfig):
    """Describe the shape of a BoQ network.

    Attributes:
        backbone: ResNet50, or a size of DINOv2.
        channels: Width P of a query; a multiple of 64. A descriptor has ``channels · rows`` numbers.
        rows: The number of rows to which the queries of all blocks are projected.
        queries: The number of learned queries of a block.
        blocks: The number of blocks.
        local_features: ``patches`` for DINOv2's patches as local features; ``none`` as in the method.
    """

    backbone: Literal["resnet50", "vits14", "vitb14", "vitl14"] = "vitb14"
    channels: int = 384
    rows: int = 32
    queries: int = 64
    blocks: int = 2
    local_features: LocalFeatures = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.local_features == "patches" and self.backbone == "resnet50":
            raise InvalidInput("network configuration: local_features = 'patches' needs DINOv2, and this is resnet50")


class Block(nn.Module):
    """Let cells attend to each other, and then learned queries to the cells.

    The learned queries do not depend on the picture. There is no skip around the attention of queries to cells.
    """

    def __init__(self, channels: int, queries: int) -> None:
        super().__init__()
        heads = channels // _HEAD_DIM
        self.encoder = nn.TransformerEncoderLayer(channels, heads, 4 * channels, dropout=0.0, batch_first=True)
        self.queries = nn.Parameter(torch.zeros(1, queries, channels))
        self.self_attn = nn.MultiheadAttention(channels, heads, batch_first=True)
        self.norm_q = nn.LayerNorm(channels)
        self.cross_attn = nn.MultiheadAttention(channels, heads, batch_first=True)
        self.norm_out = nn.LayerNorm(channels)

    def forward(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cells ``(B, n, P)`` for the next block, and the results of the queries, ``(B, queries, P)``."""
        cells = self.encoder(cells)
        attended, _ = self.self_attn(self.queries, self.queries, self.queries, need_weights=False)
        queries = self.norm_q(self.queries + attended).expand(len(cells), -1, -1)
        found, _ = self.cross_attn(queries, cells, cells, need_weights=False)
        return cells, self.norm_out(found)


class Aggregator(nn.Module):
    """Project a map, ask it by blocks of queries, and project all queries to a few rows."""

    def __init__(self, in_channels: int, config: BoQConfig) -> None:
        super().__init__()
        self.proj_c = nn.Conv2d(in_channels, config.channels, 3, padding=1)
        self.norm_input = nn.LayerNorm(config.channels)
        self.boqs = nn.ModuleList(Block(config.channels, config.queries) for _ in range(config.blocks))
        self.fc = nn.Linear(config.blocks * config.queries, config.rows)

    def forward(self, maps: Tensor) -> Tensor:
        """Return ``(B, P · rows)`` of length 1; the numbers of a channel lie beside each other."""
        cells = self.norm_input(self.proj_c(maps).flatten(2).transpose(1, 2))
        found = []
        for block in self.boqs:
            cells, queries = block(cells)
            found.append(queries)
        rows: Tensor = self.fc(torch.cat(found, dim=1).transpose(1, 2))  # (B, P, rows)
        return F.normalize(rows.flatten(1), dim=-1)


class BoQ(PatchNetwork):
    """Describe pictures by a bag of queries over ResNet50, or over DINOv2 without its final LayerNorm."""

    family = "boq"
    title = "BoQ"
    config: BoQConfig

    def __init__(self, config: BoQConfig, *, is_trained: bool) -> None:
        super().__init__(config, config.local_features, is_trained=is_trained)
        self.backbone: ResNet | DINOv2
        if config.backbone == "resnet50":
            self.backbone = ResNet(50, _STAGES)
            self.needs, in_channels = replace(_BICUBIC, height=384, width=384), self.backbone.out_channels
        else:
            self.backbone = DINOv2(config.backbone, normalises=False)
            self.needs, in_channels = _BICUBIC, self.backbone.dim
            self.side_multiple = self.backbone.patch_size
        self.aggregator = Aggregator(in_channels, config)

    @property
    def global_dim(self) -> int:
        """Return the width of a descriptor."""
        return self.config.channels * self.config.rows

    def aggregate(self, seen: Tensor | Tokens) -> Tensor:
        """Return the descriptors ``(B, D)``, of length 1, of maps of ResNet50 or of tokens of DINOv2."""
        if isinstance(seen, Tokens):
            patches = seen.patch_tokens.transpose(1, 2)
            seen = patches.reshape(*patches.shape[:2], *seen.grid)
        descriptors: Tensor = self.aggregator(seen)
        return descriptors


def _read_config(shapes: FileShapes) -> BoQConfig:
    is_resnet = "backbone.bn1.weight" in shapes
    return BoQConfig(
        backbone="resnet50" if is_resnet else read_dinov2(shapes),
        channels=shapes.of("aggregator.proj_c.weight", 4)[0],
        rows=shapes.of("aggregator.fc.weight", 2)[0],
        queries=shapes.of("aggregator.boqs.0.queries", 3)[1],
        blocks=shapes.count("aggregator.boqs."),
    )


def _layout(mark: str, backbone: tuple[tuple[str, str], ...], unused: tuple[str, ...] = ()) -> CheckpointLayout:
    return CheckpointLayout(
        title="BoQ checkpoint",
        marks=(mark, "aggregator.boqs."),
        prefixes=(*((theirs, f"backbone.{ours}") for theirs, ours in backbone), ("aggregator.", "aggregator.")),
        read_config=_read_config,
        unused=unused,
    )


def _split(frozen: int) -> tuple[tuple[str, str], ...]:
    """Return the beginnings of names of a ResNet in two parts; the first part has a stem and some stages."""
    stages = [f"frozen_layers.{number}." for number in range(1, frozen + 1)]
    stages += [f"unfrozen_layers.{number}." for number in range(_STAGES - frozen)]
    stem = (("backbone.frozen_layers.0.0.", "conv1."), ("backbone.frozen_layers.0.1.", "bn1."))
    return (*stem, *((f"backbone.{stage}", f"layer{number}.") for number, stage in enumerate(stages, 1)))


LAYOUTS = (
    # The published file has the final LayerNorm of DINOv2, and the network does not use it.
    _layout("backbone.dino.", (("backbone.dino.", ""),), (UNUSED_MASK, r"backbone\.dino\.norm\.(weight|bias)")),
    _layout("backbone.net.", tuple((f"backbone.net.{theirs}", ours) for theirs, ours in NUMBERED)),
    _layout("backbone.frozen_layers.2.", _split(2)),
    _layout("backbone.frozen_layers.", _split(1)),
)
"""The layouts of published files: over DINOv2, and over ResNet50 in one part or in two parts."""
