"""Attention of all heads with AMX, from rounded queries, keys and values.

``tests/model/frozen/test_amx_attention.py`` compares it with products in float32, on any processor.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:  # LLVM may be missing
    from model.cpu_kernels.encoding import EncodingKernels

_TOGETHER = 32  # channels; a head has a multiple of them
_LINE_BYTES = 64


def can_attend(width: int) -> bool:
    """Return whether the kernel attends with heads of a width."""
    return width % _TOGETHER == 0


def attend(qkv: Tensor, kernels: "EncodingKernels") -> Tensor:
    """Attend in bfloat16, with scores, exponentials and sums in float32.

    Args:
        qkv: ``(B, T, 3, heads, D / heads)`` float32 or bfloat16, contiguous; queries divided by the root of the width.
        kernels: The kernels, with attention.

    Returns:
        ``(B, T, D)`` of the same type.
    """
    from model.cpu_kernels.amx_attention import FIELDS, memory_bytes  # noqa: PLC0415
    from model.cpu_kernels.task import run_task  # noqa: PLC0415

    pictures, tokens, _, heads, width = qkv.shape
    padded = tokens + -tokens % _TOGETHER
    of_thread = memory_bytes(padded, width)
    of_thread += -of_thread % _LINE_BYTES
    memory = torch.empty(torch.get_num_threads() * of_thread + _LINE_BYTES, dtype=torch.uint8)
    outputs = qkv.new_empty(pictures, tokens, heads * width)
    run_task(
        kernels.attend["bfloat16" if qkv.dtype is torch.bfloat16 else "float32"],
        FIELDS,
        pictures=pictures,
        tokens=tokens,
        padded=padded,
        heads=heads,
        width=width,
        inputs=qkv.data_ptr(),
        outputs=outputs.data_ptr(),
        memory=memory.data_ptr() + -memory.data_ptr() % _LINE_BYTES,
        memory_bytes=of_thread,
    )
    return outputs
