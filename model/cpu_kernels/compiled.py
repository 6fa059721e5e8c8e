"""The kernels as functions that Python can call; they release Python's lock while they run."""

from collections.abc import Callable
from ctypes import CFUNCTYPE, c_double, c_int64, c_void_p
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import llvmlite.binding as llvm
from llvmlite import ir

from model.cpu_kernels import counting, rounding
from model.cpu_kernels.amx_nearest import AmxNearestKernel
from model.cpu_kernels.amx_tiles import may_use_tiles
from model.cpu_kernels.arranging import arranging_name, write_arranging
from model.cpu_kernels.nearest import NearestKernel
from model.cpu_kernels.rounding import FEATURE_TYPES, FeatureType
from model.cpu_kernels.tiles import AmxTile, AnyTile, Tile, best_tile, kernel_name

Function = Callable[..., Any]
"""A kernel as a function of ctypes; the files of the kernels describe the arguments."""


@dataclass(frozen=True)
class Kernels:
    """Hold all kernels of a process.

    Attributes:
        tiles: The tile of the candidates, by type.
        read: ``model.cpu_kernels.rounding.write_reading``, by type.
        arrange: ``model.cpu_kernels.arranging.write_arranging``, by type.
        find: ``model.cpu_kernels.counting.write_finding``, by type.
        count: ``model.cpu_kernels.counting.write_counting``, by type.
        squares: ``model.cpu_kernels.counting.write_squares``, for 16 bits.
        count_above: ``model.cpu_kernels.counting.write_count_above``.
        engine: Owns the machine code.
    """

    tiles: dict[FeatureType, AnyTile]
    read: dict[FeatureType, Function]
    arrange: dict[FeatureType, Function]
    find: dict[FeatureType, Function]
    count: dict[FeatureType, Function]
    squares: Function
    count_above: Function
    engine: Any

    @property
    def names(self) -> dict[FeatureType, str]:
        """Return the name of the kernel that counts features of a type, or codes."""
        return {kind: kernel_name(tile) for kind, tile in self.tiles.items()}


def host_tile() -> Tile | None:
    """Return the best tile for this processor; None if the processor has none of the instructions."""
    return best_tile(_host_features())


def host_amx_tile() -> AmxTile | None:
    """Return the tile for codes if this processor has AMX and the operating system permits it; else None."""
    return AmxTile() if _host_features() >= AmxTile.needs and may_use_tiles() else None


@cache
def kernels_for(tile: Tile, amx: AmxTile | None = None) -> Kernels:
    """Make the kernels in about a tenth of a second, or return the earlier ones.

    Args:
        tile: The tile of features; without another one also of codes.
        amx: The tile of codes.
    """
    tiles: dict[FeatureType, AnyTile] = dict.fromkeys(FEATURE_TYPES, tile)
    if amx is not None:
        tiles["int8"] = amx
    engine = compiled(str(written(tiles)))

    def function(name: str, *arguments: Any, result: Any = None) -> Function:
        return cast("Function", CFUNCTYPE(result, *arguments)(engine.get_function_address(name)))

    candidate = [c_void_p, c_int64, c_int64]
    return Kernels(
        tiles=tiles,
        read={kind: function(rounding.reading_name(kind), *candidate, c_void_p) for kind in FEATURE_TYPES},
        arrange={
            kind: function(arranging_name(tile.numbers), c_void_p, c_int64, c_int64, c_void_p)
            for kind, tile in tiles.items()
        },
        find={
            kind: function(counting.finding_name(kind), c_void_p, c_int64, *candidate, c_int64, *[c_void_p] * 6)
            for kind in FEATURE_TYPES
        },
        count={
            kind: function(
                counting.counting_name(kind),
                *[c_void_p, c_int64, c_void_p, c_void_p],
                *[c_int64] * 4,
                c_double,
                *[c_void_p] * 8,
            )
            for kind in FEATURE_TYPES
        },
        squares=function(counting.squares_name(tile.numbers), c_void_p, c_int64, c_int64, c_void_p),
        count_above=function(counting.COUNT_ABOVE_NAME, *[c_void_p] * 5, c_int64, c_double, result=c_int64),
        engine=engine,
    )


def written(tiles: dict[FeatureType, AnyTile]) -> ir.Module:
    """Write all kernels.

    Args:
        tiles: The tile of the candidates, for each type.
    """
    module = ir.Module(name="placefix")
    for tile in {tile.numbers: tile for tile in tiles.values()}.values():
        if isinstance(tile, AmxTile):
            AmxNearestKernel(module, tile)
        else:
            NearestKernel(module, tile)
        write_arranging(module, tile)
        counting.write_squares(module, tile.numbers)
    counting.write_count_above(module)
    for kind, tile in tiles.items():
        rounding.write_reading(module, kind, tile.numbers)
        counting.write_finding(module, kind, tile.numbers)
        counting.write_counting(module, kind)
    return module


def _host_features() -> frozenset[str]:
    """Return the features of this processor that the operating system supports, by LLVM's names."""
    return frozenset(name for name, is_there in llvm.get_host_cpu_features().items() if is_there)


def compiled(code: str) -> Any:
    """Compile for this processor."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(code)
    module.verify()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3, jit=True
    )
    # The useful loops are already unrolled: more would only take registers from the scores.
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine
