"""The pictures of a map in square cells of any size in any box: sorted once, then found without sorting.

Positions use the projection of web maps (Mercator on the sphere, the world as a square of side 1), and are sorted along
the Z-order curve. The pictures of a cell with a side of any power of two are then consecutive.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.errors import InvalidInput

FINEST_LEVEL = 30  # 2^30 cells along each side of the world: 4 cm at the equator
_EDGE_LATITUDE = 85.0511287798066  # the edge of the square; positions beyond it are in its outermost cells

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Box:
    """Describe a box of positions, in WGS84 degrees.

    Attributes:
        west: Longitude in [-180, 180]; more than ``east`` if the box crosses the date line.
        south: Latitude in [-90, 90].
        east: Longitude in [-180, 180].
        north: Latitude in [-90, 90], not less than ``south``.

    Raises:
        InvalidInput: A number is out of its range, or ``south`` is more than ``north``.
    """

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        if not (-180 <= self.west <= 180 and -180 <= self.east <= 180):
            raise InvalidInput(f"west and east are {self.west:g} and {self.east:g}: give degrees in [-180, 180]")
        if not -90 <= self.south <= self.north <= 90:
            raise InvalidInput(
                f"south and north are {self.south:g} and {self.north:g}: give degrees in [-90, 90], the south first"
            )


WORLD = Box(-180, -90, 180, 90)


@dataclass(frozen=True, slots=True)
class Cells:
    """Hold ``n`` pictures in ``m`` cells.

    Attributes:
        rows: ``(n,)`` the rows of the pictures, cell after cell.
        starts: ``(m,)`` the start of each cell in ``rows``.
        counts: ``(m,)`` the number of pictures in each cell.
        latitudes: ``(m,)`` the mean latitude of each cell, in degrees.
        longitudes: ``(m,)`` the mean longitude of each cell, in degrees.
        boxes: ``(m, 4)`` west, south, east and north of the pictures of each cell.
    """

    rows: Rows
    starts: Rows
    counts: Rows
    latitudes: NDArray[np.float64]
    longitudes: NDArray[np.float64]
    boxes: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.starts)

    def cell_of_row(self, rows: int) -> Rows:
        """Return the number of the cell of each row of a table, -1 for a row in no cell.

        Args:
            rows: The number of rows of the table.
        """
        cells = np.full(rows, -1, dtype=np.int64)
        cells[self.rows] = np.repeat(np.arange(len(self)), self.counts)
        return cells


class PlaceCells:
    """Hold the pictures of a version along the Z-order curve; about 32 bytes per picture."""

    def __init__(self, latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> None:
        """Sort the pictures.

        Args:
            latitudes: ``(n,)`` degrees.
            longitudes: ``(n,)`` degrees.
        """
        codes = _codes(latitudes, longitudes)
        self._rows = np.argsort(codes, kind="stable")
        self._codes = codes[self._rows]
        self._latitudes, self._longitudes = latitudes[self._rows], longitudes[self._rows]

    def find(self, box: Box, level: int, most: int) -> Cells:
        """Put the pictures of a box into cells.

        Args:
            box: The box; pictures on its edge are in it.
            level: The fineness: a side of the world has ``2 ** level`` cells; above ``FINEST_LEVEL`` each picture has
                its own cell.
            most: The greatest number of cells, at least 1; the level is reduced until there are no more.
        """
        chosen = self._inside(box)
        codes = self._codes[chosen]
        starts = _starts(codes, level, most)
        latitudes, longitudes = self._latitudes[chosen], self._longitudes[chosen]
        counts = np.diff(starts, append=len(chosen))
        if len(chosen) == 0:
            return Cells(chosen, starts, counts, latitudes, longitudes, np.empty((0, 4)))
        edges = (
            np.minimum.reduceat(longitudes, starts),
            np.minimum.reduceat(latitudes, starts),
            np.maximum.reduceat(longitudes, starts),
            np.maximum.reduceat(latitudes, starts),
        )
        return Cells(
            rows=self._rows[chosen],
            starts=starts,
            counts=counts,
            latitudes=np.add.reduceat(latitudes, starts) / counts,
            longitudes=np.add.reduceat(longitudes, starts) / counts,
            boxes=np.stack(edges, axis=1),
        )

    def _inside(self, box: Box) -> Rows:
        """Return the indices along the curve of the pictures of a box, ascending."""
        if box == WORLD:
            return np.arange(len(self._codes))
        inside = (self._latitudes >= box.south) & (self._latitudes <= box.north)
        after_west, before_east = self._longitudes >= box.west, self._longitudes <= box.east
        inside &= (after_west & before_east) if box.west <= box.east else (after_west | before_east)
        return np.flatnonzero(inside)


def _starts(codes: NDArray[np.uint64], level: int, most: int) -> Rows:
    """Return the starts of cells in sorted codes, at the finest level that is allowed and has not too many cells."""
    if len(codes) == 0:
        return np.empty(0, dtype=np.int64)
    if level > FINEST_LEVEL and len(codes) <= most:
        return np.arange(len(codes))
    differences = codes[1:] ^ codes[:-1]
    coarsest, finest = 0, min(level, FINEST_LEVEL)  # the coarsest level has one cell
    while coarsest < finest:
        middle = (coarsest + finest + 1) // 2
        if 1 + np.count_nonzero(differences >> _shift(middle)) <= most:
            coarsest = middle
        else:
            finest = middle - 1
    return np.concatenate(([0], 1 + np.flatnonzero(differences >> _shift(coarsest))))


def _shift(level: int) -> np.uint64:
    return np.uint64(2 * (FINEST_LEVEL - level))


def _codes(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return the places along the Z-order curve, ``(n,)``; the higher bit of each pair belongs to the latitude."""
    sines = np.sin(np.radians(np.clip(latitudes, -_EDGE_LATITUDE, _EDGE_LATITUDE)))
    east = (longitudes + 180) / 360
    south = 0.5 - np.arctanh(sines) / (2 * np.pi)
    return _spread(_whole(east)) | (_spread(_whole(south)) << np.uint64(1))


def _whole(part: NDArray[np.float64]) -> NDArray[np.uint64]:
    side = 2**FINEST_LEVEL
    return np.asarray(np.clip(part * side, 0, side - 1).astype(np.uint64))


def _spread(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Insert a 0 before each of 32 bits."""
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        values = (values | (values << np.uint64(shift))) & np.uint64(mask)
    return values
