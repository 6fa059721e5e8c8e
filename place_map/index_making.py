"""The making of a shortlist index from global features."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import InvalidInput
from place_map.faiss_library import explained, load_faiss, reason_of
from place_map.feature_store import StoredFeatures

Chunks = Callable[[], Iterable[StoredFeatures]]
"""A function; each call yields global features in the order of the rows, in pieces."""

_TRAINING_ROWS = 262_144
_DRY_RUN_ROWS = 10_000


def check_index_factory(factory: str, width: int, count: int | None = None) -> None:
    """Check before a long build that an index can be made.

    Args:
        factory: A string of faiss's ``index_factory``: ``Flat``, ``IVF1024,Flat``, ``HNSW32``, …
        width: Width of the global features.
        count: The greatest number of pictures in it; None if that is unknown.

    Raises:
        InvalidInput: faiss does not know the string, or the pictures are too few to train it.
    """
    index = new_index(factory, width)
    if not index.is_trained:
        if count is None or count > _DRY_RUN_ROWS:
            return
        # The usual failure is too few vectors for the clusters, and any vectors show it.
        _train(index, factory, np.random.default_rng(0).standard_normal((count, width), dtype=np.float32))
    _add(index, factory, np.zeros((1, width), np.float32))


def new_index(factory: str, width: int) -> Any:
    """Return an empty index, which may need training.

    Raises:
        InvalidInput: faiss does not know the string.
    """
    faiss = load_faiss()
    try:
        return faiss.index_factory(width, factory, faiss.METRIC_L2)
    except RuntimeError as error:
        raise InvalidInput(
            f"faiss makes no index of {factory!r} for vectors of width {width}: {reason_of(error)}; --index takes "
            "auto, binary, Flat, or another string of faiss's index_factory"
        ) from error


def trained_index(factory: str, width: int, chunks: Chunks) -> Any:
    """Return an index without vectors that has learned from a sample of them, if it has to learn.

    Raises:
        InvalidInput: The index cannot be made or trained.
    """
    index = new_index(factory, width)
    if not index.is_trained:
        _train(index, factory, _training_sample(chunks))
    return index


def made_index(factory: str, width: int, chunks: Chunks) -> Any:
    """Return an index over vectors. At the end all of them are in memory: 4 bytes a number with ``Flat``.

    Raises:
        InvalidInput: The index cannot be made or trained.
    """
    index = trained_index(factory, width, chunks)
    for chunk in chunks():
        _add(index, factory, np.ascontiguousarray(chunk, dtype=np.float32))
    return index


def _train(index: Any, factory: str, vectors: NDArray[np.float32]) -> None:
    with explained(f"{len(vectors)} pictures cannot train the index {factory!r}"):
        index.train(vectors)


def _add(index: Any, factory: str, vectors: NDArray[np.float32]) -> None:
    with explained(f"pictures cannot be added to the index {factory!r}"):
        index.add(vectors)


def _training_sample(chunks: Chunks) -> NDArray[np.float32]:
    """Return at most ``_TRAINING_ROWS`` features, evenly spaced."""
    count = sum(len(chunk) for chunk in chunks())
    step = -(-count // _TRAINING_ROWS)
    sample: NDArray[np.float32] | None = None
    first_row = taken = 0
    for chunk in chunks():
        if sample is None:  # all at once, because pieces and their concatenation would be in memory together
            sample = np.empty((-(-count // step), chunk.shape[1]), np.float32)
        some = chunk[-first_row % step :: step]
        sample[taken : taken + len(some)] = some
        first_row, taken = first_row + len(chunk), taken + len(some)
    if sample is None or taken != len(sample):
        raise AssertionError(f"{taken} of {count} features were taken, every {step}th")
    return sample
