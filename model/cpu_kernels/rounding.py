"""The kernels that turn a picture's features or codes into the whole numbers that are multiplied."""

from dataclasses import dataclass
from typing import Literal

from llvmlite import ir

from model.cpu_kernels.code import FLOAT, I8, I16, I32, I64, POINTER, Loop, Value, declared, element, i64, in_all_lanes
from model.cpu_kernels.tiles import NumberType

FeatureType = Literal["float32", "float16", "int8"]

GREATEST_NORM = 32_700
"""The greatest norm of a rounded feature: below 2¹⁵, with room for the rounding error of a norm."""

TOGETHER = 8  # values per step; the channels of a picture are a multiple of it

_FLOATS = ir.VectorType(FLOAT, TOGETHER)
_DOUBLE = ir.DoubleType()
_DOUBLES = ir.VectorType(_DOUBLE, TOGETHER)
_EXPONENT_FROM, _EXPONENT_BIAS = 52, 1023  # where the exponent of a float64 begins, and its bias
_WHOLE = ir.VectorType(I32, TOGETHER)
_NUMBERS = ir.VectorType(I16, TOGETHER)


@dataclass(frozen=True)
class _Kind:
    element: ir.Type
    bytes: int


_KINDS: dict[FeatureType, _Kind] = {
    "float32": _Kind(FLOAT, 4),
    "float16": _Kind(ir.HalfType(), 2),
    "int8": _Kind(I8, 1),
}
FEATURE_TYPES: tuple[FeatureType, ...] = tuple(_KINDS)


def number_type(numbers: NumberType) -> ir.Type:
    """Return LLVM's type of the numbers that a kernel multiplies."""
    return {"int16": I16, "int8": I8}[numbers]


def element_type(kind: FeatureType) -> ir.Type:
    """Return LLVM's type of a value."""
    return _KINDS[kind].element


def reading_name(kind: FeatureType) -> str:
    """Return the name of the function that reads features of a type, or codes."""
    return f"read_{kind}"


def write_reading(module: ir.Module, kind: FeatureType, numbers_are: NumberType) -> None:
    """Write the function that turns the features or codes of a picture into whole numbers.

    C declaration::

        void read_KIND(const KIND *features, int64_t cells, int64_t channels, NUMBER *numbers)

    ``channels`` is a multiple of ``TOGETHER``; both are at least 1. All features of a picture are multiplied by the
    greatest power of two that keeps each norm within ``GREATEST_NORM``, and rounded, half to even: one factor for all
    keeps the order of products. Codes keep their values.

    Args:
        module: The module that gets the function.
        kind: The type of the features.
        numbers_are: The type of the numbers; features have 16 bits.
    """
    number = number_type(numbers_are)
    signature = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64, POINTER])
    function = ir.Function(module, signature, name=reading_name(kind))
    features, cells, channels, numbers = function.args
    build = ir.IRBuilder(function.append_basic_block("entry"))
    factors = None
    if kind != "int8":
        factors = in_all_lanes(build, _factor_of_features(build, features, cells, channels, kind), TOGETHER)
    with Loop(build, build.mul(cells, channels), TOGETHER, "values") as values:
        loaded = _load(build, features, values.index, kind)
        place = element(build, numbers, values.index, number)
        if factors is None:
            codes = loaded if number == I8 else build.sext(loaded, ir.VectorType(number, TOGETHER))
            build.store(codes, place, align=number.width // 8)
        else:
            features_here = loaded if kind == "float32" else build.fpext(loaded, _FLOATS)
            _store_rounded(build, build.fmul(features_here, factors), place)
    build.ret_void()


def _factor_of_features(
    build: ir.IRBuilder, features: Value, cells: Value, channels: Value, kind: FeatureType
) -> Value:
    """Return the factor, a float32 and a power of two, for all features of a picture.

    With the greatest square s of a norm, it is the greatest 2ⁿ with 4ⁿ · s ≤ ``GREATEST_NORM``². So 2n is the exponent
    of ``GREATEST_NORM``² / s as a float64, or one less. Features that are all 0, or have NaN, keep their values.
    """
    square = _greatest_square(build, features, cells, channels, kind)
    ratio = build.fdiv(ir.Constant(_DOUBLE, float(GREATEST_NORM**2)), square)
    exponent = build.sub(build.lshr(build.bitcast(ratio, I64), i64(_EXPONENT_FROM)), i64(_EXPONENT_BIAS))
    half = build.ashr(exponent, i64(1))
    least, most = i64(-126), i64(127)  # the range of float32
    half = build.select(build.icmp_signed("<", half, least), least, half)
    half = build.select(build.icmp_signed(">", half, most), most, half)
    bits = build.shl(build.add(half, i64(_EXPONENT_BIAS)), i64(_EXPONENT_FROM))
    power = build.fptrunc(build.bitcast(bits, _DOUBLE), FLOAT)
    is_positive = build.fcmp_ordered(">", square, ir.Constant(_DOUBLE, 0.0))
    return build.select(is_positive, power, ir.Constant(FLOAT, 1.0))


def _greatest_square(build: ir.IRBuilder, features: Value, cells: Value, channels: Value, kind: FeatureType) -> Value:
    """Return the greatest squared norm of a picture's features, float64."""
    fused = declared(build.module, f"llvm.fma.v{TOGETHER}f64", _DOUBLES, [_DOUBLES, _DOUBLES, _DOUBLES])
    total = declared(build.module, f"llvm.vector.reduce.fadd.v{TOGETHER}f64", _DOUBLE, [_DOUBLE, _DOUBLES])
    zero = ir.Constant(_DOUBLE, 0.0)
    with Loop(build, cells, 1, "norm", start=[zero]) as cell:
        first = build.mul(cell.index, channels)
        none = ir.Constant(_DOUBLES, [0.0] * TOGETHER)
        with Loop(build, channels, TOGETHER, "squared", start=[none]) as values:
            loaded = _load(build, features, build.add(first, values.index), kind)
            exact = build.fpext(loaded, _DOUBLES)
            squares = build.call(fused, [exact, exact, values.carried[0]])
            values.carry([squares])
        square = build.call(total, [zero, squares])
        greatest = build.select(build.fcmp_ordered(">", square, cell.carried[0]), square, cell.carried[0])
        cell.carry([greatest])
    return greatest


def _load(build: ir.IRBuilder, features: Value, index: Value, kind: FeatureType) -> Value:
    """Load values from ``index`` on."""
    stored = _KINDS[kind]
    place = element(build, features, index, stored.element)
    return build.load(place, typ=ir.VectorType(stored.element, TOGETHER), align=stored.bytes)


def _store_rounded(build: ir.IRBuilder, values: Value, place: Value) -> None:
    """Round float32 and store them as int16; values beyond 16 bits are clamped before.

    LLVM's own conversion with saturation takes twice as long, because it also cares for NaN.
    """
    nearest = declared(build.module, f"llvm.roundeven.v{TOGETHER}f32", _FLOATS, [_FLOATS])
    most, least = (ir.Constant(_FLOATS, [float(limit)] * TOGETHER) for limit in (2**15 - 1, -(2**15)))
    above = build.select(build.fcmp_ordered(">", values, least), values, least)
    clamped = build.select(build.fcmp_ordered("<", above, most), above, most)
    whole = build.fptosi(build.call(nearest, [clamped]), _WHOLE)
    build.store(build.trunc(whole, _NUMBERS), place, align=2)
