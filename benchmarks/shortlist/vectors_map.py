"""A map of given global features, written like any map, so that the measurement covers the real service.

Its local features are one cell of two numbers per picture, because a shortlist does not read them.
"""

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.geo import LatLon
from model.preprocess import Preprocessing
from place_map import layout
from place_map.manifest import Counts, FeatureShapes, NetworkIdentity, SourceHint
from place_map.place_file import PlaceRecord
from place_map.reader import PlaceMap
from place_map.segment import Segment
from place_map.segment_writer import SegmentWriter
from place_map.version_writer import VersionContent, write_version

_SEGMENT_ROWS = 65_536
_NO_SUM = "0" * 64


class VectorsMap:
    """Hold segments of vectors, which get one index after the other; each replaces the last.

    Args:
        path: A directory that does not exist.
        vectors: ``(n, D)``.
    """

    def __init__(self, path: Path, vectors: NDArray[np.float16]) -> None:
        self._path = path
        self._shapes = FeatureShapes(global_dim=vectors.shape[1], local_grid=(1, 1), local_dim=2, dtype="float16")
        self._segments = tuple(
            self._write(number, vectors[start : start + _SEGMENT_ROWS], start)
            for number, start in enumerate(range(0, len(vectors), _SEGMENT_ROWS), start=1)
        )
        self._versions = 0

    def with_index(self, factory: str) -> PlaceMap:
        """Train, fill and write an index like a build, and open the map.

        Raises:
            InvalidInput: faiss does not know the index, or these vectors cannot train it.
        """
        if self._versions:
            shutil.rmtree(layout.version_dir(self._path, f"{self._versions:06d}"))
        self._versions += 1
        rows = sum(segment.rows for segment in self._segments)
        write_version(
            self._path,
            VersionContent(
                version=f"{self._versions:06d}",
                sources=(SourceHint(kind="synthetic", path=""),),
                network=NetworkIdentity(fingerprint=_NO_SUM, is_trained=True, config={}, weights_path=None),
                preprocessing=Preprocessing.ANTIALIAS,
                features=self._shapes,
                counts=Counts(placed=rows, skipped=0, rejected=0),
                segments=self._segments,
                index_factory=factory,
                left_out_csv=b"path,outcome,code,reason\n",
            ),
        )
        return PlaceMap.open(self._path)

    def _write(self, number: int, vectors: NDArray[np.float16], first_row: int) -> Segment:
        name = layout.segment_id_of(number)
        directory = layout.segment_dir(self._path, name)
        directory.mkdir(parents=True)
        writer = SegmentWriter(directory, self._shapes)
        records = [
            PlaceRecord(f"{row}", LatLon(0, 0), None, None, f"{row}.jpg", _NO_SUM)
            for row in range(first_row, first_row + len(vectors))
        ]
        writer.append(records, [None] * len(records), vectors, np.zeros((len(vectors), 1, 2), np.float16))
        segment = writer.finish(name)
        writer.close()
        assert segment is not None  # noqa: S101  (there are pictures)
        return segment
