"""The kernels for encoding: the one that rounds rows, and the ones that multiply and attend with AMX."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from llvmlite import ir

from model.cpu_kernels.amx_attention import FIELDS as ATTENTION_FIELDS
from model.cpu_kernels.amx_attention import NUMBERS, AmxAttentionKernel, NumbersOf, attention_name, memory_bytes
from model.cpu_kernels.amx_attention import ROWS as QUERIES
from model.cpu_kernels.amx_linear import (
    ENDINGS,
    FIELDS,
    INNER,
    OUTPUTS,
    AmxLinearKernel,
    Ending,
    arranged,
    linear_name,
)
from model.cpu_kernels.amx_products import ROWS
from model.cpu_kernels.compiled import compiled, host_amx_tile
from model.cpu_kernels.row_codes import ROUND_ROWS_NAME, write_round_rows
from model.cpu_kernels.task import run_task
from model.cpu_kernels.tiles import AmxTile

_TRIAL_TOKENS = 40  # two blocks of queries, the second filled up
_TRIAL_ROWS = 70  # three blocks; the last shares rows with the second


@dataclass(frozen=True)
class EncodingKernels:
    """Hold the addresses of the kernels, for ``model.cpu_kernels.task.run_task``.

    Attributes:
        round_rows: ``model.cpu_kernels.row_codes.write_round_rows``.
        linear: ``model.cpu_kernels.amx_linear.AmxLinearKernel``, by ending; empty without AMX.
        attend: ``model.cpu_kernels.amx_attention.AmxAttentionKernel``, by the type of its numbers; empty without AMX.
        engine: Owns the machine code.
    """

    round_rows: int
    linear: Mapping[Ending, int]
    attend: Mapping[NumbersOf, int]
    engine: Any


@cache
def encoding_kernels_for(tile: AmxTile | None) -> EncodingKernels:
    """Make the kernels in about a tenth of a second, or return the earlier ones.

    Args:
        tile: The tile of products; None for no products.
    """
    engine = compiled(str(written_for_encoding(tile)))
    endings = ENDINGS if tile is not None else ()
    return EncodingKernels(
        round_rows=engine.get_function_address(ROUND_ROWS_NAME),
        attend={
            numbers: engine.get_function_address(attention_name(numbers)) for numbers in NUMBERS if tile is not None
        },
        linear={ending: engine.get_function_address(linear_name(ending)) for ending in endings},
        engine=engine,
    )


def host_encoding_kernels() -> EncodingKernels:
    """Return the kernels of this processor, with products if it has AMX and the operating system permits it."""
    return encoding_kernels_for(host_amx_tile())


def wrong_outputs(kernels: EncodingKernels) -> tuple[int, int] | None:
    """Multiply codes and attend in a trial, and compare with plain products.

    Args:
        kernels: The kernels, with products.

    Returns:
        The number of wrong outputs, and the number of all; None if none is wrong.
    """
    trials = _wrong_products(kernels), _wrong_attention(kernels)
    wrong, count = (sum(numbers) for numbers in zip(*trials, strict=True))
    return (wrong, count) if wrong else None


def _wrong_products(kernels: EncodingKernels) -> tuple[int, int]:
    """Return the number of products of codes that differ from those of whole numbers, and of all."""
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(1, 256, (_TRIAL_ROWS, INNER), generator=generator, dtype=torch.uint8)
    weights = torch.randint(-63, 64, (OUTPUTS, INNER), generator=generator, dtype=torch.int8)
    found, zeros, ones = torch.empty(_TRIAL_ROWS, OUTPUTS), torch.zeros(OUTPUTS), torch.ones(_TRIAL_ROWS)
    placed, corrections = arranged(weights), 128 * weights.sum(dim=1, dtype=torch.int32)
    run_task(
        kernels.linear["none"],
        FIELDS,
        rows=_TRIAL_ROWS,
        rows_together=2 * ROWS,
        inner=INNER,
        outer=OUTPUTS,
        codes=codes.data_ptr(),
        weights=placed.data_ptr(),
        units=ones.data_ptr(),
        corrections=corrections.data_ptr(),
        bias=zeros.data_ptr(),
        row_units=ones.data_ptr(),
        target=found.data_ptr(),
    )
    expected = (codes.long() - 128) @ weights.long().T
    return int((found.long() != expected).sum()), found.numel()


def _wrong_attention(kernels: EncodingKernels) -> tuple[int, int]:
    """Return the number of outputs of attention that differ by more than the rounding of bfloat16, and of all."""
    shape = 1, _TRIAL_TOKENS, 3, 1, QUERIES
    inputs = torch.randn(shape, generator=torch.Generator().manual_seed(0)).bfloat16().float()
    outputs = torch.empty(_TRIAL_TOKENS, QUERIES)
    padded = 2 * QUERIES
    memory_of_thread = memory_bytes(padded, QUERIES)  # a multiple of 64
    memory = torch.empty(torch.get_num_threads() * memory_of_thread, dtype=torch.uint8)
    run_task(
        kernels.attend["float32"],
        ATTENTION_FIELDS,
        pictures=1,
        tokens=_TRIAL_TOKENS,
        padded=padded,
        heads=1,
        width=QUERIES,
        inputs=inputs.data_ptr(),
        outputs=outputs.data_ptr(),
        memory=memory.data_ptr(),
        memory_bytes=memory_of_thread,
    )
    query, key, value = inputs[0, :, :, 0].unbind(dim=1)
    expected = (query @ key.T).softmax(dim=-1) @ value
    is_near = torch.isclose(outputs, expected, rtol=2**-7, atol=2**-7)  # NaN is not near
    return int((~is_near).sum()), outputs.numel()


def written_for_encoding(tile: AmxTile | None) -> ir.Module:
    """Write all kernels; see ``encoding_kernels_for``."""
    module = ir.Module(name="placefix_encoding")
    write_round_rows(module)
    if tile is not None:
        for ending in ENDINGS:
            AmxLinearKernel(module, tile, ending)
        for numbers in NUMBERS:
            AmxAttentionKernel(module, tile, numbers)
    return module
