"""The learned position table, resampled to the grid of a picture."""

import torch
import torch.nn.functional as F
from torch import Tensor

GRID_OFFSET = 0.1


def resize_position_table(table: Tensor, grid: tuple[int, int]) -> Tensor:
    """Resample a square position table to another grid, exactly as in the training of the network.

    DINOv2 requests bicubic interpolation by a *scale factor* of ``(g + 0.1) / side``. torch then steps through the
    table by the inverse of that factor instead of by ``side / g``, and the values differ by 5 % to 30 % from
    interpolation by size. The checkpoints were trained with this table, so it is kept.

    Args:
        table: ``(1, 1 + side², D)``; the first row belongs to the class token.
        grid: Height and width of the picture in patches.

    Returns:
        ``(1, 1 + height · width, D)``; the row of the class token is unchanged.
    """
    height, width = grid
    side = round((table.shape[1] - 1) ** 0.5)
    if (height, width) == (side, side):
        return table
    class_row, patch_rows = table[:, :1], table[:, 1:]
    patch_map = patch_rows.reshape(1, side, side, -1).permute(0, 3, 1, 2).float()  # (1, D, side, side)
    resized = F.interpolate(
        patch_map,
        scale_factor=((height + GRID_OFFSET) / side, (width + GRID_OFFSET) / side),
        mode="bicubic",
        antialias=False,
    )
    if resized.shape[-2:] != (height, width):
        raise AssertionError(f"position table became {tuple(resized.shape[-2:])}, not {(height, width)}")
    resized = resized.permute(0, 2, 3, 1).reshape(1, height * width, -1).to(table.dtype)
    return torch.cat((class_row, resized), dim=1)
