"""The library faiss: the only file that imports it, when it is needed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from model.errors import InvalidInput


def load_faiss() -> Any:
    """Import faiss: it starts its own threads, and torch can serve a GPU without it.

    Raises:
        InvalidInput: It is not installed.
    """
    try:
        import faiss  # noqa: PLC0415
    except ImportError as error:
        raise InvalidInput(
            "faiss is not installed; install placefix with one of its extras: pip install 'placefix[cpu]' or "
            "'placefix[gpu]'"
        ) from error
    return faiss


def faiss_version() -> str:
    """Return the version of faiss, for the manifest."""
    return str(load_faiss().__version__)


def faiss_is_installed() -> bool:
    """Return whether faiss can be imported."""
    return find_spec("faiss") is not None


def faiss_sees_gpu() -> bool:
    """Return whether faiss is installed for GPUs, and sees one."""
    return faiss_is_installed() and hasattr(load_faiss(), "StandardGpuResources") and load_faiss().get_num_gpus() > 0


@contextmanager
def explained(failure: str) -> Iterator[None]:
    """Turn faiss's refusal of vectors into an error that begins with the failed step.

    Raises:
        InvalidInput: faiss refuses the vectors.
    """
    try:
        yield
    except RuntimeError as error:
        raise InvalidInput(f"{failure}: {reason_of(error)}; use --index Flat") from error


def reason_of(error: RuntimeError) -> str:
    """Return the sentence in faiss's message, without function, source position and condition."""
    return re.sub(r"^Error in .*? at \S+:\d+: (Error: '.*' failed: )?", "", str(error), flags=re.DOTALL).strip()
