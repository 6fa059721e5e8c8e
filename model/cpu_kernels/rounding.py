"""The kernels that turn a picture's features or codes into 16-bit integers."""

from dataclasses import dataclass
from typing import Literal

from llvmlite import ir

from model.cpu_kernels.code import I16, I32, I64, POINTER, Loop, Value, declared, element, i32, i64

FeatureType = Literal["float32", "float16", "int8"]

GREATEST_NORM = 32_700
"""The greatest norm of a rounded feature: below 2¹⁵, with room for the rounding error of a norm."""

TOGETHER = 8  # values per step; the channels of a picture are a multiple of it

_FLOATS = ir.VectorType(ir.FloatType(), TOGETHER)
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
    "float32": _Kind(ir.FloatType(), 4),
    "float16": _Kind(ir.HalfType(), 2),
    "int8": _Kind(ir.IntType(8), 1),
}
FEATURE_TYPES: tuple[FeatureType, ...] = tuple(_KINDS)


def element_type(kind: FeatureType) -> ir.Type:
    """Return LLVM's type of a value."""
    return _KINDS[kind].element


def rounding_name(kind: FeatureType) -> str:
    """Return the name of the function that rounds features of a type, or codes."""
    return f"round_{kind}"


def write_rounding(module: ir.Module, kind: FeatureType) -> None:
    """Write the function that scales the cells of a picture and rounds them, half to even.

    C declaration::

        void round_KIND(const KIND *features, int64_t cells, int64_t channels, int16_t *numbers)

    ``channels`` is a multiple of ``TOGETHER``; both are at least 1. All features of a picture are multiplied by the
    greatest power of two that keeps each norm within ``GREATEST_NORM``: one factor for all keeps the order of
    products. Codes are scaled cell by cell to the length ``GREATEST_NORM``, and codes that are all 0 stay 0. A root and
    a quotient of float32 are the same on every processor.
    """
    signature = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64, POINTER])
    function = ir.Function(module, signature, name=rounding_name(kind))
    features, cells, channels, numbers = function.args
    build = ir.IRBuilder(function.append_basic_block("entry"))
    if kind == "int8":
        with Loop(build, cells, 1, "cell") as cell:
            first = build.mul(cell.index, channels)
            factor = _factor_of_codes(build, features, first, channels)
            _write_rounded(build, features, first, channels, factor, numbers, kind)
    else:
        factor = _factor_of_features(build, features, cells, channels, kind)
        _write_rounded(build, features, i64(0), build.mul(cells, channels), factor, numbers, kind)
    build.ret_void()


def _write_rounded(
    build: ir.IRBuilder, features: Value, first: Value, count: Value, factor: Value, numbers: Value, kind: FeatureType
) -> None:
    """Write the loop that multiplies and rounds some values."""
    factors = _in_all(build, factor)
    with Loop(build, count, TOGETHER, "values") as values:
        place = build.add(first, values.index)
        _store_rounded(build, build.fmul(_load(build, features, place, kind), factors), numbers, place)


def _factor_of_codes(build: ir.IRBuilder, codes: Value, first: Value, channels: Value) -> Value:
    """Return the factor, float32, that gives the codes of a cell the length ``GREATEST_NORM``."""
    root = declared(build.module, "llvm.sqrt.f32", ir.FloatType(), [ir.FloatType()])
    total = declared(build.module, f"llvm.vector.reduce.add.v{TOGETHER}i32", I32, [_WHOLE])
    with Loop(build, channels, TOGETHER, "together", start=[ir.Constant(_WHOLE, [0] * TOGETHER)]) as together:
        loaded = _load_codes(build, codes, build.add(first, together.index))
        squares = build.add(together.carried[0], build.mul(loaded, loaded))
        together.carry([squares])
    square = build.call(total, [squares])
    # At least 1 avoids a division by 0; integers that are not all 0 have at least this square.
    positive = build.select(build.icmp_signed(">", square, i32(1)), square, i32(1))
    length = build.call(root, [build.sitofp(positive, ir.FloatType())])
    return build.fdiv(ir.Constant(ir.FloatType(), float(GREATEST_NORM)), length)


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
    power = build.fptrunc(build.bitcast(bits, _DOUBLE), ir.FloatType())
    is_positive = build.fcmp_ordered(">", square, ir.Constant(_DOUBLE, 0.0))
    return build.select(is_positive, power, ir.Constant(ir.FloatType(), 1.0))


def _greatest_square(build: ir.IRBuilder, features: Value, cells: Value, channels: Value, kind: FeatureType) -> Value:
    """Return the greatest squared norm of a picture's features, float64."""
    fused = declared(build.module, f"llvm.fma.v{TOGETHER}f64", _DOUBLES, [_DOUBLES, _DOUBLES, _DOUBLES])
    total = declared(build.module, f"llvm.vector.reduce.fadd.v{TOGETHER}f64", _DOUBLE, [_DOUBLE, _DOUBLES])
    zero = ir.Constant(_DOUBLE, 0.0)
    with Loop(build, cells, 1, "norm", start=[zero]) as cell:
        first = build.mul(cell.index, channels)
        none = ir.Constant(_DOUBLES, [0.0] * TOGETHER)
        with Loop(build, channels, TOGETHER, "squared", start=[none]) as values:
            exact = build.fpext(_load(build, features, build.add(first, values.index), kind), _DOUBLES)
            squares = build.call(fused, [exact, exact, values.carried[0]])
            values.carry([squares])
        square = build.call(total, [zero, squares])
        greatest = build.select(build.fcmp_ordered(">", square, cell.carried[0]), square, cell.carried[0])
        cell.carry([greatest])
    return greatest


def _load(build: ir.IRBuilder, features: Value, index: Value, kind: FeatureType) -> Value:
    """Load values from ``index`` on, as float32."""
    if kind == "int8":
        return build.sitofp(_load_codes(build, features, index), _FLOATS)
    stored = _KINDS[kind]
    place = element(build, features, index, stored.element)
    values = build.load(place, typ=ir.VectorType(stored.element, TOGETHER), align=stored.bytes)
    return values if kind == "float32" else build.fpext(values, _FLOATS)


def _load_codes(build: ir.IRBuilder, codes: Value, index: Value) -> Value:
    """Load codes from ``index`` on, as int32."""
    code = _KINDS["int8"].element
    loaded = build.load(element(build, codes, index, code), typ=ir.VectorType(code, TOGETHER), align=1)
    return build.sext(loaded, _WHOLE)


def _store_rounded(build: ir.IRBuilder, values: Value, numbers: Value, index: Value) -> None:
    """Round float32 and store them from ``index`` on, as int16; values beyond 16 bits are clamped before.

    LLVM's own conversion with saturation takes twice as long, because it also cares for NaN.
    """
    nearest = declared(build.module, f"llvm.roundeven.v{TOGETHER}f32", _FLOATS, [_FLOATS])
    most, least = (ir.Constant(_FLOATS, [float(limit)] * TOGETHER) for limit in (2**15 - 1, -(2**15)))
    above = build.select(build.fcmp_ordered(">", values, least), values, least)
    clamped = build.select(build.fcmp_ordered("<", above, most), above, most)
    whole = build.fptosi(build.call(nearest, [clamped]), _WHOLE)
    build.store(build.trunc(whole, _NUMBERS), element(build, numbers, index, I16), align=2)


def _in_all(build: ir.IRBuilder, number: Value) -> Value:
    """Return a vector with this float32 in every lane."""
    undefined = ir.Constant(_FLOATS, ir.Undefined)
    first = build.insert_element(undefined, number, i32(0))
    return build.shuffle_vector(first, undefined, ir.Constant(_WHOLE, [0] * TOGETHER))
