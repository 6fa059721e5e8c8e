"""The kernels as functions that Python can call; they release Python's lock while they run."""

from collections.abc import Callable
from ctypes import CFUNCTYPE, c_double, c_float, c_int64, c_void_p
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
        nearest: ``model.cpu_kernels.nearest.NearestKernel``.
        count_mutual: ``model.cpu_kernels.counting.write_count``.
        count_mutual_above: ``model.cpu_kernels.counting.write_count_above``.
        squares: ``model.cpu_kernels.counting.write_squares``.
        greatest_square: ``model.cpu_kernels.rounding.write_greatest_square``, by type.
        round: ``model.cpu_kernels.rounding.write_rounding``, by type.
        round_codes: ``model.cpu_kernels.rounding.write_code_rounding``.
        engine: Owns the machine code.
    """

    tile: Tile
    nearest: Function
    count_mutual: Function
    count_mutual_above: Function
    squares: Function
    greatest_square: dict[FeatureType, Function]
    round: dict[FeatureType, Function]
    round_codes: Function
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
    counting.write_count(module)
    counting.write_count_above(module)
    counting.write_squares(module)
    for kind in FEATURE_TYPES:
        rounding.write_greatest_square(module, kind)
        rounding.write_rounding(module, kind)
    rounding.write_code_rounding(module)
    engine = _compiled(str(module))

    def function(name: str, result: Any, *arguments: Any) -> Function:
        return cast("Function", CFUNCTYPE(result, *arguments)(engine.get_function_address(name)))

    pointers = [c_void_p] * 3
    return Kernels(
        tile=tile,
        nearest=function(nearest.NAME, None, c_void_p, c_int64, c_void_p, c_int64, c_int64, *pointers),
        count_mutual=function(counting.COUNT_NAME, c_int64, c_void_p, c_void_p, c_int64),
        count_mutual_above=function(counting.COUNT_ABOVE_NAME, c_int64, *[c_void_p] * 5, c_int64, c_double),
        squares=function(counting.SQUARES_NAME, None, c_void_p, c_int64, c_int64, c_void_p),
        greatest_square={
            kind: function(rounding.norm_name(kind), c_double, c_void_p, c_int64, c_int64) for kind in FEATURE_TYPES
        },
        round={
            kind: function(rounding.rounding_name(kind), None, c_void_p, c_int64, c_float, c_void_p)
            for kind in FEATURE_TYPES
        },
        round_codes=function(rounding.CODES_NAME, None, c_void_p, c_int64, c_int64, c_float, c_void_p),
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
