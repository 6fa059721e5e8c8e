"""The kernel of a linear layer that multiplies codes of eight bits with AMX.

A thread takes 32 outputs, two tiles of weights side by side, and multiplies all rows of inputs by them, 32 at a time:
four tiles of sums, two of inputs and two of weights. The sums go through 4 kB of memory, which stay in L1, into vectors
of 16 numbers, which get their units and the bias. Sums are exact in 32 bits; the rest is float32.
"""

from functools import partial
from typing import Literal, get_args

from llvmlite import ir
from torch import Tensor

from model.cpu_kernels import amx_tiles
from model.cpu_kernels.amx_products import COLUMNS, ROWS, STEP_BYTES, SUMS, multiply_rows
from model.cpu_kernels.amx_tiles import PlainTiles, ProcessorTiles, TileCode
from model.cpu_kernels.code import FLOAT, I32, POINTER, Loop, Value, aligned_memory, element, i64, in_all_lanes, moved
from model.cpu_kernels.task import Task
from model.cpu_kernels.tiles import AmxTile

Ending = Literal["none", "relu", "add"]
"""The last step; ``add`` adds to the numbers that the target has."""

ENDINGS: tuple[Ending, ...] = get_args(Ending)
FIELDS = (
    *("rows", "rows_together", "inner", "outer", "codes", "weights", "units", "corrections", "bias", "row_units"),
    *("target", "taken"),
)

OUTPUTS, INNER = COLUMNS, STEP_BYTES
"""The outputs of a block, and the inner numbers of a tile."""

_LANES = 16

_FLOATS, _WHOLE = ir.VectorType(FLOAT, _LANES), ir.VectorType(I32, _LANES)


def linear_name(ending: Ending) -> str:
    """Return the name of the function with an ending."""
    return f"linear_{ending}"


class AmxLinearKernel:
    """Write the function ``linear_ENDING`` into a module.

    C declaration::

        void linear_ENDING(void *task)    // eight bytes for each of:
            int64_t rows;                 // at least 32
            int64_t rows_together;        // a multiple of 32: rows that meet all outputs before the next rows
            int64_t inner, outer;         // multiples of 64 and 32, at least 1 of them
            const uint8_t *codes;         // (rows, inner); 128 stands for 0
            const int8_t *weights;        // as ``packed`` arranges them
            const float *units;           // (outer), of the weights
            const int32_t *corrections;   // (outer), 128 times the sum of an output's weights
            const float *bias;            // (outer)
            const float *row_units;       // (rows)
            float *target;                // (rows, outer)
            int64_t taken;                // 0 before the first call; all threads share it

    Sums must fit into 32 bits. The calling thread's tiles are released.
    """

    def __init__(self, module: ir.Module, tile: AmxTile, ending: Ending) -> None:
        self._ending = ending
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), name=linear_name(ending))
        build = self._build = ir.IRBuilder(function.append_basic_block("entry"))
        self._tiles: TileCode = PlainTiles(build) if tile.is_plain else ProcessorTiles(build)
        self._sums = aligned_memory(build, 4 * amx_tiles.BYTES)
        task = self._task = Task(build, function.args[0], FIELDS)
        rows, self._inner, self._outer = (task.number(name) for name in ("rows", "inner", "outer"))
        self._codes, self._weights, self._row_units, self._target = (
            task.pointer(name) for name in ("codes", "weights", "row_units", "target")
        )
        together, parts = task.number("rows_together"), build.udiv(self._outer, i64(OUTPUTS))
        last_start = build.sub(rows, i64(ROWS))
        shares = build.udiv(build.add(rows, build.sub(together, i64(1))), together)
        self._tiles.configure()
        with task.items("taken", build.mul(shares, parts)) as item:
            first_row = build.mul(build.udiv(item, parts), together)
            first_output = build.mul(build.urem(item, parts), i64(OUTPUTS))
            weights = moved(build, self._weights, build.mul(first_output, self._inner))
            constants = [self._constants(name, kind, first_output) for name, kind in _OF_OUTPUTS]
            left = build.sub(rows, first_row)
            here = build.select(build.icmp_signed("<", left, together), left, together)
            with Loop(build, here, ROWS, "block") as block:
                wanted = build.add(first_row, block.index)
                is_whole = build.icmp_signed("<", wanted, last_start)
                # The last block ends with the last row; rows that it shares with the block before are not ended twice.
                start = build.select(is_whole, wanted, last_start)
                self._multiply(start, weights)
                self._end(start, build.sub(wanted, start), first_output, constants)
        self._tiles.release()
        build.ret_void()

    def _constants(self, name: str, kind: ir.Type, first_output: Value) -> list[Value]:
        """Load the constants of the outputs, in two vectors."""
        build, array = self._build, self._task.pointer(name)
        places = [element(build, array, build.add(first_output, i64(first)), kind) for first in (0, _LANES)]
        return [build.load(place, typ=ir.VectorType(kind, _LANES), align=4) for place in places]

    def _multiply(self, first_row: Value, weights: Value) -> None:
        """Sum the products of 32 rows and 32 outputs, and store the sums."""
        build, tiles = self._build, self._tiles
        rows = moved(build, self._codes, build.mul(first_row, self._inner))
        multiply_rows(build, tiles, rows, self._inner, weights, self._inner, partial(tiles.multiply, signs="us"))
        for number, tile in enumerate((*SUMS[0], *SUMS[1])):
            tiles.store(tile, moved(build, self._sums, i64(number * amx_tiles.BYTES)), i64(amx_tiles.ROW_BYTES))

    def _end(self, start: Value, skipped: Value, first_output: Value, constants: list[list[Value]]) -> None:
        """Turn the stored sums into numbers, and store these.

        Args:
            start: The first row of the block.
            skipped: The rows of the block that are left as they are.
            first_output: The number of the first output.
            constants: Corrections, units and bias, each in two vectors.
        """
        build = self._build
        with Loop(build, build.sub(i64(ROWS), skipped), 1, "row") as row:
            of_block = build.add(skipped, row.index)
            number = build.add(start, of_block)
            row_unit = build.load(element(build, self._row_units, number, FLOAT), typ=FLOAT, align=4)
            row_units = in_all_lanes(build, row_unit, _LANES)
            # The tiles of the lower rows begin behind both tiles of the upper ones.
            is_lower = build.and_(of_block, i64(amx_tiles.ROWS))
            line = moved(build, self._sums, build.mul(build.add(of_block, is_lower), i64(amx_tiles.ROW_BYTES)))
            target = element(build, self._target, build.add(build.mul(number, self._outer), first_output), FLOAT)
            for vector, (corrections, units, bias) in enumerate(zip(*constants, strict=True)):
                sums = build.load(moved(build, line, i64(vector * amx_tiles.BYTES)), typ=_WHOLE, align=64)
                scaled = build.fmul(build.sitofp(build.sub(sums, corrections), _FLOATS), units)
                outputs = build.fadd(bias, build.fmul(scaled, row_units))
                place = moved(build, target, i64(vector * 4 * _LANES))
                build.store(self._ended(outputs, place), place, align=4)

    def _ended(self, outputs: Value, place: Value) -> Value:
        """Return the last step of 16 outputs; NaN stays NaN."""
        build = self._build
        if self._ending == "add":
            return build.fadd(build.load(place, typ=_FLOATS, align=4), outputs)
        if self._ending == "relu":
            zero = ir.Constant(_FLOATS, [0.0] * _LANES)
            return build.select(build.fcmp_ordered("<", outputs, zero), zero, outputs)
        return outputs


_OF_OUTPUTS = (("corrections", I32), ("units", FLOAT), ("bias", FLOAT))


def arranged(codes: Tensor) -> Tensor:
    """Return the codes of weights in the order in which the kernel reads them.

    Four inner numbers in a row of a tile stand side by side, as the instructions multiply them.

    Args:
        codes: ``(outer, inner)`` int8.

    Returns:
        ``(outer / 32, inner / 64, 2 tiles, 16 fours of inner numbers, 16 outputs, 4 inner numbers)``, contiguous.
    """
    outer, inner = codes.shape
    parts = codes.reshape(outer // OUTPUTS, 2, amx_tiles.ROWS, inner // INNER, INNER // 4, 4)
    return parts.permute(0, 3, 1, 4, 2, 5).contiguous()
