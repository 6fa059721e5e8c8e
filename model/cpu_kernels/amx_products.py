"""Products of two tiles of rows and two tiles of columns, in four tiles of sums."""

from collections.abc import Callable
from typing import Final

from llvmlite import ir

from model.cpu_kernels import amx_tiles
from model.cpu_kernels.amx_tiles import TileCode
from model.cpu_kernels.code import Loop, Value, i64, moved

ROWS, COLUMNS, STEP_BYTES = 2 * amx_tiles.ROWS, 32, amx_tiles.ROW_BYTES
"""The rows and columns of the sums, and the bytes of a row that a step multiplies."""

SUMS: Final = ((0, 1), (2, 3))
"""The tiles of the sums, ``[rows][columns]``."""

_LEFT, _RIGHT = (4, 5), (6, 7)


def multiply_rows(
    build: ir.IRBuilder,
    tiles: TileCode,
    rows: Value,
    stride_bytes: Value,
    columns: Value,
    row_bytes: Value,
    multiply: Callable[[int, int, int], None],
) -> None:
    """Write the sums of products of 32 rows and 32 columns; they are in the tiles of ``SUMS`` then.

    Args:
        build: The builder of the function.
        tiles: The tiles.
        rows: The address of the first row.
        stride_bytes: The distance between two rows.
        columns: The address of the columns, ``(row_bytes / 64, 2 tiles, 16, 64)`` bytes.
        row_bytes: The bytes of a row that are multiplied, a multiple of 64 and at least 64.
        multiply: Writes the product of two tiles, with the numbers of the sums, the left and the right tile.
    """
    for tile in (*SUMS[0], *SUMS[1]):
        tiles.zero(tile)
    lower = moved(build, rows, build.mul(stride_bytes, i64(amx_tiles.ROWS)))
    with Loop(build, row_bytes, STEP_BYTES, "inner") as inner:
        place = moved(build, columns, build.mul(inner.index, i64(COLUMNS)))
        tiles.load(_LEFT[0], moved(build, rows, inner.index), stride_bytes)
        for number, tile in enumerate(_RIGHT):
            tiles.load(tile, moved(build, place, i64(number * amx_tiles.BYTES)), i64(amx_tiles.ROW_BYTES))
            multiply(SUMS[0][number], _LEFT[0], tile)
        tiles.load(_LEFT[1], moved(build, lower, inner.index), stride_bytes)
        for number, tile in enumerate(_RIGHT):
            multiply(SUMS[1][number], _LEFT[1], tile)
