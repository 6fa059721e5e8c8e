"""The assignment of the segments of a map to several machines, computed from the manifest and the number of machines.

Nothing of it is stored, and everyone who knows the version computes the same. Whole segments are assigned by rendezvous
hashing (Thaler and Ravishankar, 1998) with a bound on the load: a new segment, or one more shard, moves few of the
others.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from model.errors import InvalidInput
from place_map.file_sum import FileSum
from place_map.manifest import Manifest
from place_map.segment import Segment

MOST_SHARDS = 1000

_LOAD = 1.1
"""The factor on a shard's fair share of the pictures; a shard may have this many, and half of an average segment."""

_TEXT = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})")


def assign_segments(segments: Sequence[Segment], shards: int) -> tuple[int, ...]:
    """Assign whole segments to shards.

    A segment goes to the shard with room whose hash with it is the highest. No shard stays empty.

    Args:
        segments: The segments of a version, in the order of the manifest.
        shards: The number of shards, at least 1, at most the number of segments.

    Returns:
        The number of the shard of each segment, from 0.

    Raises:
        InvalidInput: There are fewer segments than shards.
    """
    if len(segments) < shards:
        raise InvalidInput(
            f"a map of {len(segments)} segments cannot be shared out among {shards} shards: use fewer shards, or build "
            "the map with a smaller --segment-size"
        )
    pictures = [segment.live_rows for segment in segments]
    most = _LOAD * sum(pictures) / shards + sum(pictures) / len(pictures) / 2
    loads, owners = [0] * shards, list[int]()
    has_some = [False] * shards
    for number, (segment, count) in enumerate(zip(segments, pictures, strict=True)):
        empty = [shard for shard in range(shards) if not has_some[shard]]
        with_room = [shard for shard in range(shards) if loads[shard] + count <= most]
        allowed = empty if len(segments) - number <= len(empty) else with_room
        if not allowed:
            allowed = [min(range(shards), key=lambda shard: loads[shard])]
        owner = max(allowed, key=lambda shard: _hash(segment.id, shard))
        has_some[owner] = True
        loads[owner] += count
        owners.append(owner)
    return tuple(owners)


Assign = Callable[[Sequence[Segment], int], tuple[int, ...]]
"""A function like ``assign_segments``."""


class Assignment:
    """Tell the rows of a version that belong to each shard.

    Attributes:
        owners: The shard of each segment, from 0.
    """

    def __init__(self, manifest: Manifest, shards: int, assign: Assign = assign_segments) -> None:
        """Share out a version.

        Args:
            manifest: The manifest of the version.
            shards: The number of shards.
            assign: The rule of assignment.

        Raises:
            InvalidInput: There are fewer segments than shards.
        """
        self.owners = assign(manifest.segments, shards)
        self._starts = np.cumsum([0, *(segment.live_rows for segment in manifest.segments)], dtype=np.int64)

    def owners_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the shards ``(k,)`` of some rows ``(k,)`` of the map."""
        segments = np.searchsorted(self._starts, rows, side="right") - 1
        return np.array(self.owners, dtype=np.int64)[segments]

    def has_all(self, rows: NDArray[np.int64], shard: int) -> bool:
        """Return whether a shard, numbered from 0, has all of some rows, which may be any numbers."""
        is_row = (rows >= 0) & (rows < self._starts[-1])
        return bool(is_row.all()) and bool((self.owners_of(rows) == shard).all())

    def rows_of(self, shard: int) -> NDArray[np.int64]:
        """Return the rows ``(n,)`` of a shard, numbered from 0, ascending."""
        spans = [
            np.arange(start, end, dtype=np.int64)
            for owner, start, end in zip(self.owners, self._starts, self._starts[1:], strict=False)
            if owner == shard
        ]
        return np.concatenate(spans)


@dataclass(frozen=True, slots=True)
class Shard:
    """Name one of the parts in which a map is served.

    Attributes:
        number: The number of the part, from 1.
        of: The number of parts.
        assign: The rule that assigns segments.

    Raises:
        InvalidInput: The number is not between 1 and ``of``, or ``of`` is too large.
    """

    number: int
    of: int
    assign: Assign = field(default=assign_segments, repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of <= MOST_SHARDS:
            raise InvalidInput(
                f"there is no shard {self.number} of {self.of}: give one as 1/3, of {MOST_SHARDS} at most"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``1/3``.

        Raises:
            InvalidInput: The text has another form, or the part does not exist.
        """
        found = _TEXT.fullmatch(text)
        if found is None:
            raise InvalidInput(f"{text!r} is not a shard: give its number, and how many there are, as 1/3")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def rows(self, manifest: Manifest) -> NDArray[np.int64]:
        """Return the rows ``(n,)`` of the whole map that this part has, ascending."""
        return Assignment(manifest, self.of, self.assign).rows_of(self.number - 1)


def segments_of(manifest: Manifest, shard: Shard | None) -> tuple[Segment, ...]:
    """Return the segments of a part of a version, in the order of the manifest; all if no part is named.

    Raises:
        InvalidInput: There are fewer segments than shards.
    """
    if shard is None:
        return manifest.segments
    owners = shard.assign(manifest.segments, shard.of)
    return tuple(segment for segment, owner in zip(manifest.segments, owners, strict=True) if owner == shard.number - 1)


def files_of(manifest: Manifest, shard: Shard | None) -> dict[str, FileSum]:
    """Return path below the map → size and sum, for the files that a reader of a part needs.

    Thumbnails that have a file each are not among them. A part needs the files of its segments, and the codebook and
    their codes if the map has them.

    Raises:
        InvalidInput: There are fewer segments than shards.
    """
    if shard is None:
        return manifest.files
    segments, codes = segments_of(manifest, shard), manifest.index.codes
    of_codes = {} if codes is None else codes.files(segment.id for segment in segments)
    return of_codes | manifest.files_of(segments)


def _hash(segment_id: str, shard: int) -> bytes:
    return hashlib.sha256(f"{segment_id} {shard}".encode()).digest()
