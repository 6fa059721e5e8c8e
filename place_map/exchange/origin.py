"""The protocol of an origin: a place outside the map that holds versions whole and names one of them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from place_map.current import Current

CHUNK_BYTES = 4 * 2**20
"""The size of the pieces in which files are read and written."""


@dataclass(frozen=True)
class Served:
    """Hold the content of ``CURRENT`` at an origin.

    Attributes:
        pointer: The version that the origin names.
        token: The mark of this state of the file at its store, for a conditional write; empty where a lock stands for
            the condition.
    """

    pointer: Current
    token: str


def _nothing() -> None:
    """Check nothing: a lock does not expire."""


@dataclass(frozen=True)
class Claim:
    """Hold the right to publish to an origin, or to remove files from it.

    Attributes:
        needed: The folders that unfinished pushes rely on, for a prune.
        check: Raises ``OriginError`` if the right has expired; called before each step that relies on it.
    """

    needed: frozenset[str] = frozenset()
    check: Callable[[], None] = field(default=_nothing)


class Origin(Protocol):
    """Read and write files at an origin; several threads can do so at once.

    Methods raise ``OriginError`` if the origin cannot be reached, and ``StorageError`` if its disk cannot be written.
    """

    @property
    def name(self) -> str:
        """Return the address as the user gave it, for messages."""

    def read_current(self) -> Served | None:
        """Read which version the origin names; None if it names none.

        Raises:
            MapCorrupt: The file has other content.
        """

    def sizes(self, folder: str) -> dict[str, int]:
        """Return path below the origin → bytes, for all files below a folder that may be missing."""

    def read(self, path: str, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes of a file from ``start`` to before ``end``, fewer if the file is shorter."""

    def write(self, path: str, chunks: Iterable[bytes], size: int) -> None:
        """Write a file that appears whole or, if the chunks raise an error, not at all."""

    def check_room(self, size: int) -> None:
        """Check that files of this size in all can be written.

        Raises:
            StorageError: The disk has less room.
        """

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files, in this order; some may be gone already."""

    def publishing(self, folders: Collection[str]) -> AbstractContextManager[Claim]:
        """Keep the folders of a version from being removed during the block.

        It keeps others from publishing, too, where that is not left to the condition of the last write.

        Raises:
            MapBusy: Another process publishes or prunes.
        """

    def pruning(self) -> AbstractContextManager[Claim]:
        """Keep pushes from beginning during the block, and learn which folders those that have begun rely on.

        Raises:
            MapBusy: Another process publishes, and its folders are not known.
        """

    def replace_current(self, pointer: Current, before: Served | None) -> bool:
        """Name another version if the origin still names the one before; return whether it did."""
