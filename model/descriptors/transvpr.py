"""TransVPR (Wang et al., CVPR 2022): attention over three layers of a transformer, for a descriptor and for a mask."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones.pyramid import CELL, Levels, Pyramid
from model.checkpoint_layout import CheckpointLayout, FileShapes
from model.descriptors.network import DescriptorNetwork, Localised
from model.errors import InvalidInput
from model.features import CellMap
from model.plain_config import PlainConfig
from model.preprocess import Preparation, Preprocessing

TRANSVPR = "transvpr"
"""The name of its re-ranker."""

_POOLED_LAYERS = (1, 3, 5)
_LOCAL_LAYER = 3
_PARTS_OF_A_TOKEN = 4  # one of each scale, and one for each head of attention


@dataclass(frozen=True)
class TransVPRConfig(PlainConfig):
    """Describe the shape of a TransVPR network.

    Attributes:
        dim: Width of a token, and of a local feature; a multiple of 4.
        mlp_dim: Hidden width of a layer of the transformer.
        descriptor_dim: Width D of a descriptor.
    """

    dim: int = 256
    mlp_dim: int = 512
    descriptor_dim: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dim % _PARTS_OF_A_TOKEN:
            raise InvalidInput(f"network configuration: dim = {self.dim} is not a multiple of {_PARTS_OF_A_TOKEN}")


class TransVPR(DescriptorNetwork):
    """Describe pictures by cells of a transformer, weighted by the attention of three of its layers."""

    family = "transvpr"
    reranker = TRANSVPR
    local_extras = 2  # the length of a feature, and its cell's mask
    title = "TransVPR"
    needs = Preparation(height=480, width=640)
    official_eval = Preprocessing.OFFICIAL_EVAL  # its authors resized tensors without antialiasing
    side_multiple = CELL
    config: TransVPRConfig
    backbone: Pyramid

    def __init__(self, config: TransVPRConfig, *, is_trained: bool) -> None:
        super().__init__(config, is_trained=is_trained)
        self.backbone = Pyramid(config.dim, config.mlp_dim, _POOLED_LAYERS)
        width = config.dim * len(_POOLED_LAYERS)
        self.attention = nn.Linear(width, len(_POOLED_LAYERS))
        self.projection = nn.Linear(width, config.descriptor_dim)

    @property
    def global_dim(self) -> int:
        """Return the width of a descriptor."""
        return self.config.descriptor_dim

    @property
    def local_dim(self) -> int:
        """Return the width of the feature of a cell."""
        return self.config.dim

    def local_grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the grid of cells of pictures of a size."""
        return size[0] // CELL, size[1] // CELL

    def localise(self, seen: Levels) -> Localised:
        """Return the features of cells, with their lengths and masks beside them."""
        features, mask = self.cells(seen)
        lengths = torch.linalg.vector_norm(features, dim=-1)
        return Localised(F.normalize(features, dim=-1), seen.grid, torch.stack((lengths, mask), dim=-1))

    def cells_of(self, seen: Levels) -> CellMap:
        """Return the features of cells for re-ranking, not of length 1."""
        return CellMap(seen.tokens[_LOCAL_LAYER], seen.grid)

    def attend(self, seen: Levels) -> Tensor:
        """Return the attention maps ``(B, 3, n)`` of tokens; each map of a picture adds up to 1."""
        joined = torch.cat([seen.tokens[layer] for layer in _POOLED_LAYERS], dim=2)
        logits: Tensor = self.attention(joined)
        return logits.softmax(dim=1).transpose(1, 2)

    def aggregate(self, seen: Levels) -> Tensor:
        """Return the descriptors ``(B, D)``, of length 1, of tokens."""
        maps = self.attend(seen).unbind(dim=1)
        pooled = [
            (weights[:, None] @ seen.tokens[layer])[:, 0] for weights, layer in zip(maps, _POOLED_LAYERS, strict=True)
        ]
        return F.normalize(self.projection(F.normalize(torch.cat(pooled, dim=1), dim=-1)), dim=-1)

    def cells(self, seen: Levels) -> tuple[Tensor, Tensor]:
        """Return the features of cells for re-ranking, and how much attention each cell gets.

        Args:
            seen: The output of ``backbone``.

        Returns:
            ``(B, n, C)`` features, not of length 1, row-major; and the mask ``(B, n)``, from 0 to 1. If a map is
            constant, its least and its largest number are equal, and it adds nothing to the mask.
        """
        return seen.tokens[_LOCAL_LAYER], _stretch(_stretch(self.attend(seen)).sum(dim=1))


def _stretch(values: Tensor) -> Tensor:
    """Return numbers from 0, the least one of the last dimension, to 1, the largest one; 0 if these are equal."""
    least, most = values.aminmax(dim=-1, keepdim=True)
    span = most - least
    return (values - least) / torch.where(span > 0, span, 1.0)


def _read_config(shapes: FileShapes) -> TransVPRConfig:
    return TransVPRConfig(
        dim=shapes.of("backbone.transformer.class_emb", 3)[2],
        mlp_dim=shapes.of("backbone.transformer.blocks.0.linear1.weight", 2)[0],
        descriptor_dim=shapes.of("projection.weight", 2)[0],
    )


LAYOUTS = (
    CheckpointLayout(
        title="TransVPR checkpoint",
        marks=("tokenizer1.", "transformer.class_emb"),
        prefixes=(
            ("conv", "backbone.conv"),
            ("tokenizer", "backbone.tokenizer"),
            ("transformer.", "backbone.transformer."),
            ("pool.attention_pool.", "attention."),
            ("pool.fc.1.", "projection."),
        ),
        read_config=_read_config,
    ),
)
"""The layouts of published files."""
