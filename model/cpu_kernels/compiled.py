"""The kernels as functions that Python can call; they release Python's lock while they run."""

from collections.abc import Callable
from ctypes import CFUNCTYPE, c_double, c_int64, c_void_p
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import llvmlite.binding as llvm
from llvmlite import ir

from model.cpu_kernels import counting, nearest, rounding
from model.cpu_kernels.rounding import FEATURE_TYPES, FeatureType
from model.cpu_kernels.tiles import Tile, best_tile

Function = Callable[..., Any]
"""A kernel as a function of ctypes; the files of the kernels describe the arguments."""


@dataclass(frozen=True)
class Kernels:
    """Hold all kernels for one tile.

    Attributes:
        tile: The tile.
        round: ``model.cpu_kernels.rounding.write_rounding``, by type.
        find: ``model.cpu_kernels.counting.write_finding``, by type.
        count: ``model.cpu_kernels.counting.write_counting``, by type.
        squares: ``model.cpu_kernels.counting.write_squares``.
        engine: Owns the machine code.
    """

    tile: Tile
    round: dict[FeatureType, Function]
    find: dict[FeatureType, Function]
    count: dict[FeatureType, Function]
    squares: Function
    engine: Any


def host_tile() -> Tile | None:
    """Return the best tile for this processor; None if the processor has none of the instructions."""
    features = llvm.get_host_cpu_features()
    return best_tile({name for name, is_there in features.items() if is_there})


@cache
def kernels_for(tile: Tile) -> Kernels:
    """Make the kernels in about a tenth of a second, or return the earlier ones."""
    module = ir.Module(name="placefix")
    nearest.NearestKernel(module, tile)
    counting.write_count_above(module)
    counting.write_squares(module)
    for kind in FEATURE_TYPES:
        rounding.write_rounding(module, kind)
        counting.write_finding(module, kind)
        counting.write_counting(module, kind)
    engine = _compiled(str(module))

    def function(name: str, *arguments: Any) -> Function:
        return cast("Function", CFUNCTYPE(None, *arguments)(engine.get_function_address(name)))

    candidate = [c_void_p, c_int64, c_int64]
    return Kernels(
        tile=tile,
        round={kind: function(rounding.rounding_name(kind), *candidate, c_void_p) for kind in FEATURE_TYPES},
        find={
            kind: function(counting.finding_name(kind), c_void_p, c_int64, *candidate, c_int64, *[c_void_p] * 4)
            for kind in FEATURE_TYPES
        },
        count={
            kind: function(
                counting.counting_name(kind),
                *[c_void_p, c_int64, c_void_p, c_void_p],
                *[c_int64] * 4,
                c_double,
                *[c_void_p] * 7,
            )
            for kind in FEATURE_TYPES
        },
        squares=function(counting.SQUARES_NAME, c_void_p, c_int64, c_int64, c_void_p),
        engine=engine,
    )


def _compiled(code: str) -> Any:
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
