"""The kernel that reads the codes of blocks of local features.

A thread takes some blocks. It looks up the entries that their bytes name. Then it adds up the axes of one cell of all
these blocks, each times its entry, and turns the sums into codes whose largest is 127; then those of the next cell. So
the axes of a cell stay in the cache. ``place_map.block_codes.BlockCodes.decode_plainly`` is the plain reference, and
computes the same codes.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from llvmlite import ir
from numpy.typing import NDArray
from torch import Tensor

from model.cpu_kernels import amx_products, amx_tiles
from model.cpu_kernels.amx_products import SUMS, multiply_rows
from model.cpu_kernels.amx_tiles import PlainTiles, ProcessorTiles, TileCode
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
from model.cpu_kernels.compiled import compiled, host_amx_tile, host_tile
from model.cpu_kernels.pair_products import multiply_pairs
from model.cpu_kernels.task import Task
from model.cpu_kernels.tiles import AmxTile, AnyTile, Tile

READ_BLOCKS_NAME = "read_blocks"
FIELDS = (
    *("blocks", "blocks_of_picture", "width", "axes_count", "cells_of_block", "channels", "cells", "stored"),
    *("widths", "entries", "axes", "cell_of_place", "codes", "memory", "memory_bytes", "threads", "taken"),
)

LARGEST_CODE = 127
LANES = 16
"""Channels per step; a feature has at least as many."""

ENTRIES = 256
COPIED = 8
"""Entries that are copied at once, even if a byte names fewer."""

_BLOCKS_TOGETHER = 128  # about; their entries and the axes of a cell fit into the L2 cache
_LINE_BYTES = 64
_FLOATS, _WHOLE, _BYTES = (ir.VectorType(kind, LANES) for kind in (FLOAT, I32, I8))
_COPIED = ir.VectorType(I16, COPIED)


@dataclass(frozen=True)
class BlockReading:
    """Hold the kernel.

    Attributes:
        tile: The tile of its sums.
        read_blocks: The address of the function.
        engine: Owns the machine code.
    """

    tile: AnyTile
    read_blocks: int
    engine: Any

    @property
    def axes_together(self) -> int:
        """Return the number of which the number of axes is a multiple."""
        return amx_products.STEP_BYTES // 2 if isinstance(self.tile, AmxTile) else 4

    def arranged(self, axes: NDArray[np.int16], cells: int) -> Tensor:
        """Return axes in the order in which the kernel reads them.

        Args:
            axes: ``(K, cells · C)``; K is a multiple of ``axes_together``.
            cells: The cells of a block.

        Returns:
            ``(cells, panels, …)``; int16 as ``Tile.arranged`` arranges the channels of a cell, or bfloat16 as
            ``multiply_rows`` wants them. Zeros fill up the last panel of a cell.
        """
        columns = _columns(self.tile)
        of_cells = axes.reshape(len(axes), cells, -1)
        filled = np.pad(of_cells, ((0, 0), (0, 0), (0, -of_cells.shape[2] % columns)))
        if isinstance(self.tile, Tile):
            rows = np.ascontiguousarray(filled.transpose(1, 2, 0)).reshape(-1, len(axes))
            # A copy in torch's memory, which begins where a line of the cache begins.
            return torch.from_numpy(self.tile.arranged(rows)).clone(memory_format=torch.contiguous_format)
        parts = filled.reshape(-1, 16, 2, cells, filled.shape[2] // columns, 2, 16)
        return torch.from_numpy(parts).permute(3, 4, 0, 5, 1, 6, 2).contiguous().bfloat16()

    def named(self, entries: NDArray[np.int16]) -> Tensor:
        """Return entries in the type of the products."""
        numbers = torch.from_numpy(entries)
        return numbers.bfloat16() if isinstance(self.tile, AmxTile) else numbers

    def is_exact_for(self, numbers: NDArray[np.int16]) -> bool:
        """Return whether the type of the products represents some axes or entries exactly."""
        return bool((self.named(numbers).to(torch.int16).numpy() == numbers).all())

    def memory_bytes(self, axes_count: int, channels: int) -> int:
        """Return the memory that a thread needs, in bytes, a multiple of 64."""
        columns = _columns(self.tile)
        sums = 4 * _rows(self.tile) * (channels + -channels % columns)
        return _blocks_together(self.tile) * _row_bytes(axes_count) + sums + -sums % _LINE_BYTES


def host_block_readings() -> list[BlockReading]:
    """Return the kernels for this processor, the best one first."""
    return [block_reading_for(tile) for tile in (host_amx_tile(), host_tile()) if tile is not None]


@cache
def block_reading_for(tile: AnyTile) -> BlockReading:
    """Make the kernel in a tenth of a second, or return the earlier one."""
    module = ir.Module(name="placefix_blocks")
    BlockReadingKernel(module, tile)
    engine = compiled(str(module))
    return BlockReading(tile, engine.get_function_address(READ_BLOCKS_NAME), engine)


class BlockReadingKernel:
    """Write the function ``read_blocks`` into a module.

    C declaration::

        void read_blocks(void *task)        // eight bytes for each of:
            int64_t blocks;                 // of all pictures, at least 1
            int64_t blocks_of_picture;
            int64_t width;                  // bytes of a block
            int64_t axes_count;             // a multiple of ``axes_together``, at least 1 of them
            int64_t cells_of_block;
            int64_t channels;               // at least 16
            int64_t cells;                  // of a picture
            const uint8_t *stored;          // (blocks, width)
            const int64_t *widths;          // (width), the axes of each byte; their sum is axes_count
            const int16_t *entries;         // for each byte (256, its axes), or bfloat16; 16 bytes more are read
            const int16_t *axes;            // as ``BlockReading.arranged`` arranges them
            const int32_t *cell_of_place;   // (blocks_of_picture, cells_of_block); -1 for a place that only fills up
            int8_t *codes;                  // (pictures, cells, channels)
            char *memory;                   // (threads, memory_bytes), each at a multiple of 64
            int64_t memory_bytes;           // see ``BlockReading.memory_bytes``
            int64_t threads, taken;         // 0 before the first call; all threads share them

    Sums must stay below 2²⁴, which float32 holds exactly.
    """

    def __init__(self, module: ir.Module, tile: AnyTile) -> None:
        self._tile = tile
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), name=READ_BLOCKS_NAME)
        build = self._build = ir.IRBuilder(function.append_basic_block("entry"))
        task = self._task = Task(build, function.args[0], FIELDS)
        self._tiles: TileCode | None = None
        if isinstance(tile, AmxTile):
            self._tiles = PlainTiles(build) if tile.is_plain else ProcessorTiles(build)
            self._tiles.configure()
        blocks, self._axes_count, self._channels = (task.number(name) for name in ("blocks", "axes_count", "channels"))
        columns, together = i64(_columns(tile)), i64(_blocks_together(tile))
        self._panels = build.udiv(build.add(self._channels, build.sub(columns, i64(1))), columns)
        self._sums_row = build.mul(self._panels, columns)
        lines = build.add(build.udiv(self._axes_count, i64(_LINE_BYTES // 2)), i64(2))
        self._row_bytes = build.mul(build.or_(lines, i64(1)), i64(_LINE_BYTES))
        of_thread = build.mul(task.next_of("threads"), task.number("memory_bytes"))
        self._named = moved(build, task.pointer("memory"), of_thread)
        self._sums = moved(build, self._named, build.mul(self._row_bytes, together))
        with task.items("taken", build.udiv(build.add(blocks, build.sub(together, i64(1))), together)) as item:
            first = build.mul(item, together)
            left = build.sub(blocks, first)
            count = build.select(build.icmp_signed("<", left, together), left, together)
            self._look_up(first, count)
            self._read(first, count)
        if self._tiles is not None:
            self._tiles.release()
        build.ret_void()

    def _look_up(self, first: Value, count: Value) -> None:
        """Copy the entries that the bytes of some blocks name, ``(count, axes_count)``.

        A copy may write too many entries: those of the next byte overwrite them.
        """
        build, task = self._build, self._task
        width, widths, entries = task.number("width"), task.pointer("widths"), task.pointer("entries")
        stored = moved(build, task.pointer("stored"), build.mul(first, width))
        with Loop(build, width, 1, "byte", start=[i64(0)]) as byte:
            first_axis = byte.carried[0]
            axes = build.load(element(build, widths, byte.index, I64), typ=I64, align=8)
            of_byte = element(build, entries, build.mul(first_axis, i64(ENTRIES)), I16)
            names = moved(build, stored, byte.index)
            with Loop(build, axes, COPIED, "axes") as axis:
                source = element(build, of_byte, axis.index, I16)
                target = element(build, self._named, build.add(first_axis, axis.index), I16)
                with Loop(build, count, 1, "block") as block:
                    name = build.load(moved(build, names, build.mul(block.index, width)), typ=I8, align=1)
                    entry = element(build, source, build.mul(build.zext(name, I64), axes), I16)
                    place = moved(build, target, build.mul(block.index, self._row_bytes))
                    build.store(build.load(entry, typ=_COPIED, align=2), place, align=2)
            byte.carry([build.add(first_axis, axes)])

    def _read(self, first: Value, count: Value) -> None:
        """Write the codes of all cells of some blocks."""
        build, task, rows = self._build, self._task, i64(_rows(self._tile))
        of_picture, cells_of_block = task.number("blocks_of_picture"), task.number("cells_of_block")
        picture_bytes = build.mul(task.number("cells"), self._channels)
        first_block = build.urem(first, of_picture)
        picture = moved(build, task.pointer("codes"), build.mul(build.udiv(first, of_picture), picture_bytes))
        axes_bytes = build.mul(self._axes_count, build.shl(self._sums_row, i64(1)))
        with Loop(build, cells_of_block, 1, "place") as place:
            axes = moved(build, task.pointer("axes"), build.mul(place.index, axes_bytes))
            with Loop(build, count, _rows(self._tile), "group", start=[first_block, picture]) as group:
                self._add_up(moved(build, self._named, build.mul(group.index, self._row_bytes)), axes)
                left = build.sub(count, group.index)
                here = build.select(build.icmp_signed("<", left, rows), left, rows)
                with Loop(build, here, 1, "row", start=group.carried) as row:
                    block, codes = row.carried
                    number = build.add(build.mul(block, cells_of_block), place.index)
                    at = element(build, task.pointer("cell_of_place"), number)
                    cell = build.load(at, typ=I32, align=4)
                    with build.if_then(build.icmp_signed(">=", cell, i32(0))):
                        sums = element(build, self._sums, build.mul(row.index, self._sums_row))
                        self._write(sums, moved(build, codes, build.mul(build.zext(cell, I64), self._channels)))
                    next_block = build.add(block, i64(1))
                    is_last = build.icmp_signed("==", next_block, of_picture)
                    next_codes = build.select(is_last, moved(build, codes, picture_bytes), codes)
                    following = [build.select(is_last, i64(0), next_block), next_codes]
                    row.carry(following)
                group.carry(following)

    def _add_up(self, named: Value, axes: Value) -> None:
        """Store the sums of the axes of a cell times the entries of some blocks, ``(rows, sums_row)`` float32."""
        build, columns = self._build, _columns(self._tile)
        panel_bytes = build.mul(self._axes_count, i64(2 * columns))
        with Loop(build, self._panels, 1, "panel") as panel:
            of_panel = moved(build, axes, build.mul(panel.index, panel_bytes))
            target = element(build, self._sums, build.mul(panel.index, i64(columns)))
            if self._tiles is not None:
                self._add_up_tiles(self._tiles, named, of_panel, target)
            else:
                self._add_up_pairs(named, of_panel, target)

    def _add_up_tiles(self, tiles: TileCode, named: Value, axes: Value, target: Value) -> None:
        build = self._build
        row_bytes = build.shl(self._axes_count, i64(1))
        multiply_rows(build, tiles, named, self._row_bytes, axes, row_bytes, tiles.multiply_bfloat16)
        stride = build.shl(self._sums_row, i64(2))
        for row, of_row in enumerate(SUMS):
            for column, sums in enumerate(of_row):
                line = moved(build, target, build.mul(stride, i64(row * amx_tiles.ROWS)))
                tiles.store(sums, moved(build, line, i64(column * amx_tiles.ROW_BYTES)), stride)

    def _add_up_pairs(self, named: Value, axes: Value, target: Value) -> None:
        build, tile = self._build, self._tile
        assert isinstance(tile, Tile)  # noqa: S101  (the other one has tiles)
        rows = [moved(build, named, build.mul(self._row_bytes, i64(number))) for number in range(tile.rows)]
        floats = ir.VectorType(FLOAT, tile.lanes)
        for number, vectors in enumerate(multiply_pairs(build, tile, rows, axes, self._axes_count)):
            line = element(build, target, build.mul(self._sums_row, i64(number)))
            for vector, sums in enumerate(vectors):
                place = element(build, line, i64(vector * tile.lanes))
                build.store(build.sitofp(sums, floats), place, align=4)

    def _write(self, sums: Value, codes: Value) -> None:
        """Write the codes of a cell; the largest becomes 127."""
        build, module = self._build, self._build.module
        absolute = declared(module, f"llvm.fabs.v{LANES}f32", _FLOATS, [_FLOATS])
        maximum = declared(module, f"llvm.maxnum.v{LANES}f32", _FLOATS, [_FLOATS, _FLOATS])
        largest_of = declared(module, f"llvm.vector.reduce.fmax.v{LANES}f32", FLOAT, [_FLOATS])
        nearest = declared(module, f"llvm.roundeven.v{LANES}f32", _FLOATS, [_FLOATS])
        last = build.sub(self._channels, i64(LANES))

        def here(channel: Value) -> Value:
            """Return the first channel of a step; the last step ends with the last channel."""
            return build.select(build.icmp_signed("<", channel, last), channel, last)

        def sums_at(channel: Value) -> Value:
            return build.load(element(build, sums, channel), typ=_FLOATS, align=4)

        ones = ir.Constant(_FLOATS, [1.0] * LANES)
        with Loop(build, self._channels, LANES, "largest", start=[ones]) as channel:
            size = build.call(absolute, [sums_at(here(channel.index))])
            largest = build.call(maximum, [channel.carried[0], size])
            channel.carry([largest])
        factor = build.fdiv(ir.Constant(FLOAT, float(LARGEST_CODE)), build.call(largest_of, [largest]))
        factors = in_all_lanes(build, factor, LANES)
        with Loop(build, self._channels, LANES, "code") as channel:
            start = here(channel.index)
            rounded = build.call(nearest, [build.fmul(sums_at(start), factors)])
            build.store(build.trunc(build.fptosi(rounded, _WHOLE), _BYTES), moved(build, codes, start), align=1)


def _rows(tile: AnyTile) -> int:
    """Return the blocks whose sums are added up at once."""
    return amx_products.ROWS if isinstance(tile, AmxTile) else tile.rows


def _columns(tile: AnyTile) -> int:
    """Return the channels whose sums are added up at once."""
    return amx_products.COLUMNS if isinstance(tile, AmxTile) else tile.columns


def _blocks_together(tile: AnyTile) -> int:
    return _BLOCKS_TOGETHER // _rows(tile) * _rows(tile)


def _row_bytes(axes_count: int) -> int:
    """Return the distance between the entries of two blocks, as ``BlockReadingKernel`` computes it.

    The last copy of a block has room behind its entries. An odd number of lines gives blocks other places in the cache.
    """
    return ((2 * axes_count // _LINE_BYTES + 2) | 1) * _LINE_BYTES
