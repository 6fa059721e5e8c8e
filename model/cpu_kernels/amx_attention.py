"""The kernel of self-attention with AMX: products of bfloat16, sums and softmax in float32.

A thread takes one head of one picture. It copies queries, keys and values, rounded to bfloat16, into memory of its own,
in the order in which tiles multiply them. 32 queries at a time, it stores their scores with all keys, takes the
exponentials, and multiplies these by the values. The sums are divided by the sum of the exponentials at the end.
"""

import math
from collections.abc import Callable
from typing import Literal, get_args

from llvmlite import ir

from model.cpu_kernels import amx_tiles
from model.cpu_kernels.amx_tiles import PlainTiles, ProcessorTiles, TileCode
from model.cpu_kernels.code import (
    FLOAT,
    I16,
    I32,
    POINTER,
    Loop,
    Value,
    aligned_memory,
    declared,
    element,
    i64,
    in_all_lanes,
    moved,
)
from model.cpu_kernels.exponential import write_exponential
from model.cpu_kernels.task import Task
from model.cpu_kernels.tiles import AmxTile

NumbersOf = Literal["float32", "bfloat16"]
"""The type of queries, keys, values and outputs."""

NUMBERS: tuple[NumbersOf, ...] = get_args(NumbersOf)
FIELDS = (
    *("pictures", "tokens", "padded", "heads", "width", "inputs", "outputs"),
    *("memory", "memory_bytes", "threads", "taken"),
)

ROWS = 2 * amx_tiles.ROWS
"""The queries of a block; the padded number of tokens and the width of a head are multiples of it."""

_LANES = 16
_SUMS, _LEFT, _RIGHT = ((0, 1), (2, 3)), (4, 5), (6, 7)  # tiles; the sums are [rows][columns]
_STEP_BYTES = 2 * amx_tiles.BYTES  # 32 inner numbers of 32 columns, the right factors

_FLOATS, _WHOLE, _SHORT = (ir.VectorType(kind, _LANES) for kind in (FLOAT, I32, I16))


def attention_name(numbers: NumbersOf) -> str:
    """Return the name of the function for numbers of a type."""
    return f"attend_{numbers}"


def memory_bytes(padded: int, width: int) -> int:
    """Return the memory that a thread needs, in bytes."""
    return 5 * padded * width * 2 + ROWS * padded * (4 + 2)


class AmxAttentionKernel:
    """Write the function ``attend_NUMBERS`` into a module.

    C declaration::

        void attend_NUMBERS(void *task)   // eight bytes for each of:
            int64_t pictures, tokens;     // at least 1
            int64_t padded;               // tokens, filled up to a multiple of 32
            int64_t heads, width;         // at least 1; a head's width is a multiple of 32
            const NUMBER *inputs;         // (pictures, tokens, 3, heads, width): queries, keys, values
            NUMBER *outputs;              // (pictures, tokens, heads, width)
            char *memory;                 // (threads, memory_bytes), each at a multiple of 64
            int64_t memory_bytes;         // see ``memory_bytes``
            int64_t threads, taken;       // 0 before the first call; all threads share them

    Queries are already divided by the root of the width. The calling thread's tiles are released.
    """

    def __init__(self, module: ir.Module, tile: AmxTile, numbers: NumbersOf) -> None:
        self._is_rounded = numbers == "bfloat16"
        self._number = I16 if self._is_rounded else FLOAT
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), name=attention_name(numbers))
        build = self._build = ir.IRBuilder(function.append_basic_block("entry"))
        self._tiles: TileCode = PlainTiles(build) if tile.is_plain else ProcessorTiles(build)
        self._block = aligned_memory(build, 4 * amx_tiles.BYTES)
        self._totals = aligned_memory(build, ROWS * 4)
        self._exponential = write_exponential(build, _LANES)
        task = Task(build, function.args[0], FIELDS)
        pictures, self._tokens, self._padded, heads, self._width = (
            task.number(name) for name in ("pictures", "tokens", "padded", "heads", "width")
        )
        self._dim = build.mul(heads, self._width)
        self._share_memory(task)
        self._tiles.configure()
        with task.items("taken", build.mul(pictures, heads)) as item:
            picture, head = build.udiv(item, heads), build.urem(item, heads)
            first = build.add(build.mul(picture, build.mul(self._tokens, self._dim)), build.mul(head, self._width))
            self._outputs = element(build, task.pointer("outputs"), first, self._number)
            first_input = build.add(first, build.mul(picture, build.mul(self._tokens, build.shl(self._dim, i64(1)))))
            self._copy(element(build, task.pointer("inputs"), first_input, self._number))
            self._arrange_keys()
            self._arrange_values()
            with Loop(build, self._tokens, ROWS, "queries") as queries:
                self._score(queries.index)
                with Loop(build, i64(ROWS), 1, "softmax") as row:
                    self._take_exponentials(row.index)
                self._sum_values(queries.index)
        self._tiles.release()
        build.ret_void()

    def _share_memory(self, task: Task) -> None:
        """Take a part of the memory for this thread, and divide it."""
        build = self._build
        place = moved(build, task.pointer("memory"), build.mul(task.next_of("threads"), task.number("memory_bytes")))
        copy_bytes = build.shl(build.mul(self._padded, self._width), i64(1))
        self._queries, self._raw_keys, self._raw_values, self._keys, self._values, self._scores = (
            moved(build, place, build.mul(copy_bytes, i64(number))) for number in range(6)
        )
        self._weights = moved(build, self._scores, build.mul(self._padded, i64(ROWS * 4)))

    def _copy(self, inputs: Value) -> None:
        """Copy queries, keys and values of a head as ``(padded, width)`` bfloat16; rows behind the last are 0."""
        build = self._build
        copies = (self._queries, self._raw_keys, self._raw_values)
        zero = ir.Constant(_SHORT, [0] * _LANES)
        with Loop(build, self._padded, 1, "token") as token:
            is_token = build.icmp_unsigned("<", token.index, self._tokens)
            # A row behind the last is read from the last, and set to 0.
            read = build.select(is_token, token.index, build.sub(self._tokens, i64(1)))
            row = build.mul(read, build.mul(self._dim, i64(3)))
            with Loop(build, self._width, _LANES, "channel") as channel:
                for number, copy in enumerate(copies):
                    first = build.add(row, build.add(build.mul(self._dim, i64(number)), channel.index))
                    rounded = self._load_rounded(element(build, inputs, first, self._number))
                    place = element(build, copy, build.add(build.mul(token.index, self._width), channel.index), I16)
                    build.store(build.select(is_token, rounded, zero), place, align=2)

    def _arrange_keys(self) -> None:
        """Arrange keys as ``(padded / 32, width / 32, 2 tiles, 16 pairs of channels, 16 keys, 2 channels)``."""
        build = self._build
        pairs = build.lshr(self._width, i64(1))
        with Loop(build, self._padded, 1, "key") as key, Loop(build, pairs, 1, "pair") as pair:
            both = build.load(
                element(build, self._raw_keys, build.add(build.mul(key.index, pairs), pair.index)), typ=I32
            )
            step = build.lshr(pair.index, i64(4))
            row = build.and_(pair.index, i64(15))
            self._store_pair(self._keys, both, key.index, build.lshr(self._width, i64(5)), step, row)

    def _arrange_values(self) -> None:
        """Arrange values as ``(width / 32, padded / 32, 2 tiles, 16 pairs of keys, 16 channels, 2 keys)``."""
        build = self._build
        with (
            Loop(build, build.lshr(self._padded, i64(1)), 1, "pair") as pair,
            Loop(build, self._width, _LANES, "channel") as channel,
        ):
            first = build.add(build.mul(build.shl(pair.index, i64(1)), self._width), channel.index)
            even, odd = (
                build.zext(build.load(element(build, self._raw_values, place, I16), typ=_SHORT, align=2), _WHOLE)
                for place in (first, build.add(first, self._width))
            )
            sixteen = ir.Constant(_WHOLE, [16] * _LANES)
            both = build.or_(even, build.shl(odd, sixteen))
            step = build.lshr(pair.index, i64(4))
            row = build.and_(pair.index, i64(15))
            self._store_pair(self._values, both, channel.index, build.lshr(self._padded, i64(5)), step, row)

    def _store_pair(self, target: Value, both: Value, column: Value, steps: Value, step: Value, row: Value) -> None:
        """Store the pair of a column, or the pairs of 16 columns: ``(column / 32, steps, 2, 16, 16, 2)``."""
        build = self._build
        block = build.add(build.mul(build.lshr(column, i64(5)), steps), step)
        tile = build.add(build.shl(block, i64(1)), build.and_(build.lshr(column, i64(4)), i64(1)))
        line = build.add(build.mul(tile, i64(amx_tiles.ROWS)), row)
        place = build.add(build.mul(line, i64(_LANES)), build.and_(column, i64(_LANES - 1)))
        build.store(both, element(build, target, place), align=4)

    def _score(self, first: Value) -> None:
        """Store the scores of 32 queries, ``(32, padded)`` float32."""
        build = self._build
        width_bytes, row_bytes = build.shl(self._width, i64(1)), build.shl(self._padded, i64(2))
        queries, steps = moved(build, self._queries, build.mul(first, width_bytes)), build.lshr(self._width, i64(5))
        with Loop(build, self._padded, 32, "keys") as keys:
            of_keys = build.mul(build.mul(build.lshr(keys.index, i64(5)), steps), i64(_STEP_BYTES))
            self._multiply(queries, width_bytes, moved(build, self._keys, of_keys), steps)
            scores = moved(build, self._scores, build.shl(keys.index, i64(2)))
            self._store_sums(scores, row_bytes, lambda upper: build.mul(row_bytes, i64(amx_tiles.ROWS * upper)), 64)

    def _take_exponentials(self, row: Value) -> None:
        """Store the exponentials of a row of scores, relative to the greatest, as bfloat16, and their sum."""
        build = self._build
        scores = element(build, self._scores, build.mul(row, self._padded), FLOAT)
        nothing = ir.Constant(_FLOATS, [-math.inf] * _LANES)
        self._hide_padding(scores)

        def scores_at(key: Value) -> Value:
            return build.load(element(build, scores, key, FLOAT), typ=_FLOATS, align=4)

        with Loop(build, self._padded, _LANES, "greatest", start=[nothing]) as keys:
            here = scores_at(keys.index)
            greatest = build.select(build.fcmp_ordered(">", here, keys.carried[0]), here, keys.carried[0])
            keys.carry([greatest])
        most = in_all_lanes(build, build.call(self._reduction("fmax", []), [greatest]), _LANES)
        zeros = ir.Constant(_FLOATS, [0.0] * _LANES)
        to_weights = element(build, self._weights, build.mul(row, self._padded), I16)
        with Loop(build, self._padded, _LANES, "exponential", start=[zeros]) as keys:
            weights = self._exponential(build.fsub(scores_at(keys.index), most))
            build.store(self._rounded(weights), element(build, to_weights, keys.index, I16), align=2)
            total = build.fadd(keys.carried[0], weights)
            keys.carry([total])
        zero = ir.Constant(FLOAT, 0.0)
        sum_of_lanes = build.call(self._reduction("fadd", [FLOAT]), [zero, total])
        build.store(sum_of_lanes, element(build, self._totals, row, FLOAT), align=4)

    def _hide_padding(self, scores: Value) -> None:
        """Replace the scores of a row with keys that only fill up; all are among the last 32."""
        build = self._build
        tokens = in_all_lanes(build, build.trunc(self._tokens, I32), _LANES)
        nothing = ir.Constant(_FLOATS, [-math.inf] * _LANES)
        for behind in (ROWS, ROWS - _LANES):
            first = build.sub(self._padded, i64(behind))
            lanes = ir.Constant(_WHOLE, list(range(_LANES)))
            keys = build.add(in_all_lanes(build, build.trunc(first, I32), _LANES), lanes)
            place = element(build, scores, first, FLOAT)
            is_key = build.icmp_unsigned("<", keys, tokens)
            build.store(build.select(is_key, build.load(place, typ=_FLOATS, align=4), nothing), place, align=4)

    def _sum_values(self, first: Value) -> None:
        """Store the sums of the values of 32 queries, each divided by the sum of its exponentials."""
        build = self._build
        steps, row_bytes = build.lshr(self._padded, i64(5)), build.shl(self._padded, i64(1))
        left = build.sub(self._tokens, first)
        count = build.select(build.icmp_unsigned("<", left, i64(ROWS)), left, i64(ROWS))
        with Loop(build, self._width, 32, "channels") as channels:
            of_channels = build.mul(build.mul(build.lshr(channels.index, i64(5)), steps), i64(_STEP_BYTES))
            self._multiply(self._weights, row_bytes, moved(build, self._values, of_channels), steps)
            self._store_sums(self._block, i64(2 * 64), lambda upper: i64(2 * amx_tiles.BYTES * upper), 64)
            with Loop(build, count, 1, "output") as row:
                total = build.load(element(build, self._totals, row.index, FLOAT), typ=FLOAT, align=4)
                totals = in_all_lanes(build, total, _LANES)
                place = build.add(build.mul(build.add(first, row.index), self._dim), channels.index)
                for number in range(2):
                    line = moved(build, self._block, build.add(build.shl(row.index, i64(7)), i64(64 * number)))
                    outputs = build.fdiv(build.load(line, typ=_FLOATS, align=64), totals)
                    target = element(build, self._outputs, build.add(place, i64(_LANES * number)), self._number)
                    stored = self._rounded(outputs) if self._is_rounded else outputs
                    build.store(stored, target, align=2 if self._is_rounded else 4)

    def _multiply(self, rows: Value, stride_bytes: Value, columns: Value, steps: Value) -> None:
        """Sum the products of 32 rows and 32 columns, over 32 inner numbers a step."""
        build, tiles = self._build, self._tiles
        for tile in (*_SUMS[0], *_SUMS[1]):
            tiles.zero(tile)
        lower = moved(build, rows, build.mul(stride_bytes, i64(amx_tiles.ROWS)))
        with Loop(build, steps, 1, "step") as step:
            of_step, place = build.shl(step.index, i64(6)), moved(build, columns, build.shl(step.index, i64(11)))
            for number, half in enumerate((rows, lower)):
                tiles.load(_LEFT[number], moved(build, half, of_step), stride_bytes)
            for number, tile in enumerate(_RIGHT):
                tiles.load(tile, moved(build, place, i64(number * amx_tiles.BYTES)), i64(amx_tiles.ROW_BYTES))
            for left, sums in zip(_LEFT, _SUMS, strict=True):
                for tile, right in zip(sums, _RIGHT, strict=True):
                    tiles.multiply_bfloat16(tile, left, right)

    def _store_sums(
        self, target: Value, stride_bytes: Value, half_bytes: Callable[[int], Value], tile_bytes: int
    ) -> None:
        """Store the four tiles of sums as 32 rows of 32 numbers."""
        for half, sums in enumerate(_SUMS):
            for number, tile in enumerate(sums):
                place = moved(self._build, target, half_bytes(half))
                self._tiles.store(tile, moved(self._build, place, i64(number * tile_bytes)), stride_bytes)

    def _load_rounded(self, place: Value) -> Value:
        """Load 16 numbers as bfloat16."""
        if self._is_rounded:
            return self._build.load(place, typ=_SHORT, align=2)
        return self._rounded(self._build.load(place, typ=_FLOATS, align=4))

    def _rounded(self, numbers: Value) -> Value:
        """Round 16 float32 to bfloat16, half to even: the upper 16 bits."""
        build = self._build

        def all_lanes(number: int) -> Value:
            return ir.Constant(_WHOLE, [number] * _LANES)

        bits = build.bitcast(numbers, _WHOLE)
        is_odd = build.and_(build.lshr(bits, all_lanes(16)), all_lanes(1))
        raised = build.add(bits, build.add(is_odd, all_lanes(2**15 - 1)))
        return build.trunc(build.lshr(raised, all_lanes(16)), _SHORT)

    def _reduction(self, name: str, start: list[ir.Type]) -> Value:
        """Declare a reduction of the lanes."""
        return declared(self._build.module, f"llvm.vector.reduce.{name}.v{_LANES}f32", FLOAT, [*start, _FLOATS])
