"""An index learns from a sample of the features, which is in memory once."""

import tracemalloc
from collections.abc import Iterator

import numpy as np

from place_map.faiss_library import load_faiss
from place_map.feature_store import StoredFeatures
from place_map.index_making import trained_index

ROWS, WIDTH, AT_A_TIME = 300_001, 16, 4099  # more than the sample has; pieces that its step does not divide


def numbered() -> Iterator[StoredFeatures]:
    """Yield features that are the number of their row."""
    for start in range(0, ROWS, AT_A_TIME):
        rows = np.arange(start, min(start + AT_A_TIME, ROWS), dtype=np.float32)
        yield np.repeat(rows[:, None], WIDTH, axis=1)


def test_the_sample_is_evenly_spaced_and_in_memory_once() -> None:
    faiss, step = load_faiss(), 2
    tracemalloc.start()
    index = trained_index("SQ8", WIDTH, numbered)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    lowest, span = np.split(faiss.vector_to_array(index.sq.trained), 2)
    assert (lowest == 0).all()
    assert (span == (ROWS - 1) // step * step).all()
    sample_bytes = -(-ROWS // step) * WIDTH * 4
    assert peak_bytes < 1.3 * sample_bytes
