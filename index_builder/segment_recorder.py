"""The writing of finished segments from encoded batches, in order; it runs in the writing thread."""

from pathlib import Path
from types import TracebackType
from typing import Self

from index_builder.digests import digest_of
from index_builder.encoding import EncodedBatch, EncodedPicture
from index_builder.picture_files import source_path
from index_builder.staging import FinishedSegment
from place_map import layout
from place_map.left_out import LeftOut
from place_map.manifest import FeatureShapes
from place_map.place_file import PlaceRecord
from place_map.segment_writer import SegmentWriter


class SegmentRecorder:
    """Write the segments of a build or a change, one after the other.

    Args:
        shapes: The shapes of the features.
    """

    def __init__(self, shapes: FeatureShapes) -> None:
        self._shapes = shapes
        self._writer: SegmentWriter | None = None
        self._left_out: list[LeftOut] = []
        self._stamps: list[str] = []

    def record(self, encoded: EncodedBatch, base: Path, directory: Path) -> FinishedSegment | None:
        """Write a batch.

        Args:
            encoded: The batch.
            base: The folder at which the paths of its source start.
            directory: The directory of its segment, which is empty when the first batch comes.

        Returns:
            The finished segment, if the batch was its last.

        Raises:
            OSError: A file cannot be written.
        """
        if self._writer is None:
            self._writer = SegmentWriter(directory, self._shapes)
        self._writer.append(
            [_record_of(picture, base) for picture in encoded.pictures],
            [picture.thumbnail for picture in encoded.pictures],
            encoded.global_features,
            encoded.local_features,
        )
        self._left_out += self.left_out(encoded, base)
        self._stamps += encoded.stamps
        return self._finish(encoded.batch.segment) if encoded.batch.is_last else None

    def left_out(self, encoded: EncodedBatch, base: Path) -> list[LeftOut]:
        """Return the rejected pictures of a batch as entries of the list."""
        return [
            LeftOut(
                source_path(picture.place.path, base),
                "rejected",
                picture.code,
                picture.reason,
                picture.content_sha256,
            )
            for picture in encoded.rejected
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _finish(self, number: int) -> FinishedSegment:
        assert self._writer is not None  # noqa: S101  (record has made it)
        finished = FinishedSegment(
            segment=self._writer.finish(layout.segment_id_of(number)),
            left_out=tuple(self._left_out),
            stamps_sha256=digest_of(self._stamps),
        )
        self._close()
        self._left_out, self._stamps = [], []
        return finished

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _record_of(picture: EncodedPicture, base: Path) -> PlaceRecord:
    place = picture.place
    return PlaceRecord(
        id=place.id,
        position=place.position,
        heading_deg=place.heading_deg,
        time=place.time,
        source_path=source_path(place.path, base),
        content_sha256=picture.content_sha256,
    )
