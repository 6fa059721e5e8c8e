"""The exponential function of vectors, for numbers that are not above 0."""

import math
from collections.abc import Callable

from llvmlite import ir

from model.cpu_kernels.code import FLOAT, I32, Value, declared

_LEAST = -87.0  # the exponential of it is the least float32 with a full mantissa, nearly

# ln 2 in two parts; the first has zeros at its end, so its products with whole numbers up to 127 are exact.
_LN2_FIRST = 0.693359375
_LN2_REST = math.log(2) - _LN2_FIRST

_TERMS = 6
_COEFFICIENTS = [1 / math.factorial(power) for power in range(_TERMS - 1, -1, -1)]
_MANTISSA_BITS, _BIAS = 23, 127


def write_exponential(build: ir.IRBuilder, lanes: int) -> Callable[[Value], Value]:
    """Return a function that writes the exponential of a vector of float32, at most 0.

    With n the nearest whole number to x / ln 2, eˣ is 2ⁿ · e^(x - n · ln 2). The second exponent is at most 0.35, and
    the first six terms of its series err by less than 4 · 10⁻⁶ of the result; bfloat16 rounds by 4 · 10⁻³. Numbers
    below -87, and -∞, give e⁻⁸⁷; NaN gives NaN.

    Args:
        build: The builder of the function.
        lanes: The numbers of the vector.
    """
    floats, whole = ir.VectorType(FLOAT, lanes), ir.VectorType(I32, lanes)
    fused = declared(build.module, f"llvm.fma.v{lanes}f32", floats, [floats] * 3)
    nearest = declared(build.module, f"llvm.roundeven.v{lanes}f32", floats, [floats])

    def constant(number: float) -> Value:
        return ir.Constant(floats, [number] * lanes)

    def exponential(numbers: Value) -> Value:
        clamped = build.select(build.fcmp_ordered("<", numbers, constant(_LEAST)), constant(_LEAST), numbers)
        power = build.call(nearest, [build.fmul(clamped, constant(1 / math.log(2)))])
        rest = build.call(fused, [power, constant(-_LN2_FIRST), clamped])
        rest = build.call(fused, [power, constant(-_LN2_REST), rest])
        series = constant(_COEFFICIENTS[0])
        for coefficient in _COEFFICIENTS[1:]:
            series = build.call(fused, [series, rest, constant(coefficient)])
        exponent = build.add(build.fptosi(power, whole), ir.Constant(whole, [_BIAS] * lanes))
        shifted = build.shl(exponent, ir.Constant(whole, [_MANTISSA_BITS] * lanes))
        return build.fmul(series, build.bitcast(shifted, floats))

    return exponential
