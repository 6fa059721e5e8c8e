"""The choice of the kernels for encoding on this processor.

``tests/model/frozen/test_amx_linear.py`` compares them with plain products, and sees that wrong ones are not chosen.
"""

import logging
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # LLVM may be missing
    from model.cpu_kernels.encoding import EncodingKernels

_log = logging.getLogger("placefix.model")


@cache
def encoding_kernels() -> "EncodingKernels | None":
    """Return the kernels for encoding on this processor; None without LLVM.

    The products with AMX have to pass a trial.
    """
    try:
        from model.cpu_kernels.encoding import encoding_kernels_for, host_encoding_kernels, wrong_outputs  # noqa: PLC0415
    except ImportError:
        return None
    kernels = host_encoding_kernels()
    if kernels.linear and (wrong := wrong_outputs(kernels)):
        _log.warning("AMX computes %d of %d outputs of a trial wrongly; torch encodes instead", *wrong)
        return encoding_kernels_for(None)
    return kernels


def amx_kernels() -> "EncodingKernels | None":
    """Return the kernels if they have products with AMX; else None."""
    kernels = encoding_kernels()
    return kernels if kernels is not None and kernels.linear else None
