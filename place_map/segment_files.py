"""The files of one segment, open for reading."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from place_map import layout
from place_map.feature_store import TORCH_TYPES, StoredArray, StoredFeatures, map_features
from place_map.local_codec import LocalCodec
from place_map.manifest import FeatureShapes
from place_map.row_file import RowFile
from place_map.segment import Segment
from place_map.stored_thumbnails import StoredThumbnails


class LocalRows:
    """Read local features, a picture at a time; several threads can read at once.

    Args:
        path: A ``locals.npy``.
        rows: The number of pictures in it.
        shapes: The shapes of the features, and their stored form.

    Raises:
        MapCorrupt: The file is not there, or holds another shape or type.
    """

    def __init__(self, path: Path, rows: int, shapes: FeatureShapes) -> None:
        self._codec: LocalCodec = shapes.local_codec
        self._stored_shape = self._codec.row_shape(shapes.local_count)
        self._file = RowFile(path, (rows, *self._stored_shape), self._codec.array_type)

    def announce(self, row: int) -> None:
        """Announce a picture that will be read soon."""
        self._file.announce(row)

    def read(self, row: int, out: NDArray[np.generic], extras: NDArray[np.float32] | None = None) -> None:
        """Read a picture.

        Args:
            row: The number of the picture in the file.
            out: ``(N, C)`` of the codec's ``decoded_type``, contiguous; the features are written to it.
            extras: ``(N, E)``; their extras are written to it, unless it is None.

        Raises:
            MapCorrupt: The file cannot be read.
        """
        if not self._codec.is_packed and not self._codec.extras:
            self._file.read(row, out)  # the stored values are the result, so they are read into the buffer directly
        else:
            stored: StoredArray = torch.empty(self._stored_shape, dtype=TORCH_TYPES[self._codec.array_type]).numpy()
            self._file.read(row, stored)
            self._codec.decode(stored, out)
            if extras is not None:
                extras[...] = self._codec.extras_of(stored)


@dataclass(frozen=True)
class SegmentFiles:
    """Hold the open files of one segment.

    Attributes:
        directory: The directory of the segment.
        live: ``(k,)`` ascending rows of its files that belong to the version.
        global_features: ``(rows, D)``, mapped.
        local_features: The local features of all rows.
        thumbnails: The thumbnails of all rows.
    """

    directory: Path
    live: NDArray[np.int64]
    global_features: StoredFeatures
    local_features: LocalRows
    thumbnails: StoredThumbnails


def open_segment(directory: Path, segment: Segment, shapes: FeatureShapes, table: pa.Table) -> SegmentFiles:
    """Open the files of a segment.

    Args:
        directory: The directory of the segment.
        segment: The segment in the manifest.
        shapes: The shapes of the features.
        table: The table of the segment, with all rows.

    Raises:
        MapCorrupt: A file is missing, or its content differs from the manifest.
    """
    return SegmentFiles(
        directory=directory,
        live=segment.live(),
        global_features=map_features(directory / layout.GLOBALS, (segment.rows, shapes.global_dim), shapes.dtype),
        local_features=LocalRows(directory / layout.LOCALS, segment.rows, shapes),
        thumbnails=StoredThumbnails(directory, segment, table),
    )
