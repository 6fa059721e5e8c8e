"""DeiT (Touvron et al., ICML 2021) with a distillation token, with the names of tensors of timm."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones.transformer_block import LAYER_NORM_EPS, Block
from model.errors import InvalidInput
from model.selavpr.vision_transformer import Tokens

PATCH = 16  # pixels of a side
TABLE = (30, 40)  # rows and columns of the position table
_HEAD_DIM = 64
_MLP_RATIO = 4
_FIRST = 2  # the class token and the distillation token precede the patches


class PatchEmbedding(nn.Module):
    """Project each patch of a picture to a token."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, PATCH, stride=PATCH)

    def forward(self, images: Tensor) -> Tensor:
        """Turn ``(B, 3, H, W)`` into ``(B, n, D)``, row-major."""
        embedded: Tensor = self.proj(images)
        return embedded.flatten(2).transpose(1, 2)


class DeiT(nn.Module):
    """Run a distilled vision transformer up to its last block, which gives attention, too.

    Attributes:
        dim: The width of a token.
    """

    def __init__(self, dim: int, depth: int) -> None:
        """Make the layers.

        Args:
            dim: The width of a token; a multiple of 64.
            depth: The number of blocks.
        """
        super().__init__()
        self.dim = dim
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.dist_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, _FIRST + TABLE[0] * TABLE[1], dim))
        self.patch_embed = PatchEmbedding(dim)
        self.blocks = nn.ModuleList(Block(dim, dim // _HEAD_DIM, _MLP_RATIO * dim) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)

    def forward(self, images: Tensor) -> Tokens:
        """Turn pictures ``(B, 3, H, W)`` into the tokens before the last block.

        Returns:
            ``class_token`` is ``(B, 2, D)``: the class token, and the distillation token.

        Raises:
            InvalidInput: Height or width is not a multiple of 16.
        """
        height, width = images.shape[2:]
        if not height or not width or height % PATCH or width % PATCH:
            raise InvalidInput(
                f"pictures of {height} × {width} pixels (height × width) cannot be cut into patches: both sides must "
                f"be multiples of {PATCH}"
            )
        grid = height // PATCH, width // PATCH
        first = torch.cat((self.cls_token, self.dist_token), dim=1) + self.pos_embed[:, :_FIRST]
        table = self.pos_embed[:, _FIRST:].view(1, *TABLE, self.dim)
        patches = self.patch_embed(images) + fit_table(table, grid).flatten(1, 2)
        tokens = torch.cat((first.expand(len(images), -1, -1), patches), dim=1)
        for block in list(self.blocks)[:-1]:
            tokens = block(tokens)
        return Tokens(tokens[:, :_FIRST], tokens[:, _FIRST:], grid)

    def finish(self, seen: Tokens) -> Tensor:
        """Return both first tokens ``(B, 2, D)`` behind the last block, normalised."""
        finished: Tensor = self.norm(self.blocks[-1](_joined(seen))[:, :_FIRST])
        return finished

    def attend(self, seen: Tokens) -> Tensor:
        """Return the attention ``(B, n)`` of the last block to each patch, from both first tokens in all its heads."""
        last: Block = self.blocks[-1]  # type: ignore[assignment]
        weights = last.attn.weights(last.norm1(seen.class_token), last.norm1(_joined(seen)))
        return weights[..., _FIRST:].sum(dim=(1, 2))


def fit_table(table: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return the positions of a grid of patches, from a table of 30 × 40 positions.

    A square with the longer side n of the grid is made first: the middle of the table if it is large enough, otherwise
    the whole table, resized. After resizing, all differences from the vector in the centre are scaled by one factor, so
    that the vector 15 rows above the centre is as far from it as in the table, where it is in the middle of the upper
    edge. The grid is the middle band of the square.

    Args:
        table: ``(1, 30, 40, D)``.
        grid: Rows and columns of patches.

    Returns:
        ``(1, rows, columns, D)``.
    """
    if grid == TABLE:
        return table
    rows, columns = grid
    side = max(grid)
    if side <= TABLE[0]:
        top, left = TABLE[0] // 2 - side // 2, TABLE[1] // 2 - side // 2
        square = table[:, top : top + side, left : left + side]
    else:
        resized = F.interpolate(table.permute(0, 3, 1, 2), size=(side, side), mode="bicubic", align_corners=False)
        square = resized.permute(0, 2, 3, 1)
        middle, half = side // 2, TABLE[0] // 2
        centre = square[:, middle, middle]
        distance = (square[:, middle - half, middle] - centre).norm()
        wanted = (table[:, 0, TABLE[1] // 2] - table[:, half, TABLE[1] // 2]).norm()
        square = centre + (square - centre) * (wanted / distance)
    if columns > rows:
        start = side // 2 - rows // 2
        return square[:, start : start + rows]
    start = side // 2 - columns // 2
    return square[:, :, start : start + columns]


def _joined(seen: Tokens) -> Tensor:
    return torch.cat((seen.class_token, seen.patch_tokens), dim=1)
