"""The writer of one segment: table, features and thumbnails, with the same row in each."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from model.durable import sync
from place_map import layout
from place_map.feature_store import FeatureWriter, StoredArray, StoredFeatures
from place_map.file_sum import FileSum
from place_map.manifest import FeatureShapes
from place_map.place_file import PlaceRecord, write_places
from place_map.segment import Segment
from place_map.stored_thumbnails import ThumbnailWriter


class SegmentWriter:
    """Append pictures to a segment that is not yet part of a map.

    Args:
        directory: An empty directory for this segment.
        shapes: The shapes of the features.
    """

    def __init__(self, directory: Path, shapes: FeatureShapes) -> None:
        self._directory = directory
        self._records: list[PlaceRecord] = []
        codec = shapes.local_codec
        row_shape = codec.row_shape(shapes.local_count)
        with ExitStack() as stack:  # if one file cannot be opened, the others are closed
            self._thumbnails = stack.enter_context(ThumbnailWriter(directory / layout.THUMBNAILS))
            self._globals = stack.enter_context(
                FeatureWriter(directory / layout.GLOBALS, (shapes.global_dim,), shapes.dtype)
            )
            self._locals = stack.enter_context(FeatureWriter(directory / layout.LOCALS, row_shape, codec.array_type))
            self._stack = stack.pop_all()

    def append(
        self,
        records: Sequence[PlaceRecord],
        thumbnails: Sequence[bytes | None],
        global_features: StoredFeatures,
        local_features: StoredArray,
    ) -> None:
        """Append b pictures.

        Args:
            records: The record of each picture; ``thumbnail`` is filled in here.
            thumbnails: The thumbnails as JPEGs, or None.
            global_features: ``(b, D)``.
            local_features: ``(b, *row_shape)``, encoded by the codec.

        Raises:
            OSError: The files cannot be written.
        """
        if not len(records) == len(thumbnails) == len(global_features) == len(local_features):
            raise ValueError("records, thumbnails and features must be of the same pictures")
        for record, thumbnail in zip(records, thumbnails, strict=True):
            self._records.append(
                record if thumbnail is None else record.with_thumbnail(self._thumbnails.append(thumbnail))
            )
        self._globals.append(global_features)
        self._locals.append(local_features)

    def finish(self, segment_id: str) -> Segment | None:
        """Complete the files, and wait until they are on the disk.

        Returns:
            The segment for the manifest; None if it has no picture.

        Raises:
            OSError: The files cannot be written.
        """
        self._globals.finish()
        self._locals.finish()
        thumbnails = self._thumbnails.finish()
        if not self._records:
            return None
        write_places(self._directory / layout.PLACES, self._records)
        sync(self._directory / layout.PLACES)
        sync(self._directory)
        names = (*layout.SEGMENT_FILES, *([layout.THUMBNAILS] if thumbnails.count else []))
        return Segment(
            id=segment_id,
            rows=len(self._records),
            files={name: FileSum.of(self._directory / name) for name in names},
            thumbnails=thumbnails,
        )

    def close(self) -> None:
        """Close the files, whether they are finished or not."""
        self._stack.close()
