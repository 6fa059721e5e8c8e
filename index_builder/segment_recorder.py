"""Takes encoded batches in order and makes finished segments of them; runs in the writing thread."""

from pathlib import Path
from types import TracebackType
from typing import Self

from index_builder.build_plan import digest_of
from index_builder.encoding import EncodedBatch, EncodedPicture
from index_builder.picture_files import source_base
from index_builder.sources.listing import SourceListing
from index_builder.sources.pictures import printable
from index_builder.staging import Checkpoint, Staging
from place_map import layout
from place_map.left_out import LeftOut
from place_map.manifest import FeatureShapes
from place_map.place_table import PlaceRecord
from place_map.segment_writer import SegmentWriter


class SegmentRecorder:
    """Writes the segments of a build, one after the other.

    Args:
        listing: What is built from.
        staging: Where finished segments go.
        shapes: Of the features.
    """

    def __init__(self, listing: SourceListing, staging: Staging, shapes: FeatureShapes) -> None:
        self._base = source_base(listing.root)
        self._staging = staging
        self._shapes = shapes
        self._writer: SegmentWriter | None = None
        self._left_out: list[LeftOut] = []
        self._stamps: list[str] = []

    def record(self, encoded: EncodedBatch) -> Checkpoint | None:
        """Writes a batch.

        Returns:
            The finished segment, if the batch was its last.

        Raises:
            OSError: The disk does not take it.
        """
        if self._writer is None:
            self._writer = SegmentWriter(self._staging.begin_segment(), self._shapes)
        self._writer.append(
            [self._record_of(picture) for picture in encoded.pictures],
            [picture.thumbnail for picture in encoded.pictures],
            encoded.global_features,
            encoded.local_features,
        )
        self._left_out += self.left_out(encoded)
        self._stamps += encoded.stamps
        return self._finish(encoded.batch.segment) if encoded.batch.is_last else None

    def left_out(self, encoded: EncodedBatch) -> list[LeftOut]:
        """The rejected pictures of a batch, as they are listed."""
        return [
            LeftOut(source_path(picture.place.path, self._base), "rejected", picture.code, picture.reason)
            for picture in encoded.rejected
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _finish(self, number: int) -> Checkpoint:
        assert self._writer is not None  # noqa: S101  (record has made it)
        checkpoint = Checkpoint(
            segment=self._writer.finish(layout.segment_id_of(number)),
            left_out=tuple(self._left_out),
            stamps_sha256=digest_of(self._stamps),
        )
        self._close()
        self._left_out, self._stamps = [], []
        self._staging.finish_segment(number, checkpoint)
        return checkpoint

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _record_of(self, picture: EncodedPicture) -> PlaceRecord:
        place = picture.place
        return PlaceRecord(
            id=place.id,
            position=place.position,
            heading_deg=place.heading_deg,
            time=place.time,
            source_path=source_path(place.path, self._base),
            content_sha256=picture.content_sha256,
        )


def source_path(path: Path, base: Path) -> str:
    """A picture's path below the source with ``/``, or its absolute path if it lies elsewhere."""
    below = path.relative_to(base) if path.is_relative_to(base) else path.absolute()
    return printable(below.as_posix())
