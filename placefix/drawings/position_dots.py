"""Positions as dots, as many as a drawing can show, each with the number of pictures around it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_CELLS = 200
"""Number of cells along the longer side of the drawing; a dot is about as wide as a cell."""

_AROUND_M = 25.0
_LEAST_REACH_CELLS, _MOST_REACH_CELLS = 1.5, 12.0


@dataclass(frozen=True)
class PositionDots:
    """Hold dots that represent positions.

    Attributes:
        east_m: Metres east of each dot ``(k,)``: the mean of its positions.
        north_m: Metres north of each dot ``(k,)``: the mean of its positions.
        around: Number of pictures within ``reach_m`` of each dot ``(k,)``, counted by cells.
        reach_m: Radius of the count: 25 m, within 1.5 to 12 cells.
        cell_m: Side of the squares whose positions share a dot.
    """

    east_m: NDArray[np.float64]
    north_m: NDArray[np.float64]
    around: NDArray[np.int64]
    reach_m: float
    cell_m: float


def gather_dots(east_m: NDArray[np.float64], north_m: NDArray[np.float64]) -> PositionDots:
    """Join positions that are too near each other to be drawn apart.

    Args:
        east_m: Metres from the left edge ``(n,)``, n at least 1.
        north_m: Metres from the lower edge ``(n,)``.
    """
    cell_m = max(float(east_m.max()), float(north_m.max()), 1.0) / MOST_CELLS
    columns, rows = (east_m / cell_m).astype(np.int64), (north_m / cell_m).astype(np.int64)
    shape = (int(rows.max()) + 1, int(columns.max()) + 1)
    cells = rows * shape[1] + columns
    counts = np.bincount(cells, minlength=shape[0] * shape[1])
    occupied = np.flatnonzero(counts)
    reach_cells = min(max(_AROUND_M / cell_m, _LEAST_REACH_CELLS), _MOST_REACH_CELLS)
    return PositionDots(
        east_m=np.bincount(cells, east_m)[occupied] / counts[occupied],
        north_m=np.bincount(cells, north_m)[occupied] / counts[occupied],
        around=_sum_around(counts.reshape(shape), reach_cells).ravel()[occupied],
        reach_m=reach_cells * cell_m,
        cell_m=cell_m,
    )


def _sum_around(counts: NDArray[np.int64], reach_cells: float) -> NDArray[np.int64]:
    """Return for each cell the sum over all cells whose centres are within reach."""
    margin = int(reach_cells)
    padded, result = np.pad(counts, margin), np.zeros_like(counts)
    height, width = counts.shape
    for down in range(-margin, margin + 1):
        for right in range(-margin, margin + 1):
            if down**2 + right**2 <= reach_cells**2:
                top, left = margin + down, margin + right
                result += padded[top : top + height, left : left + width]
    return result
