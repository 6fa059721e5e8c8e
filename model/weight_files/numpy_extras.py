"""Numpy values inside a pickled weights file, read without giving the pickle access to numpy.

The reference saves recalls and its best recall beside the weights, as numpy arrays and scalars. To read this file with
``torch.load(weights_only=True)``, the functions that rebuild these values must be allowed by name. Numpy's functions
were not written for hostile input. Therefore the names are given to the inert classes below: they keep their arguments,
and only plain numbers are decoded. The names differ between pickles of numpy 1 (``numpy.core``) and numpy 2
(``numpy._core``); the classes serve both with any installed numpy.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

_NUMBER_TYPE = re.compile(r"[iuf][1248]")  # numpy's letter of a number type, and the bytes
_BYTE_ORDERS = ("<", ">", "=", "|")


class InertDtype:
    """Replace ``numpy.dtype``."""

    def __init__(self, spec: object = None, *_ignored: object) -> None:
        self.spec = spec
        self.byte_order: object = "="

    def __setstate__(self, state: object) -> None:
        # (version, byte order, sub-array, names, fields, item size, alignment, flags)
        if isinstance(state, tuple) and len(state) > 1:
            self.byte_order = state[1]

    def to_numpy(self) -> np.dtype[Any] | None:
        """Return the number type that it names; None if it names another type."""
        is_number = isinstance(self.spec, str) and _NUMBER_TYPE.fullmatch(self.spec) is not None
        if not is_number or self.byte_order not in _BYTE_ORDERS:
            return None
        return np.dtype(f"{self.byte_order}{self.spec}")


class InertArray:
    """Replace ``numpy.ndarray``: keep the state without interpreting it."""

    def __init__(self, *_ignored: object) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state


class InertScalar:
    """Replace the result of ``numpy.core.multiarray.scalar``."""

    def __init__(self, dtype: object = None, raw: object = None) -> None:
        self.dtype = dtype
        self.raw = raw


def _reconstruct(*_ignored: object) -> InertArray:
    return InertArray()


def safe_globals() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Return the pickled names of numpy's values with their replacements, for ``torch.serialization.safe_globals``."""
    stand_ins: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
        (InertDtype, "numpy.dtype"),
        (InertArray, "numpy.ndarray"),
    ]
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        stand_ins += [(_reconstruct, f"{module}._reconstruct"), (InertScalar, f"{module}.scalar")]
    return stand_ins


def plain_numbers(value: object) -> tuple[float, ...] | None:
    """Return the numbers in a value of a weights file, flattened: Python's own, a numpy scalar or a numpy array of any
    shape.

    Returns:
        None if the value holds no numbers, or is damaged.
    """
    if isinstance(value, (int, float)):
        return (float(value),)
    if isinstance(value, InertScalar):
        return _decode(value.dtype, value.raw)
    if isinstance(value, InertArray) and isinstance(value.state, tuple) and len(value.state) == 5:
        _version, _shape, dtype, _is_fortran, raw = value.state
        return _decode(dtype, raw)
    return None


def _decode(dtype: object, raw: object) -> tuple[float, ...] | None:
    number_type = dtype.to_numpy() if isinstance(dtype, InertDtype) else None
    if number_type is None or not isinstance(raw, bytes) or len(raw) % number_type.itemsize:
        return None
    return tuple(float(number) for number in np.frombuffer(raw, number_type))
