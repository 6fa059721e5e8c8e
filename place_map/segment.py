"""A segment in the manifest: its rows that belong to a version, and the sums of its files."""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt, PositiveInt, model_validator

from place_map import layout
from place_map.file_sum import FileSum
from place_map.manifest_part import ManifestPart, Number


class Thumbnails(ManifestPart):
    """Count the thumbnails of a segment and their bytes. The table of the segment has the size and the sum of each."""

    count: NonNegativeInt
    bytes: NonNegativeInt


class Segment(ManifestPart):
    """Describe a set of pictures that were written together; it never changes, and versions may share it.

    Attributes:
        id: The name of its directory.
        source: The number of the manifest's source from which its pictures came.
        rows: The number of pictures, including dead ones.
        dead_rows: Pictures that no longer belong to this version, ascending.
        files: The sums of its files; thumbnails of a segment from before format 7 are not among them.
        thumbnails: The count and bytes of its thumbnails.
    """

    id: Number
    source: NonNegativeInt = 0
    rows: PositiveInt
    dead_rows: tuple[NonNegativeInt, ...] = ()
    files: dict[str, FileSum]
    thumbnails: Thumbnails

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if set(self.files) - {layout.THUMBNAILS} != set(layout.SEGMENT_FILES):
            raise ValueError(f"segment {self.id} must have the files {', '.join(layout.SEGMENT_FILES)}")
        if self.has_packed_thumbnails and self.files[layout.THUMBNAILS].bytes != self.thumbnails.bytes:
            raise ValueError(f"the thumbnails of segment {self.id} have two sizes")
        if list(self.dead_rows) != sorted(set(self.dead_rows)) or any(row >= self.rows for row in self.dead_rows):
            raise ValueError(f"dead rows of segment {self.id} must be ascending and below {self.rows}")
        if self.thumbnails.count > self.rows:
            raise ValueError(f"segment {self.id} has more thumbnails than pictures")
        return self

    @property
    def has_packed_thumbnails(self) -> bool:
        """Return whether one file has all thumbnails, as in segments since format 7."""
        return layout.THUMBNAILS in self.files

    @property
    def loose_thumbnail_bytes(self) -> int:
        """Return the bytes of thumbnails that have a file each."""
        return 0 if self.has_packed_thumbnails else self.thumbnails.bytes

    @property
    def total_bytes(self) -> int:
        """Return the bytes of all files."""
        return sum(file.bytes for file in self.files.values()) + self.loose_thumbnail_bytes

    @property
    def live_rows(self) -> int:
        """Return the number of pictures that belong to the version."""
        return self.rows - len(self.dead_rows)

    def live(self) -> NDArray[np.int64]:
        """Return ``(live_rows,)`` ascending rows that belong to the version."""
        return np.delete(np.arange(self.rows, dtype=np.int64), np.array(self.dead_rows, dtype=np.int64))
