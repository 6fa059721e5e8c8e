"""The tile instructions of AMX: eight registers of 16 rows of 64 bytes, and products between them.

``ProcessorTiles`` writes the instructions, ``PlainTiles`` loops over memory that compute the same; the latter are for
tests on processors without AMX. Both follow Intel's "64 and IA-32 Architectures Software Developer's Manual", volume 2,
LDTILECFG, TILELOADD, TDPBSSD/TDPBSUD/TDPBUSD, TDPBF16PS and
TILESTORED.
"""

import ctypes
import platform
import sys
from abc import ABC, abstractmethod
from functools import cache
from typing import Literal

from llvmlite import ir

from model.cpu_kernels.code import (
    FLOAT,
    I8,
    I16,
    I32,
    I64,
    POINTER,
    Loop,
    Value,
    aligned_memory,
    declared,
    element,
    i32,
    i64,
    moved,
)

Signs = Literal["ss", "su", "us"]
"""Whether the bytes of two factors are signed or unsigned."""

COUNT, ROWS, ROW_BYTES = 8, 16, 64
BYTES = ROWS * ROW_BYTES

_REQUEST_PERMISSION, _TILE_DATA = 0x1023, 18  # Linux: ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
_ARCH_PRCTL = 158  # the number of the system call on x86-64
_FOUR, _FOUR_BYTES = ir.VectorType(I32, 4), ir.VectorType(I8, 4)
_LINE = ir.VectorType(I32, ROW_BYTES // 4)
_CONFIGURATION_NAME = "amx_configuration"


@cache
def may_use_tiles() -> bool:
    """Ask the operating system for the tile registers, for all threads of this process; return its answer.

    Linux lets no process use them before, because it then saves 8 kB more for each thread.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    arguments = (ctypes.c_long(each) for each in (_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA))
    return bool(ctypes.CDLL(None).syscall(*arguments) == 0)


def configuration() -> bytes:
    """Return the operand of LDTILECFG that gives all tiles their full size, 64 bytes.

    Byte 0 is the number of the palette. 16 bits for each tile from byte 16 on are the bytes of a row, and 8 bits for
    each from byte 48 on the rows. All other bytes are 0.
    """
    row_bytes = ROW_BYTES.to_bytes(2, "little") * COUNT
    return (b"\1".ljust(16, b"\0") + row_bytes.ljust(32, b"\0") + bytes([ROWS]) * COUNT).ljust(64, b"\0")


class TileCode(ABC):
    """Write operations on tiles into a function; tiles have the numbers 0 to 7.

    Args:
        build: The builder of the function, in its first block.
    """

    def __init__(self, build: ir.IRBuilder) -> None:
        self._build = build

    @abstractmethod
    def configure(self) -> None:
        """Give the tiles their size; all are 0 then."""

    @abstractmethod
    def release(self) -> None:
        """Give the tiles back, at the end of the function."""

    @abstractmethod
    def zero(self, tile: int) -> None:
        """Set a tile to 0."""

    @abstractmethod
    def load(self, tile: int, source: Value, stride_bytes: Value) -> None:
        """Load the rows of a tile, which lie ``stride_bytes`` apart."""

    @abstractmethod
    def multiply(self, sums: int, left: int, right: int, *, signs: Signs) -> None:
        """Add ``left[m][4 k + i] · right[k][4 n + i]``, for all k and i < 4, to ``sums[m][n]``, 32 bits.

        Args:
            sums: The tile with the sums.
            left: The tile on the left.
            right: The tile on the right.
            signs: Whether the bytes on the left, and those on the right, are signed.
        """

    @abstractmethod
    def multiply_bfloat16(self, sums: int, left: int, right: int) -> None:
        """Add ``left[m][2 k + i] · right[k][2 n + i]``, for all k and i < 2, to ``sums[m][n]``, float32."""

    @abstractmethod
    def store(self, tile: int, target: Value, stride_bytes: Value) -> None:
        """Store the rows of a tile, ``stride_bytes`` apart."""


class ProcessorTiles(TileCode):
    """Write the processor's instructions."""

    def configure(self) -> None:
        """See ``TileCode``."""
        module, content = self._build.module, configuration()
        constant = module.globals.get(_CONFIGURATION_NAME)
        if constant is None:
            constant = ir.GlobalVariable(module, ir.ArrayType(I8, len(content)), name=_CONFIGURATION_NAME)
            constant.global_constant = True
            constant.linkage = "internal"
            constant.align = 64
            constant.initializer = ir.Constant(constant.value_type, bytearray(content))
        self._call("ldtilecfg", [POINTER], [self._build.bitcast(constant, POINTER)])

    def release(self) -> None:
        """See ``TileCode``."""
        self._call("tilerelease", [], [])

    def zero(self, tile: int) -> None:
        """See ``TileCode``."""
        self._call("tilezero", [I8], [_number(tile)])

    def load(self, tile: int, source: Value, stride_bytes: Value) -> None:
        """See ``TileCode``."""
        self._call("tileloadd64", [I8, POINTER, I64], [_number(tile), source, stride_bytes])

    def multiply(self, sums: int, left: int, right: int, *, signs: Signs) -> None:
        """See ``TileCode``."""
        self._call(f"tdpb{signs}d", [I8] * 3, [_number(each) for each in (sums, left, right)])

    def multiply_bfloat16(self, sums: int, left: int, right: int) -> None:
        """See ``TileCode``."""
        self._call("tdpbf16ps", [I8] * 3, [_number(each) for each in (sums, left, right)])

    def store(self, tile: int, target: Value, stride_bytes: Value) -> None:
        """See ``TileCode``."""
        self._call("tilestored64", [I8, POINTER, I64], [_number(tile), target, stride_bytes])

    def _call(self, name: str, types: list[ir.Type], arguments: list[Value]) -> None:
        self._build.call(declared(self._build.module, f"llvm.x86.{name}", ir.VoidType(), types), arguments)


class PlainTiles(TileCode):
    """Write loops over memory of the function."""

    def __init__(self, build: ir.IRBuilder) -> None:
        super().__init__(build)
        self._tiles = aligned_memory(build, COUNT * BYTES)

    def configure(self) -> None:
        """See ``TileCode``."""
        for tile in range(COUNT):
            self.zero(tile)

    def release(self) -> None:
        """See ``TileCode``; memory of a function needs nothing."""

    def zero(self, tile: int) -> None:
        """See ``TileCode``."""
        build = self._build
        with Loop(build, i64(BYTES), ROW_BYTES, "zero") as row:
            build.store(ir.Constant(_LINE, [0] * 16), moved(build, self._tile(tile), row.index), align=64)

    def load(self, tile: int, source: Value, stride_bytes: Value) -> None:
        """See ``TileCode``."""
        build = self._build
        with Loop(build, i64(ROWS), 1, "load") as row:
            line = build.load(moved(build, source, build.mul(row.index, stride_bytes)), typ=_LINE, align=1)
            build.store(line, moved(build, self._tile(tile), build.mul(row.index, i64(ROW_BYTES))), align=64)

    def multiply(self, sums: int, left: int, right: int, *, signs: Signs) -> None:
        """See ``TileCode``."""
        build = self._build
        of_left, of_right = (build.sext if sign == "s" else build.zext for sign in signs)
        total = declared(build.module, "llvm.vector.reduce.add.v4i32", I32, [_FOUR])

        def four(tile: int, row: Value, column: Value) -> Value:
            place = element(build, self._tile(tile), build.add(build.mul(row, i64(ROW_BYTES // 4)), column))
            return build.load(place, typ=_FOUR_BYTES, align=4)

        with Loop(build, i64(ROWS), 1, "m") as m, Loop(build, i64(ROW_BYTES // 4), 1, "n") as n:
            place = element(build, self._tile(sums), build.add(build.mul(m.index, i64(ROW_BYTES // 4)), n.index))
            with Loop(build, i64(ROWS), 1, "k", start=[build.load(place, typ=I32, align=4)]) as k:
                factors = of_left(four(left, m.index, k.index), _FOUR), of_right(four(right, k.index, n.index), _FOUR)
                so_far = build.add(k.carried[0], build.call(total, [build.mul(*factors)]))
                k.carry([so_far])
            build.store(so_far, place, align=4)

    def multiply_bfloat16(self, sums: int, left: int, right: int) -> None:
        """See ``TileCode``."""
        build = self._build

        def number(tile: int, row: Value, column: Value) -> Value:
            """Load 16 bits; followed by 16 zeros, they are a float32."""
            place = element(build, self._tile(tile), build.add(build.mul(row, i64(ROW_BYTES // 2)), column), I16)
            return build.bitcast(build.shl(build.zext(build.load(place, typ=I16, align=2), I32), i32(16)), FLOAT)

        with Loop(build, i64(ROWS), 1, "m") as m, Loop(build, i64(ROW_BYTES // 4), 1, "n") as n:
            place = element(build, self._tile(sums), build.add(build.mul(m.index, i64(ROW_BYTES // 4)), n.index), FLOAT)
            with Loop(build, i64(ROW_BYTES // 2), 1, "k", start=[build.load(place, typ=FLOAT, align=4)]) as k:
                row, of_pair = build.lshr(k.index, i64(1)), build.and_(k.index, i64(1))
                column = build.add(build.shl(n.index, i64(1)), of_pair)
                factors = number(left, m.index, k.index), number(right, row, column)
                so_far = build.fadd(k.carried[0], build.fmul(*factors))
                k.carry([so_far])
            build.store(so_far, place, align=4)

    def store(self, tile: int, target: Value, stride_bytes: Value) -> None:
        """See ``TileCode``."""
        build = self._build
        with Loop(build, i64(ROWS), 1, "store") as row:
            line = moved(build, self._tile(tile), build.mul(row.index, i64(ROW_BYTES)))
            place = moved(build, target, build.mul(row.index, stride_bytes))
            build.store(build.load(line, typ=_LINE, align=64), place, align=1)

    def _tile(self, tile: int) -> Value:
        return moved(self._build, self._tiles, i64(tile * BYTES))


def _number(tile: int) -> Value:
    return ir.Constant(I8, tile)
