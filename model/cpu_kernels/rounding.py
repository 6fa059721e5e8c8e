"""The kernels that turn a picture's features or codes into 16-bit integers in one pass."""

from dataclasses import dataclass
from typing import Literal

from llvmlite import ir

from model.cpu_kernels.code import I16, I32, I64, POINTER, Loop, Value, declared, element, i32

FeatureType = Literal["float32", "float16"]

TOGETHER = 8  # values per step; the channels of a picture are a multiple of it

_FLOATS = ir.VectorType(ir.FloatType(), TOGETHER)
_DOUBLES = ir.VectorType(ir.DoubleType(), TOGETHER)
_WHOLE = ir.VectorType(I32, TOGETHER)
_NUMBERS = ir.VectorType(I16, TOGETHER)
_CODE = ir.IntType(8)
_CODES = ir.VectorType(_CODE, TOGETHER)


@dataclass(frozen=True)
class _Kind:
    element: ir.Type
    bytes: int


_KINDS: dict[FeatureType, _Kind] = {
    "float32": _Kind(ir.FloatType(), 4),
    "float16": _Kind(ir.HalfType(), 2),
}
FEATURE_TYPES: tuple[FeatureType, ...] = tuple(_KINDS)
CODES_NAME = "round_codes"


def rounding_name(kind: FeatureType) -> str:
    """Return the name of the function that rounds features of a type."""
    return f"round_{kind}"


def norm_name(kind: FeatureType) -> str:
    """Return the name of the function that computes the greatest norm of features of a type."""
    return f"greatest_square_{kind}"


def write_rounding(module: ir.Module, kind: FeatureType) -> None:
    """Write the function that multiplies and rounds, half to even; values beyond 16 bits are clamped.

    C declaration::

        void round_KIND(const KIND *features, int64_t count, float factor, int16_t *numbers)

    ``count`` is a multiple of ``TOGETHER``, and at least that.
    """
    signature = ir.FunctionType(ir.VoidType(), [POINTER, I64, ir.FloatType(), POINTER])
    function = ir.Function(module, signature, name=rounding_name(kind))
    features, count, factor, numbers = function.args
    build = ir.IRBuilder(function.append_basic_block("entry"))
    factors = _in_all(build, factor)
    with Loop(build, count, TOGETHER, "values") as values:
        scaled = build.fmul(_load(build, features, values.index, kind), factors)
        _store_rounded(build, scaled, numbers, values.index)
    build.ret_void()


def write_code_rounding(module: ir.Module) -> None:
    """Write the function that gives the codes of every feature the same length, and rounds, half to even.

    C declaration::

        void round_codes(const int8_t *codes, int64_t cells, int64_t channels, float length, int16_t *numbers)

    ``channels`` is a multiple of ``TOGETHER``; both are at least 1. Codes that are all 0 stay 0. A root and a quotient
    of float32 are the same on every processor.
    """
    signature = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64, ir.FloatType(), POINTER])
    function = ir.Function(module, signature, name=CODES_NAME)
    codes, cells, channels, length, numbers = function.args
    build = ir.IRBuilder(function.append_basic_block("entry"))
    root = declared(module, "llvm.sqrt.f32", ir.FloatType(), [ir.FloatType()])
    total = declared(module, f"llvm.vector.reduce.add.v{TOGETHER}i32", I32, [_WHOLE])
    with Loop(build, cells, 1, "cell") as cell:
        first = build.mul(cell.index, channels)
        none = ir.Constant(_WHOLE, [0] * TOGETHER)
        with Loop(build, channels, TOGETHER, "together", start=[none]) as together:
            loaded = _load_codes(build, codes, build.add(first, together.index))
            squares = build.add(together.carried[0], build.mul(loaded, loaded))
            together.carry([squares])
        square = build.call(total, [squares])
        # At least 1 avoids a division by 0; integers that are not all 0 have at least this square.
        positive = build.select(build.icmp_signed(">", square, i32(1)), square, i32(1))
        factors = _in_all(build, build.fdiv(length, build.call(root, [build.sitofp(positive, ir.FloatType())])))
        with Loop(build, channels, TOGETHER, "values") as values:
            place = build.add(first, values.index)
            scaled = build.fmul(build.sitofp(_load_codes(build, codes, place), _FLOATS), factors)
            _store_rounded(build, scaled, numbers, place)
    build.ret_void()


def write_greatest_square(module: ir.Module, kind: FeatureType) -> None:
    """Write the function that computes the greatest squared norm of a picture's features.

    C declaration::

        double greatest_square_KIND(const KIND *features, int64_t cells, int64_t channels)

    ``channels`` is a multiple of ``TOGETHER``; both are at least 1.
    """
    signature = ir.FunctionType(ir.DoubleType(), [POINTER, I64, I64])
    function = ir.Function(module, signature, name=norm_name(kind))
    features, cells, channels = function.args
    build = ir.IRBuilder(function.append_basic_block("entry"))
    fused = declared(module, f"llvm.fma.v{TOGETHER}f64", _DOUBLES, [_DOUBLES, _DOUBLES, _DOUBLES])
    total = declared(module, f"llvm.vector.reduce.fadd.v{TOGETHER}f64", ir.DoubleType(), [ir.DoubleType(), _DOUBLES])
    zero = ir.Constant(ir.DoubleType(), 0.0)
    with Loop(build, cells, 1, "cell", start=[zero]) as cell:
        first = build.mul(cell.index, channels)
        none = ir.Constant(_DOUBLES, [0.0] * TOGETHER)
        with Loop(build, channels, TOGETHER, "values", start=[none]) as values:
            loaded = _load(build, features, build.add(first, values.index), kind)
            exact = build.fpext(loaded, _DOUBLES)
            squares = build.call(fused, [exact, exact, values.carried[0]])
            values.carry([squares])
        square = build.call(total, [zero, squares])
        greatest = build.select(build.fcmp_ordered(">", square, cell.carried[0]), square, cell.carried[0])
        cell.carry([greatest])
    build.ret(greatest)


def _load(build: ir.IRBuilder, features: Value, index: Value, kind: FeatureType) -> Value:
    """Load values from ``index`` on, as float32."""
    stored = _KINDS[kind]
    place = element(build, features, index, stored.element)
    values = build.load(place, typ=ir.VectorType(stored.element, TOGETHER), align=stored.bytes)
    return values if kind == "float32" else build.fpext(values, _FLOATS)


def _load_codes(build: ir.IRBuilder, codes: Value, index: Value) -> Value:
    """Load codes from ``index`` on, as int32."""
    return build.sext(build.load(element(build, codes, index, _CODE), typ=_CODES, align=1), _WHOLE)


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
