"""Integers of four bits or one bit, several to a byte, the first in the lowest bits.

Four bits hold -8 to 7 in two's complement. One bit holds a sign: 1 is +1, and 0 is -1.
"""

from functools import cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

PackedBits = Literal[4, 1]

_BYTE_BITS = 8


def packed_width(count: int, bits: PackedBits) -> int:
    """Return how many bytes hold a count of numbers."""
    return -(-count * bits // _BYTE_BITS)


def pack(numbers: Tensor, bits: PackedBits) -> Tensor:
    """Pack the last dimension; the unused bits of its last byte are zero.

    Args:
        numbers: ``(…, C)`` int8, -8 to 7, or -1 and 1 for one bit.
        bits: The bits of each number.

    Returns:
        ``(…, packed_width(C))`` uint8, on the same device.
    """
    fields = (numbers > 0).to(torch.uint8) if bits == 1 else (numbers & 0x0F).to(torch.uint8)
    in_byte = _BYTE_BITS // bits
    fields = pad(fields, (0, -fields.shape[-1] % in_byte))
    packed = torch.zeros((*fields.shape[:-1], fields.shape[-1] // in_byte), dtype=torch.uint8, device=fields.device)
    for place in range(in_byte):
        packed |= fields[..., place::in_byte] << (place * bits)
    return packed


def unpack(packed: NDArray[np.uint8], bits: PackedBits, out: NDArray[np.int8]) -> None:
    """Unpack the result of ``pack``.

    Args:
        packed: ``(…, packed_width(C))``.
        bits: The bits of each number.
        out: ``(…, C)``, contiguous; the result is written to it.
    """
    if not out.size:
        return
    table = _numbers_of_bytes(bits)
    if out.shape[-1] % table.shape[1]:
        out[...] = table[packed].reshape(*packed.shape[:-1], -1)[..., : out.shape[-1]]
    else:
        # The numbers of a byte are adjacent in the table, and are copied together as one wide number.
        wide = table.view(f"u{table.shape[1]}")[:, 0]
        np.take(
            wide, packed, out=out.view(wide.dtype), mode="clip"
        )  # every byte is in range, and this mode does not check


@cache
def _numbers_of_bytes(bits: PackedBits) -> NDArray[np.int8]:
    """Return the numbers in each byte, ``(256, numbers in a byte)``."""
    fields = np.arange(256)[:, None] >> np.arange(0, _BYTE_BITS, bits) & (1 << bits) - 1
    numbers = 2 * fields - 1 if bits == 1 else (fields ^ 8) - 8
    return np.ascontiguousarray(numbers, np.int8)
