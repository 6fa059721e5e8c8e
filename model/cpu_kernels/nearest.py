"""The kernel that compares all cells of two pictures by a matrix product whose result is never written.

A product of 3721 × 128 and 128 × 3721 numbers takes 55 MB, and writing and reading it costs more than computing it.
Here a tile of scores is compared while it is in registers: lane by lane with the best score of each column, and with
the best score of each row. For most tiles a single comparison shows that no score of a row is better.

The kernel as loops::

    for each panel of the query's cells:            # as many as a tile is wide; 16 kB for 128 channels, in L1
        for each block of the candidate's cells:    # as many as a tile is high; the candidate streams from L2
            scores = 0
            for each pair of channels:
                scores += candidate[block, pair] × query[pair, panel]
            update the best of each cell of the panel
            update the best of each cell of the block

If scores are equal, the first cell wins on both sides: cells are visited in ascending order, and only a greater score
replaces the best. Copies of the first cell as padding therefore change no result.
"""

from llvmlite import ir

from model.cpu_kernels.code import I1, I16, I32, I64, POINTER, Loop, Value, declared, element, i32, i64, moved
from model.cpu_kernels.tiles import Tile

NAME = "nearest"

PAIRS_TOGETHER = 2  # channels in one iteration of the innermost loop

SMALLEST = -(2**31)
"""The score of a cell before the first comparison."""


class NearestKernel:
    """Write the function ``nearest`` into a module.

    C declaration::

        void nearest(const int16_t *query,      // (panels, channels / 2, columns of the tile, 2)
                     int64_t panels,            // at least 1
                     const int16_t *candidate,  // (cells, channels)
                     int64_t cells,             // a multiple of the rows of the tile, at least 1
                     int64_t channels,          // a multiple of 2 · PAIRS_TOGETHER, at least 1
                     int32_t *best,             // (cells), all -2³¹; afterwards the best score of each cell
                     int32_t *nearest_query,    // (cells); which cell of the query has it
                     int32_t *nearest_candidate)  // (panels · columns); which cell of the candidate is nearest

    Each score must fit into 32 bits. The pointers must not overlap.
    """

    def __init__(self, module: ir.Module, tile: Tile) -> None:
        self._tile = tile
        self._vector = ir.VectorType(I32, tile.lanes)
        self._mask = ir.VectorType(I1, tile.lanes)
        self._pairs = ir.VectorType(I16, 2 * tile.lanes)  # the same register, as pairs of 16 bits
        name = f"v{tile.lanes}i32"
        self._multiply_add = declared(module, tile.multiply_add, self._vector, [self._pairs, self._pairs])
        self._maximum = declared(module, f"llvm.smax.{name}", self._vector, [self._vector, self._vector])
        self._largest = declared(module, f"llvm.vector.reduce.smax.{name}", I32, [self._vector])
        self._any = declared(module, f"llvm.vector.reduce.or.v{tile.lanes}i1", I1, [self._mask])
        self._trailing_zeros = declared(module, "llvm.cttz.i64", I64, [I64, I1])
        signature = ir.FunctionType(ir.VoidType(), [POINTER, I64, POINTER, I64, I64, POINTER, POINTER, POINTER])
        self._function = ir.Function(module, signature, name=NAME)
        for argument in self._function.args:
            if argument.type == POINTER:
                argument.add_attribute("noalias")
        self._build = ir.IRBuilder(self._function.append_basic_block("entry"))
        self._write()

    def _write(self) -> None:
        query, panels, candidate, cells, channels, best, nearest_query, nearest_candidate = self._function.args
        build, tile = self._build, self._tile
        # The best scores of the columns so far are in memory, because the scores need the registers.
        column_best = [build.alloca(self._vector) for _ in range(tile.vectors)]
        column_rows = [build.alloca(self._vector) for _ in range(tile.vectors)]
        row_bytes = build.shl(channels, i64(1))
        panel_bytes = build.mul(row_bytes, i64(tile.columns))
        with Loop(build, panels, 1, "panel") as panel:
            first_column = build.mul(panel.index, i64(tile.columns))
            for slot_best, slot_rows in zip(column_best, column_rows, strict=True):
                build.store(ir.Constant(self._vector, [SMALLEST] * tile.lanes), slot_best)
                build.store(ir.Constant(self._vector, [0] * tile.lanes), slot_rows)
            columns = moved(build, query, build.mul(panel.index, panel_bytes))
            with Loop(build, cells, tile.rows, "block") as block:
                rows = [moved(build, candidate, build.mul(block.index, row_bytes))]
                for _ in range(1, tile.rows):
                    rows.append(moved(build, rows[-1], row_bytes))
                scores = self._scores(rows, columns, channels)
                self._update_columns(scores, block.index, column_best, column_rows)
                for number in range(tile.rows):
                    self._update_row(
                        scores[number], build.add(block.index, i64(number)), first_column, best, nearest_query
                    )
            for number, slot_rows in enumerate(column_rows):
                place = element(build, nearest_candidate, build.add(first_column, i64(number * tile.lanes)))
                build.store(build.load(slot_rows, typ=self._vector), place, align=4)
        build.ret_void()

    def _scores(self, rows: list[Value], columns: Value, channels: Value) -> list[list[Value]]:
        """Sum the scores of a tile, ``[row][vector]``, over all channels."""
        build, tile = self._build, self._tile
        pair_count = build.lshr(channels, i64(1))
        zero = ir.Constant(self._vector, [0] * tile.lanes)
        with Loop(build, pair_count, PAIRS_TOGETHER, "pair", start=[zero] * (tile.rows * tile.vectors)) as pair:
            sums = [pair.carried[number * tile.vectors : (number + 1) * tile.vectors] for number in range(tile.rows)]
            for step in range(PAIRS_TOGETHER):
                here = build.add(pair.index, i64(step))
                at_columns = moved(build, columns, build.mul(here, i64(4 * tile.columns)))
                loaded = [
                    build.load(
                        moved(build, at_columns, i64(4 * tile.lanes * number)),
                        typ=self._pairs,
                        align=4 * tile.lanes,
                    )
                    for number in range(tile.vectors)
                ]
                for number, row in enumerate(rows):
                    both_channels = build.load(element(build, row, here), typ=I32, align=4)
                    everywhere = build.bitcast(self._splat(both_channels), self._pairs)
                    sums[number] = [
                        build.add(so_far, build.call(self._multiply_add, [column, everywhere]))
                        for so_far, column in zip(sums[number], loaded, strict=True)
                    ]
            pair.carry([each for row in sums for each in row])
        return sums

    def _update_columns(
        self, scores: list[list[Value]], block: Value, column_best: list[Value], column_rows: list[Value]
    ) -> None:
        """Keep in each lane the greatest score and the row that had it first, row after row."""
        build = self._build
        first_row = build.trunc(block, I32)
        numbers = [self._splat(build.add(first_row, i32(number))) for number in range(len(scores))]
        for vector, (slot_best, slot_rows) in enumerate(zip(column_best, column_rows, strict=True)):
            greatest, where = (build.load(slot, typ=self._vector) for slot in (slot_best, slot_rows))
            for number, row in zip(numbers, scores, strict=True):
                is_greater = build.icmp_signed(">", row[vector], greatest)
                greatest = build.call(self._maximum, [row[vector], greatest])
                where = build.select(is_greater, number, where)
            build.store(greatest, slot_best)
            build.store(where, slot_rows)

    def _update_row(self, scores: list[Value], row: Value, first_column: Value, best: Value, nearest: Value) -> None:
        """Update a row's best score and its first column, if a score is greater than all before."""
        build, tile = self._build, self._tile
        together = scores[0]
        for vector in scores[1:]:
            together = build.call(self._maximum, [together, vector])
        at_best = element(build, best, row)
        so_far = self._splat(build.load(at_best, typ=I32, align=4))
        is_greater = build.call(self._any, [build.icmp_signed(">", together, so_far)])
        with build.if_then(is_greater, likely=False):
            greatest = build.call(self._largest, [together])
            has_it = i64(0)  # one bit for each column
            for number, vector in enumerate(scores):
                bits = build.bitcast(build.icmp_signed("==", vector, self._splat(greatest)), ir.IntType(tile.lanes))
                has_it = build.or_(has_it, build.shl(build.zext(bits, I64), i64(number * tile.lanes)))
            first = build.call(self._trailing_zeros, [has_it, ir.Constant(I1, 1)])
            build.store(greatest, at_best, align=4)
            build.store(build.trunc(build.add(first_column, first), I32), element(build, nearest, row), align=4)

    def _splat(self, number: Value) -> Value:
        """Return a vector with this number in every lane."""
        build = self._build
        undefined = ir.Constant(self._vector, ir.Undefined)
        first = build.insert_element(undefined, number, i32(0))
        return build.shuffle_vector(
            first, undefined, ir.Constant(ir.VectorType(I32, self._tile.lanes), [0] * self._tile.lanes)
        )
