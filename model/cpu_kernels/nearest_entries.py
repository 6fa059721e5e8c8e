"""The kernel that finds the entries of a codebook that are nearest to products of blocks and axes.

A thread takes a byte, and finds its entry for each block. ``place_map.block_codes.BlockCodes.find_plainly`` is the
plain reference. Both compute in float64, and could differ only between two entries that are equally near to fifteen
digits.
"""

from functools import cache
from typing import Any, Final

from llvmlite import ir

from model.cpu_kernels.code import (
    FLOAT,
    I8,
    I32,
    I64,
    POINTER,
    Loop,
    Value,
    declared,
    element,
    i64,
    in_all_lanes,
    moved,
)
from model.cpu_kernels.compiled import compiled, host_tile
from model.cpu_kernels.task import Task

NEAREST_ENTRIES_NAME = "nearest_entries"
FIELDS = (*("blocks", "width", "axes_count", "products", "first_axes", "entries", "half_squares", "nearest", "taken"),)

ENTRIES: Final = 256
_LANES = 8
_DOUBLE = ir.DoubleType()
_DOUBLES, _NUMBERS = (ir.VectorType(kind, _LANES) for kind in (_DOUBLE, I32))


@cache
def nearest_entries() -> tuple[int, Any] | None:
    """Return the address of the function and the owner of its machine code; None if no kernel is for this processor."""
    if host_tile() is None:
        return None
    module = ir.Module(name="placefix_entries")
    write_nearest_entries(module)
    engine = compiled(str(module))
    return engine.get_function_address(NEAREST_ENTRIES_NAME), engine


def write_nearest_entries(module: ir.Module) -> None:
    """Write the function ``nearest_entries`` into a module.

    C declaration::

        void nearest_entries(void *task)     // eight bytes for each of:
            int64_t blocks, width;           // bytes of a block; both at least 1
            int64_t axes_count;
            const float *products;           // (blocks, axes_count)
            const int64_t *first_axes;       // (width + 1), the first axis of each byte; each has at least one
            const double *entries;           // (axes_count, 256)
            const double *half_squares;      // (width, 256), half of the squared length of each entry
            uint8_t *nearest;                // (blocks, width); the result is written to it
            int64_t taken;                   // 0 before the first call; all threads share it

    The nearest entry has the greatest product less half of its squared length; the first of equal ones.
    """
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), name=NEAREST_ENTRIES_NAME)
    build = ir.IRBuilder(function.append_basic_block("entry"))
    task = Task(build, function.args[0], FIELDS)
    blocks, width, axes_count = (task.number(name) for name in ("blocks", "width", "axes_count"))
    products, first_axes, entries, half_squares, nearest = (
        task.pointer(name) for name in ("products", "first_axes", "entries", "half_squares", "nearest")
    )
    with task.items("taken", width) as byte:
        first, end = (
            build.load(element(build, first_axes, build.add(byte, i64(number)), I64), typ=I64, align=8)
            for number in (0, 1)
        )
        of_byte = element(build, entries, build.mul(first, i64(ENTRIES)), _DOUBLE)
        halves = element(build, half_squares, build.mul(byte, i64(ENTRIES)), _DOUBLE)
        with Loop(build, blocks, 1, "block") as block:
            of_block = element(build, products, build.add(build.mul(block.index, axes_count), first), FLOAT)
            name = _nearest(build, of_block, build.sub(end, first), of_byte, halves)
            place = build.add(build.mul(block.index, width), byte)
            build.store(build.trunc(name, I8), moved(build, nearest, place), align=1)
    build.ret_void()


def _nearest(build: ir.IRBuilder, products: Value, axes: Value, entries: Value, halves: Value) -> Value:
    """Return the number of the nearest entry, 32 bits."""
    module = build.module
    multiply_add = declared(module, f"llvm.fma.v{_LANES}f64", _DOUBLES, [_DOUBLES] * 3)
    greatest_of = declared(module, f"llvm.vector.reduce.fmax.v{_LANES}f64", _DOUBLE, [_DOUBLES])
    first_of = declared(module, f"llvm.vector.reduce.umin.v{_LANES}i32", I32, [_NUMBERS])
    lanes = ir.Constant(_NUMBERS, list(range(_LANES)))
    start = [ir.Constant(_DOUBLES, [float("-inf")] * _LANES), ir.Constant(_NUMBERS, [0] * _LANES)]
    with Loop(build, i64(ENTRIES), _LANES, "entries", start=start) as entry:
        best, names = entry.carried
        half = build.load(element(build, halves, entry.index, _DOUBLE), typ=_DOUBLES, align=8)
        with Loop(build, axes, 1, "axis", start=[build.fneg(half)]) as axis:
            product = build.load(element(build, products, axis.index, FLOAT), typ=FLOAT, align=4)
            everywhere = in_all_lanes(build, build.fpext(product, _DOUBLE), _LANES)
            place = build.add(build.mul(axis.index, i64(ENTRIES)), entry.index)
            numbers = build.load(element(build, entries, place, _DOUBLE), typ=_DOUBLES, align=8)
            score = build.call(multiply_add, [everywhere, numbers, axis.carried[0]])
            axis.carry([score])
        is_better = build.fcmp_ordered(">", score, best)
        here = build.add(in_all_lanes(build, build.trunc(entry.index, I32), _LANES), lanes)
        found = [build.select(is_better, score, best), build.select(is_better, here, names)]
        entry.carry(found)
    best, names = found
    greatest = in_all_lanes(build, build.call(greatest_of, [best]), _LANES)
    none = ir.Constant(_NUMBERS, [ENTRIES] * _LANES)
    return build.call(first_of, [build.select(build.fcmp_ordered("==", best, greatest), names, none)])
