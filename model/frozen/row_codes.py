"""Rows of numbers as codes of eight bits, with a unit for each row.

The codes and units are the same with the kernel and without. ``tests/model/frozen/test_row_codes.py`` compares both.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from model.frozen.kernels import encoding_kernels

ZERO_CODE = 128
"""The code of 0; codes are unsigned."""

_MOST_CODE = 127
_LEAST_NUMBER = 1e-30  # a row of zeros gets its unit from it
_LANES = 16  # the kernel rounds so many numbers at once


@dataclass(frozen=True)
class Codes:
    """Hold rows of numbers as codes, with a unit for each row: ``numbers ≈ (values - 128) · units``.

    Attributes:
        values: ``(..., n)`` uint8, 1 to 255, contiguous.
        units: ``(..., 1)`` float32, greater than 0.
    """

    values: Tensor
    units: Tensor


def round_rows(numbers: Tensor) -> Codes:
    """Round each row of ``(..., n)`` float32, so that its greatest absolute number is 127 from the code of 0.

    A row with a NaN or an infinity has that as its unit.
    """
    kernels = encoding_kernels()
    if kernels is None or numbers.shape[-1] % _LANES or not numbers.numel():
        return round_rows_plainly(numbers)
    from model.cpu_kernels.row_codes import FIELDS  # noqa: PLC0415  (LLVM may be missing)
    from model.cpu_kernels.task import run_task  # noqa: PLC0415

    numbers = numbers.contiguous()
    codes = torch.empty(numbers.shape, dtype=torch.uint8)
    units = torch.empty(*numbers.shape[:-1], 1)
    run_task(
        kernels.round_rows,
        FIELDS,
        rows=units.numel(),
        inner=numbers.shape[-1],
        numbers=numbers.data_ptr(),
        codes=codes.data_ptr(),
        units=units.data_ptr(),
    )
    return Codes(codes, units)


def round_rows_plainly(numbers: Tensor) -> Codes:
    """Round as ``round_rows``, in steps of torch."""
    most = numbers.abs().amax(dim=-1, keepdim=True).clamp(min=_LEAST_NUMBER)
    factors = most.new_tensor(_MOST_CODE) / most
    codes = (numbers * factors).round_().add_(ZERO_CODE).to(torch.uint8)
    return Codes(codes.contiguous(), most / _MOST_CODE)
