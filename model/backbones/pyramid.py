"""The backbone of TransVPR (Wang et al., CVPR 2022): a transformer over cells of four scales."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones.resnet import BATCH_NORM_EPS
from model.errors import InvalidInput
from model.fixed_norm import FixedNorm
from model.selavpr.attention import Attention

CELL = 16  # pixels of a side
_CHANNELS = (64, 128, 256, 512)  # each stage has half the resolution of the one before
_DEPTH = 6
_HEADS = 4


@dataclass(frozen=True)
class Levels:
    """Hold the tokens of a batch of B pictures behind some layers.

    Attributes:
        tokens: Layer → ``(B, n, D)`` normalised tokens of the n cells, row-major, without the class token.
        grid: Rows and columns of cells.
    """

    tokens: dict[int, Tensor]
    grid: tuple[int, int]


class Tokenizer(nn.Module):
    """Turn the map of a stage into one token for each cell."""

    def __init__(self, in_channels: int, channels: int, side: int) -> None:
        super().__init__()
        self.conv_layer = nn.Conv2d(in_channels, channels, side, stride=side)

    def forward(self, maps: Tensor) -> Tensor:
        """Turn ``(B, in, H, W)`` into ``(B, channels, H / side, W / side)``."""
        tokens: Tensor = self.conv_layer(maps)
        return tokens


class Layer(nn.Module):
    """Apply attention and an MLP. The second normalisation replaces the tokens, so no skip passes it."""

    def __init__(self, dim: int, mlp_dim: int) -> None:
        super().__init__()
        self.pre_norm = nn.LayerNorm(dim)
        self.self_attn = Attention(dim, _HEADS, bias=False)
        self.norm1 = nn.LayerNorm(dim)
        self.linear1 = nn.Linear(dim, mlp_dim)
        self.linear2 = nn.Linear(mlp_dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Process ``(B, T, D)``."""
        tokens = self.norm1(tokens + self.self_attn(self.pre_norm(tokens)))
        processed: Tensor = tokens + self.linear2(F.gelu(self.linear1(tokens)))
        return processed


class Transformer(nn.Module):
    """Apply layers to a class token and cells, which have no positions."""

    def __init__(self, dim: int, mlp_dim: int) -> None:
        super().__init__()
        self.class_emb = nn.Parameter(torch.zeros(1, 1, dim))
        self.blocks = nn.ModuleList(Layer(dim, mlp_dim) for _ in range(_DEPTH))
        self.norm = nn.LayerNorm(dim)

    def forward(self, cells: Tensor, kept: tuple[int, ...]) -> dict[int, Tensor]:
        """Return the cells ``(B, n, D)`` behind the layers of ``kept``, normalised."""
        tokens = torch.cat((self.class_emb.expand(len(cells), -1, -1), cells), dim=1)
        found = {}
        for number, block in enumerate(self.blocks):
            tokens = block(tokens)
            if number in kept:
                found[number] = self.norm(tokens)[:, 1:]  # the next layer takes the tokens before this normalisation
        return found


class Pyramid(nn.Module):
    """Cut pictures into cells of 16 × 16 pixels, with features of four scales, and let them attend to each other."""

    def __init__(self, dim: int, mlp_dim: int, kept: tuple[int, ...]) -> None:
        """Make the layers.

        Args:
            dim: The width of a token: four equal parts, one of each scale.
            mlp_dim: The hidden width of a layer.
            kept: The layers, from 0, behind which tokens are returned.
        """
        super().__init__()
        self._kept = kept
        channels = 3
        for number, out_channels in enumerate(_CHANNELS, 1):
            stage = nn.Sequential(
                nn.Conv2d(channels, out_channels, 3, padding=1),
                FixedNorm(out_channels, BATCH_NORM_EPS),
                nn.ReLU(),
                nn.MaxPool2d(3, stride=2, padding=1),
            )
            self.add_module(f"conv{number}", stage)
            tokenizer = Tokenizer(out_channels, dim // len(_CHANNELS), CELL >> number)
            self.add_module(f"tokenizer{number}", tokenizer)
            channels = out_channels
        self.transformer = Transformer(dim, mlp_dim)

    def forward(self, images: Tensor) -> Levels:
        """Turn pictures ``(B, 3, H, W)`` into tokens.

        Raises:
            InvalidInput: Height or width is not a multiple of 16.
        """
        height, width = images.shape[2:]
        if not height or not width or height % CELL or width % CELL:
            raise InvalidInput(
                f"pictures of {height} × {width} pixels (height × width) cannot be cut into cells: both sides must be "
                f"multiples of {CELL}"
            )
        maps, parts = images, []
        for number in range(1, len(_CHANNELS) + 1):
            maps = self.get_submodule(f"conv{number}")(maps)
            parts.append(self.get_submodule(f"tokenizer{number}")(maps))
        cells = torch.cat(parts, dim=1).flatten(2).transpose(1, 2)
        return Levels(self.transformer(cells, self._kept), (height // CELL, width // CELL))
