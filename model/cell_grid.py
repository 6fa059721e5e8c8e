"""The places of the cells of a feature map in the picture."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class CellGrid:
    """Lay a feature map over a picture that is cut into patches.

    Each patch has a cell in its centre; a finer map has further cells only between these centres. With 61 cells in a
    row over 16 patches, the first cell is in the centre of the first patch, the last in the centre of the last one, and
    three are between any two. (An up-convolution of stride 2 and padding 1 keeps the first and the last place.)

    Attributes:
        cells: Rows and columns of the map.
        patches: Rows and columns of patches.
    """

    cells: tuple[int, int]
    patches: tuple[int, int]

    @property
    def covers_patches(self) -> bool:
        """Return whether each patch has a cell: cells of a coarser map lie elsewhere, and have no known place."""
        return self.cells[0] >= self.patches[0] and self.cells[1] >= self.patches[1]

    @property
    def columns_x(self) -> NDArray[np.float64]:
        """Return the centres of the columns of cells, ``(columns,)``: fractions of the picture's width."""
        return _centres(self.cells[1], self.patches[1])

    @property
    def rows_y(self) -> NDArray[np.float64]:
        """Return the centres of the rows of cells, ``(rows,)``: fractions of the picture's height."""
        return _centres(self.cells[0], self.patches[0])

    def centres(self) -> NDArray[np.float64]:
        """Return the centres of cells in row-major order, ``(N, 2)``: fractions of the picture's width and height."""
        y, x = np.meshgrid(self.rows_y, self.columns_x, indexing="ij")
        return np.stack((x.ravel(), y.ravel()), axis=1)

    def spread(self, values: Tensor, width: int, height: int) -> NDArray[np.float32]:
        """Return a value for each pixel of a picture, bilinear between the centres of cells and constant outside of
        them.

        Args:
            values: ``(rows, columns)``, one for each cell.
            width: The width of the picture in pixels.
            height: The height of the picture in pixels.

        Returns:
            ``(height, width)``.
        """
        (rows, columns), (patch_rows, patch_columns) = self.cells, self.patches
        y, x = torch.meshgrid(
            _sampling(height, rows, patch_rows), _sampling(width, columns, patch_columns), indexing="ij"
        )
        spread = F.grid_sample(
            values.float().cpu()[None, None],
            torch.stack((x, y), dim=-1)[None],
            mode="bilinear",
            padding_mode="border",
            align_corners=True,
        )
        return np.asarray(spread[0, 0].numpy(), dtype=np.float32)


def _cells_per_patch(cells: int, patches: int) -> float:
    return (cells - 1) / (patches - 1) if patches > 1 else 1.0


def _centres(cells: int, patches: int) -> NDArray[np.float64]:
    return (np.arange(cells) / _cells_per_patch(cells, patches) + 0.5) / patches


def _sampling(pixels: int, cells: int, patches: int) -> Tensor:
    """Return the centre of each pixel among the cells: -1 at the first, 1 at the last, in torch's convention."""
    fraction = (torch.arange(pixels, dtype=torch.float32) + 0.5) / pixels
    cell = (fraction * patches - 0.5) * _cells_per_patch(cells, patches)
    return 2 * cell / (cells - 1) - 1 if cells > 1 else torch.zeros(pixels)
