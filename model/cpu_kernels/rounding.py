"""The kernels that make whole numbers of 16 bits of a picture's features, in one pass over them."""

from dataclasses import dataclass
from typing import Literal

from llvmlite import ir

from model.cpu_kernels.code import I16, I32, I64, POINTER, Loop, Value, declared, element

FeatureType = Literal["float32", "float16", "int8"]

TOGETHER = 8  # values; the channels of a picture are a multiple of it

_FLOATS = ir.VectorType(ir.FloatType(), TOGETHER)
_DOUBLES = ir.VectorType(ir.DoubleType(), TOGETHER)
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


def rounding_name(kind: FeatureType) -> str:
    """Name of the function that rounds features of this type."""
    return f"round_{kind}"


def norm_name(kind: FeatureType) -> str:
    """Name of the function that finds their greatest norm."""
    return f"greatest_square_{kind}"


def write_rounding(module: ir.Module, kind: FeatureType) -> None:
    """Writes the function that multiplies and rounds, half to even; beyond 16 bits the nearest number that they hold.

    C declaration::

        void round_KIND(const KIND *features, int64_t count, float factor, int16_t *numbers)

    ``count`` is a multiple of ``TOGETHER``, and at least that.
    """
    signature = ir.FunctionType(ir.VoidType(), [POINTER, I64, ir.FloatType(), POINTER])
    function = ir.Function(module, signature, name=rounding_name(kind))
    features, count, factor, numbers = function.args
    build = ir.IRBuilder(function.append_basic_block("entry"))
    nearest = declared(module, f"llvm.roundeven.v{TOGETHER}f32", _FLOATS, [_FLOATS])
    whole = declared(module, f"llvm.fptosi.sat.v{TOGETHER}i16.v{TOGETHER}f32", _NUMBERS, [_FLOATS])
    undefined = ir.Constant(_FLOATS, ir.Undefined)
    factors = build.shuffle_vector(
        build.insert_element(undefined, factor, ir.Constant(I32, 0)),
        undefined,
        ir.Constant(ir.VectorType(I32, TOGETHER), [0] * TOGETHER),
    )
    with Loop(build, count, TOGETHER, "values") as values:
        scaled = build.fmul(_load(build, features, values.index, kind), factors)
        rounded = build.call(whole, [build.call(nearest, [scaled])])
        build.store(rounded, element(build, numbers, values.index, I16), align=2)
    build.ret_void()


def write_greatest_square(module: ir.Module, kind: FeatureType) -> None:
    """Writes the function that finds the greatest squared norm of a picture's features.

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
    """Values from ``index`` on, as float32."""
    stored = _KINDS[kind]
    place = element(build, features, index, stored.element)
    values = build.load(place, typ=ir.VectorType(stored.element, TOGETHER), align=stored.bytes)
    if kind == "float32":
        return values
    return build.sitofp(values, _FLOATS) if kind == "int8" else build.fpext(values, _FLOATS)
