"""The kernels that put the numbers of a query into the order in which they are multiplied.

``Tile.arranged`` and ``AmxTile.arranged`` are their plain references.
"""

from llvmlite import ir

from model.cpu_kernels import amx_tiles
from model.cpu_kernels.code import I8, I16, I32, I64, POINTER, Loop, Value, element, i64
from model.cpu_kernels.tiles import AmxTile, AnyTile, NumberType, Tile

_FOUR = 4  # channels that stand side by side in a row of a tile
_NUMBERS, _BYTES = ir.VectorType(I16, _FOUR), ir.VectorType(I8, _FOUR)
_FOURS = amx_tiles.ROW_BYTES // _FOUR


def arranging_name(numbers_are: NumberType) -> str:
    """Return the name of the function that arranges a query for candidates in a type of numbers."""
    return f"arrange_{numbers_are}"


def write_arranging(module: ir.Module, tile: AnyTile) -> None:
    """Write the function that arranges a query.

    C declaration::

        void arrange_NUMBER(const int16_t *query, int64_t panels, int64_t channels, int32_t *arranged)

    ``query`` is ``(panels · columns, channels)``; ``arranged`` has as many bytes, in the order of ``arranged`` of the
    tile. ``channels`` is a multiple of the tile's ``channels_together``; both are at least 1.
    """
    signature = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64, POINTER])
    function = ir.Function(module, signature, name=arranging_name(tile.numbers))
    build = ir.IRBuilder(function.append_basic_block("entry"))
    if isinstance(tile, AmxTile):
        _arrange_bytes(build, *function.args)
    else:
        _arrange_pairs(build, tile, *function.args)
    build.ret_void()


def _arrange_pairs(
    build: ir.IRBuilder, tile: Tile, query: Value, panels: Value, channels: Value, arranged: Value
) -> None:
    """Write ``(panels, channels / 2, columns)``."""
    pairs = build.lshr(channels, i64(1))
    with Loop(build, panels, 1, "panel") as panel, Loop(build, i64(tile.columns), 1, "column") as column:
        first = build.mul(panel.index, i64(tile.columns))
        source = element(build, query, build.mul(build.add(first, column.index), pairs))
        target = element(build, arranged, build.add(build.mul(first, pairs), column.index))
        with Loop(build, pairs, 1, "pair") as pair:
            both = build.load(element(build, source, pair.index), typ=I32, align=4)
            build.store(both, element(build, target, build.mul(pair.index, i64(tile.columns))), align=4)


def _arrange_bytes(build: ir.IRBuilder, query: Value, panels: Value, channels: Value, arranged: Value) -> None:
    """Write ``(panels · 2, channels / 64, 2 tiles, 2 bytes, 16 fours of channels, 16 cells)``, the low bytes first."""
    cells, of_tile = amx_tiles.ROWS, amx_tiles.BYTES // 4  # numbers of 32 bits
    steps = build.udiv(channels, i64(amx_tiles.ROW_BYTES))
    halves = build.mul(panels, i64(AmxTile.columns // (2 * cells)))
    with (
        Loop(build, halves, 1, "half") as half,
        Loop(build, i64(2), 1, "tile") as tile,
        Loop(build, i64(cells), 1, "cell") as cell,
        Loop(build, steps, 1, "step") as step,
    ):
        row = build.add(build.mul(build.add(build.shl(half.index, i64(1)), tile.index), i64(cells)), cell.index)
        first = build.add(build.mul(row, channels), build.mul(step.index, i64(amx_tiles.ROW_BYTES)))
        source = element(build, query, first, I16)
        number = build.add(build.shl(build.add(build.mul(half.index, steps), step.index), i64(1)), tile.index)
        target = element(build, arranged, build.add(build.mul(number, i64(2 * of_tile)), cell.index))
        with Loop(build, i64(_FOURS), 1, "four") as four:
            place = element(build, source, build.mul(four.index, i64(_FOUR)), I16)
            numbers = build.load(place, typ=_NUMBERS, align=2)
            high = build.lshr(numbers, ir.Constant(_NUMBERS, [8] * _FOUR))
            at = element(build, target, build.mul(four.index, i64(cells)))
            build.store(build.bitcast(build.trunc(numbers, _BYTES), I32), at, align=4)
            build.store(build.bitcast(build.trunc(high, _BYTES), I32), element(build, at, i64(of_tile)), align=4)
