"""Products of rows and columns of 16-bit numbers, a tile of sums in registers."""

from llvmlite import ir

from model.cpu_kernels.code import I16, I32, Loop, Value, declared, element, i64, in_all_lanes, moved
from model.cpu_kernels.tiles import Tile

PAIRS_TOGETHER = 2  # pairs of numbers in one iteration


def multiply_pairs(
    build: ir.IRBuilder, tile: Tile, rows: list[Value], columns: Value, count: Value
) -> list[list[Value]]:
    """Write the sums of products of some rows with the columns of a panel.

    Args:
        build: The builder of the function.
        tile: The tile of the sums.
        rows: The address of each row, ``(count,)`` int16.
        columns: The address of the panel, ``(count / 2, columns of the tile, 2)`` int16.
        count: The numbers of a row, 64 bits, a multiple of 4 and at least 4.

    Returns:
        The sums, ``[row][vector]``, 32 bits.
    """
    vector, pairs = ir.VectorType(I32, tile.lanes), ir.VectorType(I16, 2 * tile.lanes)  # the same register
    multiply_add = declared(build.module, tile.multiply_add, vector, [pairs, pairs])
    zero = ir.Constant(vector, [0] * tile.lanes)
    start = [zero] * (tile.rows * tile.vectors)
    with Loop(build, build.lshr(count, i64(1)), PAIRS_TOGETHER, "pair", start=start) as pair:
        sums = [pair.carried[number * tile.vectors : (number + 1) * tile.vectors] for number in range(tile.rows)]
        for step in range(PAIRS_TOGETHER):
            here = build.add(pair.index, i64(step))
            at_columns = moved(build, columns, build.mul(here, i64(4 * tile.columns)))
            loaded = [
                build.load(moved(build, at_columns, i64(4 * tile.lanes * number)), typ=pairs, align=4 * tile.lanes)
                for number in range(tile.vectors)
            ]
            for number, row in enumerate(rows):
                both = build.load(element(build, row, here), typ=I32, align=4)
                everywhere = build.bitcast(in_all_lanes(build, both, tile.lanes), pairs)
                sums[number] = [
                    build.add(so_far, build.call(multiply_add, [column, everywhere]))
                    for so_far, column in zip(sums[number], loaded, strict=True)
                ]
        pair.carry([each for row in sums for each in row])
    return sums
