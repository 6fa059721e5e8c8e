"""The comparison of scores in registers with the best scores so far of their rows and columns.

A row is a cell of the candidate, a column a cell of the query. The cells of a row have one candidate cell in common, so
their scores are compared as they are, 32-bit integers. The cells of a column belong to candidate cells of different
lengths: each score is multiplied by the weight of its row before, in float32. Scores and weights are the same on every
processor, and so is a product of float32.

If scores are equal, the first cell wins on both sides: cells are visited in ascending order, and only a greater score
replaces the best. Copies of the first cell as padding therefore change no result.
"""

import math

from llvmlite import ir

from model.cpu_kernels.code import FLOAT, I1, I32, I64, Value, declared, element, i64, in_all_lanes
from model.cpu_kernels.tiles import NumberType

SMALLEST = -(2**31)
"""The score of a row before the first comparison."""


def nearest_name(numbers: NumberType) -> str:
    """Return the name of the function that finds the nearest cells of candidates in numbers of a type."""
    return f"nearest_{numbers}"


class Comparison:
    """Write comparisons of scores for some vectors of columns.

    Args:
        build: The builder of the function, in its first block.
        lanes: The 32-bit numbers in a vector.
        vectors: The vectors; ``lanes · vectors`` columns, at most 64.
    """

    def __init__(self, build: ir.IRBuilder, lanes: int, vectors: int) -> None:
        self._build = build
        self._lanes = lanes
        self._whole = ir.VectorType(I32, lanes)
        self._floats = ir.VectorType(FLOAT, lanes)
        self._maximum = declared(build.module, f"llvm.smax.v{lanes}i32", self._whole, [self._whole] * 2)
        self._largest = declared(build.module, f"llvm.vector.reduce.smax.v{lanes}i32", I32, [self._whole])
        self._any = declared(build.module, f"llvm.vector.reduce.or.v{lanes}i1", I1, [ir.VectorType(I1, lanes)])
        self._trailing_zeros = declared(build.module, "llvm.cttz.i64", I64, [I64, I1])
        # The best scores of the columns so far are in memory, because the scores need the registers.
        self._best = [build.alloca(self._floats) for _ in range(vectors)]
        self._rows = [build.alloca(self._whole) for _ in range(vectors)]

    def start(self) -> None:
        """Forget the best scores of all columns."""
        for best, rows in zip(self._best, self._rows, strict=True):
            self._build.store(ir.Constant(self._floats, [-math.inf] * self._lanes), best)
            self._build.store(ir.Constant(self._whole, [0] * self._lanes), rows)

    def update_columns(self, scores: list[list[Value]], first_row: Value, weights: Value) -> None:
        """Keep in each lane the greatest weighted score and the row that had it first, row after row.

        Args:
            scores: ``[row][vector]``.
            first_row: The number of the first row, 64 bits.
            weights: The address of the weights of all rows, float32.
        """
        build = self._build
        rows = []
        for number in range(len(scores)):
            row = build.add(first_row, i64(number))
            weight = build.load(element(build, weights, row, FLOAT), typ=FLOAT, align=4)
            rows.append((self._everywhere(build.trunc(row, I32)), self._everywhere(weight)))
        for vector, (at_best, at_rows) in enumerate(zip(self._best, self._rows, strict=True)):
            greatest, where = build.load(at_best, typ=self._floats), build.load(at_rows, typ=self._whole)
            for (number, weight), row in zip(rows, scores, strict=True):
                weighted = build.fmul(build.sitofp(row[vector], self._floats), weight)
                is_greater = build.fcmp_ordered(">", weighted, greatest)
                greatest = build.select(is_greater, weighted, greatest)
                where = build.select(is_greater, number, where)
            build.store(greatest, at_best)
            build.store(where, at_rows)

    def update_row(self, scores: list[Value], row: Value, first_column: Value, best: Value, nearest: Value) -> None:
        """Update a row's best score and its first column, if a score is greater than all before.

        Args:
            scores: One vector after the other.
            row: The number of the row, 64 bits.
            first_column: The number of the first column, 64 bits.
            best: The address of the best scores of all rows, int32.
            nearest: The address of the columns that have them, int32.
        """
        build = self._build
        together = scores[0]
        for vector in scores[1:]:
            together = build.call(self._maximum, [together, vector])
        at_best = element(build, best, row)
        so_far = self._everywhere(build.load(at_best, typ=I32, align=4))
        is_greater = build.call(self._any, [build.icmp_signed(">", together, so_far)])
        with build.if_then(is_greater, likely=False):
            greatest = build.call(self._largest, [together])
            has_it = i64(0)  # one bit for each column
            for number, vector in enumerate(scores):
                bits = build.bitcast(
                    build.icmp_signed("==", vector, self._everywhere(greatest)), ir.IntType(self._lanes)
                )
                has_it = build.or_(has_it, build.shl(build.zext(bits, I64), i64(number * self._lanes)))
            first = build.call(self._trailing_zeros, [has_it, ir.Constant(I1, 1)])
            build.store(greatest, at_best, align=4)
            build.store(build.trunc(build.add(first_column, first), I32), element(build, nearest, row), align=4)

    def write_columns(self, nearest: Value, first_column: Value) -> None:
        """Write the row of each column.

        Args:
            nearest: The address of the rows of all columns, int32.
            first_column: The number of the first column, 64 bits.
        """
        build = self._build
        for number, at_rows in enumerate(self._rows):
            place = element(build, nearest, build.add(first_column, i64(number * self._lanes)))
            build.store(build.load(at_rows, typ=self._whole), place, align=4)

    def _everywhere(self, number: Value) -> Value:
        return in_all_lanes(self._build, number, self._lanes)
