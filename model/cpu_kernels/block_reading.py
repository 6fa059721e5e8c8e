"""The kernel that reads the codes of blocks of local features.

A thread takes as many blocks of a picture as a tile is high. It looks up the entries that their bytes name, adds up the
axes, each times its entry, and turns the sums of each cell into codes whose largest is 127.
``place_map.block_codes.BlockCodes.decode_plainly`` is its plain reference, and computes the same codes.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from llvmlite import ir

from model.cpu_kernels.code import (
    FLOAT,
    I8,
    I16,
    I32,
    I64,
    POINTER,
    Loop,
    Value,
    declared,
    element,
    i32,
    i64,
    in_all_lanes,
    moved,
)
from model.cpu_kernels.compiled import compiled, host_tile
from model.cpu_kernels.pair_products import multiply_pairs
from model.cpu_kernels.task import Task
from model.cpu_kernels.tiles import Tile

READ_BLOCKS_NAME = "read_blocks"
FIELDS = (
    *("pictures", "blocks", "width", "axes_count", "cells_of_block", "channels", "cells", "stored", "entries"),
    *("byte_of_axis", "axes", "cell_of_place", "codes", "memory", "memory_bytes", "threads", "taken"),
)

LARGEST_CODE = 127
LANES = 16
"""Numbers per step; channels are a multiple of it."""

_ENTRIES = 256
_WHOLE, _FLOATS, _BYTES = (ir.VectorType(kind, LANES) for kind in (I32, FLOAT, I8))


@dataclass(frozen=True)
class BlockReading:
    """Hold the kernel.

    Attributes:
        tile: The tile of its sums.
        read_blocks: The address of the function.
        engine: Owns the machine code.
    """

    tile: Tile
    read_blocks: int
    engine: Any


def host_block_reading() -> BlockReading | None:
    """Return the kernel for this processor; None if there is no tile for it."""
    tile = host_tile()
    return None if tile is None else block_reading_for(tile)


@cache
def block_reading_for(tile: Tile) -> BlockReading:
    """Make the kernel in a tenth of a second, or return the earlier one."""
    module = ir.Module(name="placefix_blocks")
    BlockReadingKernel(module, tile)
    engine = compiled(str(module))
    return BlockReading(tile, engine.get_function_address(READ_BLOCKS_NAME), engine)


def memory_bytes(tile: Tile, axes_count: int, numbers_of_block: int) -> int:
    """Return the memory that a thread needs, in bytes."""
    return tile.rows * (4 * numbers_of_block + 2 * axes_count)


class BlockReadingKernel:
    """Write the function ``read_blocks`` into a module.

    C declaration::

        void read_blocks(void *task)          // eight bytes for each of:
            int64_t pictures;                 // at least 1
            int64_t blocks;                   // of a picture, at least the rows of the tile
            int64_t width;                    // bytes of a block
            int64_t axes_count;               // a multiple of 4, at least 4
            int64_t cells_of_block, channels; // channels: a multiple of 16; the product: of the columns of the tile
            int64_t cells;                    // of a picture
            const uint8_t *stored;            // (pictures, blocks, width)
            const int16_t *entries;           // (axes_count, 256)
            const int32_t *byte_of_axis;      // (axes_count)
            const int16_t *axes;              // as ``Tile.arranged`` arranges (cells_of_block · channels, axes_count)
            const int32_t *cell_of_place;     // (blocks, cells_of_block); -1 for a place that only fills up
            int8_t *codes;                    // (pictures, cells, channels)
            char *memory;                     // (threads, memory_bytes), each at a multiple of 64
            int64_t memory_bytes;             // see ``memory_bytes``
            int64_t threads, taken;           // 0 before the first call; all threads share them

    Sums must stay below 2²⁴, which float32 holds exactly.
    """

    def __init__(self, module: ir.Module, tile: Tile) -> None:
        self._tile = tile
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), name=READ_BLOCKS_NAME)
        build = self._build = ir.IRBuilder(function.append_basic_block("entry"))
        task = self._task = Task(build, function.args[0], FIELDS)
        blocks, self._axes_count, self._cells_of_block, self._channels = (
            task.number(name) for name in ("blocks", "axes_count", "cells_of_block", "channels")
        )
        self._numbers = build.mul(self._cells_of_block, self._channels)
        of_thread = build.mul(task.next_of("threads"), task.number("memory_bytes"))
        self._sums = moved(build, task.pointer("memory"), of_thread)
        self._named = moved(build, self._sums, build.mul(self._numbers, i64(4 * tile.rows)))
        groups = build.udiv(build.add(blocks, i64(tile.rows - 1)), i64(tile.rows))
        last = build.sub(blocks, i64(tile.rows))
        with task.items("taken", build.mul(task.number("pictures"), groups)) as item:
            picture, wanted = build.udiv(item, groups), build.mul(build.urem(item, groups), i64(tile.rows))
            # The last blocks end with the last of the picture; some are read twice, to the same codes.
            first = build.select(build.icmp_signed("<", wanted, last), wanted, last)
            self._look_up(build.add(build.mul(picture, blocks), first))
            self._add_up()
            self._write(picture, first)
        build.ret_void()

    def _look_up(self, first: Value) -> None:
        """Copy the entries that the bytes of the blocks name, ``(rows, axes_count)`` int16."""
        build, task = self._build, self._task
        width, entries, byte_of_axis = task.number("width"), task.pointer("entries"), task.pointer("byte_of_axis")
        stored = moved(build, task.pointer("stored"), build.mul(first, width))
        with (
            Loop(build, i64(self._tile.rows), 1, "row") as row,
            Loop(build, self._axes_count, 1, "axis") as axis,
        ):
            number = build.zext(build.load(element(build, byte_of_axis, axis.index), typ=I32, align=4), I64)
            byte = build.load(moved(build, stored, build.add(build.mul(row.index, width), number)), typ=I8, align=1)
            entry = build.add(build.mul(axis.index, i64(_ENTRIES)), build.zext(byte, I64))
            place = build.add(build.mul(row.index, self._axes_count), axis.index)
            named = build.load(element(build, entries, entry, I16), typ=I16, align=2)
            build.store(named, element(build, self._named, place, I16), align=2)

    def _add_up(self) -> None:
        """Store the sums of the axes times their entries, ``(rows, numbers of a block)``."""
        build, tile = self._build, self._tile
        row_bytes = build.shl(self._axes_count, i64(1))
        rows = [moved(build, self._named, build.mul(row_bytes, i64(number))) for number in range(tile.rows)]
        panel_bytes = build.mul(row_bytes, i64(tile.columns))
        with Loop(build, build.udiv(self._numbers, i64(tile.columns)), 1, "panel") as panel:
            columns = moved(build, self._task.pointer("axes"), build.mul(panel.index, panel_bytes))
            sums = multiply_pairs(build, tile, rows, columns, self._axes_count)
            first = build.mul(panel.index, i64(tile.columns))
            for number, vectors in enumerate(sums):
                row = build.add(build.mul(self._numbers, i64(number)), first)
                for vector, of_vector in enumerate(vectors):
                    place = element(build, self._sums, build.add(row, i64(vector * tile.lanes)))
                    build.store(of_vector, place, align=4)

    def _write(self, picture: Value, first: Value) -> None:
        """Write the codes of all cells of the blocks."""
        build, task = self._build, self._task
        of_picture = build.mul(picture, build.mul(task.number("cells"), self._channels))
        codes, cell_of_place = moved(build, task.pointer("codes"), of_picture), task.pointer("cell_of_place")
        first_place = build.mul(first, self._cells_of_block)
        places = build.mul(self._cells_of_block, i64(self._tile.rows))
        with Loop(build, places, 1, "place") as place:
            at = element(build, cell_of_place, build.add(first_place, place.index))
            cell = build.load(at, typ=I32, align=4)
            with build.if_then(build.icmp_signed(">=", cell, i32(0))):
                sums = element(build, self._sums, build.mul(place.index, self._channels))
                self._write_cell(sums, moved(build, codes, build.mul(build.zext(cell, I64), self._channels)))

    def _write_cell(self, sums: Value, codes: Value) -> None:
        """Write the codes of a cell; the largest becomes 127."""
        build = self._build
        maximum = declared(build.module, f"llvm.smax.v{LANES}i32", _WHOLE, [_WHOLE, _WHOLE])
        largest_of = declared(build.module, f"llvm.vector.reduce.smax.v{LANES}i32", I32, [_WHOLE])
        nearest = declared(build.module, f"llvm.roundeven.v{LANES}f32", _FLOATS, [_FLOATS])
        ones, zeros = (ir.Constant(_WHOLE, [number] * LANES) for number in (1, 0))

        def sums_at(channel: Value) -> Value:
            return build.load(element(build, sums, channel), typ=_WHOLE, align=4)

        with Loop(build, self._channels, LANES, "largest", start=[ones]) as channel:
            here = sums_at(channel.index)
            absolute = build.call(maximum, [here, build.sub(zeros, here)])
            largest = build.call(maximum, [channel.carried[0], absolute])
            channel.carry([largest])
        most = in_all_lanes(build, build.sitofp(build.call(largest_of, [largest]), FLOAT), LANES)
        factor = ir.Constant(_FLOATS, [float(LARGEST_CODE)] * LANES)
        with Loop(build, self._channels, LANES, "code") as channel:
            shares = build.fdiv(build.sitofp(sums_at(channel.index), _FLOATS), most)
            rounded = build.call(nearest, [build.fmul(shares, factor)])
            place = moved(build, codes, channel.index)
            build.store(build.trunc(build.fptosi(rounded, _WHOLE), _BYTES), place, align=1)
