"""The kernel that rounds each row of features to codes of eight bits, with a unit of its own.

It reads a row twice, from the cache the second time. ``model.frozen.rounded_linear.round_rows_plainly`` is its plain
reference, and computes the same codes and units.
"""

from llvmlite import ir

from model.cpu_kernels.code import FLOAT, I8, I32, POINTER, Loop, Value, declared, element, in_all_lanes
from model.cpu_kernels.task import Task

ROUND_ROWS_NAME = "round_rows"

LANES = 16
"""Numbers per step; the length of a row is a multiple of it."""

MOST_CODE, ZERO_CODE = 127, 128
"""The greatest code, counted from the code of 0."""

LEAST_NUMBER = 1e-30
"""The greatest absolute number of a row counts as this at least, so that a row of zeros has a unit."""

FIELDS = ("rows", "inner", "numbers", "codes", "units", "taken")

_ROWS_TOGETHER = 8  # that a thread takes at once

_FLOATS, _WHOLE, _BYTES = (ir.VectorType(kind, LANES) for kind in (FLOAT, I32, I8))
_WITHOUT_SIGN = 2**31 - 1


def write_round_rows(module: ir.Module) -> None:
    """Write the function that rounds rows until none is left to take.

    C declaration::

        void round_rows(void *task)  // eight bytes for each of:
            int64_t rows, inner;     // at least 1; inner is a multiple of 16
            const float *numbers;    // (rows, inner)
            uint8_t *codes;          // (rows, inner); 128 stands for 0
            float *units;            // (rows); number ≈ (code - 128) · unit
            int64_t taken;           // 0 before the first call; all threads share it
    """
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), name=ROUND_ROWS_NAME)
    build = ir.IRBuilder(function.append_basic_block("entry"))
    task = Task(build, function.args[0], FIELDS)
    rows, inner = task.number("rows"), task.number("inner")
    numbers, codes, units = (task.pointer(name) for name in ("numbers", "codes", "units"))
    with task.items("taken", rows, _ROWS_TOGETHER) as row:
        first = build.mul(row, inner)
        _round_row(
            build,
            element(build, numbers, first, FLOAT),
            element(build, codes, first, I8),
            inner,
            element(build, units, row, FLOAT),
        )
    build.ret_void()


def _round_row(build: ir.IRBuilder, numbers: Value, codes: Value, inner: Value, unit: Value) -> None:
    """Round one row, and store its unit."""
    most = _greatest(build, numbers, inner)
    most_code = ir.Constant(FLOAT, float(MOST_CODE))
    build.store(build.fdiv(most, most_code), unit, align=4)
    factors = in_all_lanes(build, build.fdiv(most_code, most), LANES)
    nearest = declared(build.module, f"llvm.roundeven.v{LANES}f32", _FLOATS, [_FLOATS])
    zero = ir.Constant(_WHOLE, [ZERO_CODE] * LANES)
    with Loop(build, inner, LANES, "round") as at:
        loaded = build.load(element(build, numbers, at.index, FLOAT), typ=_FLOATS, align=4)
        whole = build.fptosi(build.call(nearest, [build.fmul(loaded, factors)]), _WHOLE)
        build.store(build.trunc(build.add(whole, zero), _BYTES), element(build, codes, at.index, I8), align=1)


def _greatest(build: ir.IRBuilder, numbers: Value, inner: Value) -> Value:
    """Return the greatest absolute number of a row.

    Without their signs, floats have the order of their bits, and NaN is above all numbers. So a NaN gets into the unit.
    """
    maximum = declared(build.module, f"llvm.umax.v{LANES}i32", _WHOLE, [_WHOLE, _WHOLE])
    largest = declared(build.module, f"llvm.vector.reduce.umax.v{LANES}i32", I32, [_WHOLE])
    mask = ir.Constant(_WHOLE, [_WITHOUT_SIGN] * LANES)
    least = build.bitcast(ir.Constant(FLOAT, LEAST_NUMBER), I32)
    with Loop(build, inner, LANES, "greatest", start=[in_all_lanes(build, least, LANES)]) as at:
        bits = build.load(element(build, numbers, at.index), typ=_WHOLE, align=4)
        greatest = build.call(maximum, [at.carried[0], build.and_(bits, mask)])
        at.carry([greatest])
    return build.bitcast(build.call(largest, [greatest]), FLOAT)
