"""The files of one segment, open for reading."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from place_map import layout
from place_map.feature_store import StoredFeatures, map_features
from place_map.local_codec import LocalCodec
from place_map.manifest import FeatureShapes
from place_map.row_file import RowFile
from place_map.segment import Segment


class LocalRows:
    """Reads local features, a picture at a time; safe to use from several threads.

    Args:
        path: A ``locals.npy``.
        rows: How many pictures it holds.
        shapes: Of the features, and how they were stored.

    Raises:
        MapCorrupt: The file is not there, or holds another shape or type.
    """

    def __init__(self, path: Path, rows: int, shapes: FeatureShapes) -> None:
        self._codec: LocalCodec = shapes.local_codec
        self._stored_shape = (shapes.local_count, self._codec.width)
        self._file = RowFile(path, (rows, *self._stored_shape), self._codec.array_type)

    def announce(self, row: int) -> None:
        """Says that a picture will be read soon."""
        self._file.announce(row)

    def read(self, row: int, out: NDArray[np.generic]) -> None:
        """Reads a picture.

        Args:
            row: Its number in the file.
            out: ``(N, C)`` of the codec's ``decoded_type``, contiguous; written to.

        Raises:
            MapCorrupt: The file cannot be read.
        """
        if self._codec.packed_bits is None:
            self._file.read(row, out)  # what is stored is what is wanted: nothing lies between file and buffer
        else:
            packed = np.empty(self._stored_shape, np.uint8)
            self._file.read(row, packed)
            self._codec.decode(packed, out)


@dataclass(frozen=True)
class SegmentFiles:
    """One segment.

    Attributes:
        directory: Where it lies.
        live: ``(k,)`` ascending rows of its files that belong to the version.
        global_features: ``(rows, D)``, mapped.
        local_features: Of all rows.
    """

    directory: Path
    live: NDArray[np.int64]
    global_features: StoredFeatures
    local_features: LocalRows


def open_segment(directory: Path, segment: Segment, shapes: FeatureShapes) -> SegmentFiles:
    """Opens the files of a segment.

    Raises:
        MapCorrupt: One is not there, or holds something else than the manifest says.
    """
    return SegmentFiles(
        directory=directory,
        live=segment.live(),
        global_features=map_features(directory / layout.GLOBALS, (segment.rows, shapes.global_dim), shapes.dtype),
        local_features=LocalRows(directory / layout.LOCALS, segment.rows, shapes),
    )
