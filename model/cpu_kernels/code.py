"""Additions to LLVM's builder: loops, addresses and constants."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, TypeAlias

from llvmlite import ir

Value: TypeAlias = Any
"""A value of LLVM; its library has no types."""

I1, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
FLOAT = ir.FloatType()
POINTER = ir.PointerType()


class Loop:
    """Write a loop ``for (index = 0; index < limit; index += step)`` that runs at least once, as a context.

    Attributes:
        index: The index, 64 bits.
        carried: The values carried between iterations: first ``start``, then the arguments of the last ``carry``.

    Args:
        build: The builder; after the context it writes behind the loop.
        limit: The limit, 64 bits, greater than 0.
        step: The step, greater than 0.
        name: The name of its block in the code.
        start: The first carried values.
    """

    def __init__(self, build: ir.IRBuilder, limit: Value, step: int, name: str, start: Sequence[Value] = ()) -> None:
        self._build = build
        self._limit = limit
        self._step = step
        before = build.block
        self._block = build.append_basic_block(name)
        build.branch(self._block)
        build.position_at_end(self._block)
        self._phis = [build.phi(value.type) for value in (i64(0), *start)]
        for phi, value in zip(self._phis, (i64(0), *start), strict=True):
            phi.add_incoming(value, before)
        self.index: Value = self._phis[0]
        self.carried: list[Value] = self._phis[1:]
        self._next: Sequence[Value] = ()

    def carry(self, values: Sequence[Value]) -> None:
        """Set the carried values of the next iteration, and of the code behind the loop."""
        self._next = values

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            return
        build = self._build
        index = build.add(self.index, i64(self._step))
        for phi, value in zip(self._phis, (index, *self._next), strict=True):
            phi.add_incoming(value, build.block)
        behind = build.append_basic_block(f"after_{self._block.name}")
        build.cbranch(build.icmp_unsigned("<", index, self._limit), self._block, behind)
        build.position_at_end(behind)


def i32(number: int) -> Value:
    """Return a constant of 32 bits."""
    return ir.Constant(I32, number)


def i64(number: int) -> Value:
    """Return a constant of 64 bits."""
    return ir.Constant(I64, number)


def moved(build: ir.IRBuilder, pointer: Value, distance_bytes: Value) -> Value:
    """Return a pointer moved by a number of bytes."""
    return build.gep(pointer, [distance_bytes], source_etype=I8)


def element(build: ir.IRBuilder, pointer: Value, index: Value, kind: ir.Type = I32) -> Value:
    """Return a pointer to an element of an array."""
    return build.gep(pointer, [index], source_etype=kind)


def aligned_memory(build: ir.IRBuilder, size_bytes: int) -> Value:
    """Return memory of a function that begins where a line of the cache begins."""
    memory = build.alloca(ir.ArrayType(I8, size_bytes))
    memory.align = 64
    memory.type = POINTER  # llvmlite would let it hold nothing but whole arrays
    return memory


def in_all_lanes(build: ir.IRBuilder, number: Value, lanes: int) -> Value:
    """Return a vector with this number in every lane."""
    undefined = ir.Constant(ir.VectorType(number.type, lanes), ir.Undefined)
    first = build.insert_element(undefined, number, i32(0))
    return build.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(I32, lanes), [0] * lanes))


def declared(module: ir.Module, name: str, result: ir.Type, arguments: Sequence[ir.Type]) -> Value:
    """Declare an intrinsic function of LLVM or the processor, or return the earlier declaration."""
    known = module.globals.get(name)
    return known if known is not None else ir.Function(module, ir.FunctionType(result, arguments), name=name)
