"""The pictures of a list, gathered entry by entry: the same rules for CSV, JSON and GeoJSON."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal, TypeVar

from index_builder.errors import SourceError
from index_builder.sources.listing import LeftOutCode, ListingKind, OnProgress, SourceListing, compass_deg, skipped
from index_builder.sources.picture_paths import is_file, path_below
from model.geo import LatLon
from model.places import Place
from model.positions import Unplaced
from place_map.left_out import LeftOut

Unit = Literal["line", "entry", "feature"]
"""What the entries of a list are called and counted by in messages, from 1."""

Entry = TypeVar("Entry")

_PLURALS: dict[Unit, str] = {"line": "lines", "entry": "entries", "feature": "features"}


@dataclass
class Gathering:
    """What has been read of a list so far: each entry is placed, or left out with its reason.

    Attributes:
        file: The list; paths are relative to its folder.
        unit: What its entries are called.
        places: Pictures with positions.
        left_out: The others.
    """

    file: Path
    unit: Unit
    places: list[Place] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    _number_of_path: dict[str, int] = field(default_factory=dict)
    _number_of_id: dict[str, int] = field(default_factory=dict)

    def skip(self, name: str, code: StrEnum, reason: str) -> None:
        """Leaves out an entry that cannot be used as a picture with a position.

        Args:
            name: What the list calls the picture; may be empty.
            code: Why.
            reason: A sentence that names the entry.
        """
        self.left_out.append(skipped(_printable(name), Unplaced(code, _printable(reason))))

    def reject_missing(self, name: str, reason: str) -> None:
        """Leaves out an entry whose picture is not there."""
        self.left_out.append(
            LeftOut(_printable(name), "rejected", LeftOutCode.MISSING_FILE, _printable(reason)),
        )

    def add(
        self,
        number: int,
        name: str,
        path: Path,
        position: LatLon | Unplaced,
        *,
        identifier: str = "",
        heading_deg: float | None = None,
        time: datetime | None = None,
    ) -> None:
        """Takes an entry that names a picture.

        Args:
            number: Of the entry, from 1; for messages.
            name: What the list calls the picture.
            path: Where it ought to lie.
            position: Where it was taken, or why that is not known.
            identifier: Its id; if empty, its path.
            heading_deg: Degrees clockwise from true north, not yet brought into [0, 360).
            time: When it was taken.

        Raises:
            SourceError: Another picture has that id.
        """
        where = f"{self.unit} {number}"
        if not (_is_text(name) and _is_text(identifier)):
            self.skip(
                name, LeftOutCode.INVALID_NAME, f"{where}: its name or id is not text (it holds half a character)"
            )
        elif isinstance(position, Unplaced):
            self.skip(name, position.code, f"{where}: {position.reason}")
        elif not is_file(path):
            self.reject_missing(name, f"{where}: there is no file {path}")
        elif (first := self._number_of_path.setdefault(str(path), number)) != number:
            self.skip(name, LeftOutCode.DUPLICATE, f"{where} lists the same picture as {self.unit} {first}")
        else:
            identifier = identifier or path_below(self.file.parent, path)
            self._claim(identifier, number)
            compass = None if heading_deg is None else compass_deg(heading_deg)
            self.places.append(Place(identifier, path, position, compass, time))

    def _claim(self, identifier: str, number: int) -> None:
        first = self._number_of_id.setdefault(identifier, number)
        if first != number:
            raise SourceError(
                f"{self.file} gives the id {identifier!r} to two pictures, in {_PLURALS[self.unit]} {first} and "
                f"{number}; ids must be unique"
            )


def gather(
    file: Path,
    unit: Unit,
    kind: ListingKind,
    entries: Iterable[tuple[int, Entry]],
    add: Callable[[Gathering, int, Entry], None],
    on_progress: OnProgress | None,
) -> SourceListing:
    """List the pictures of a list, in its order.

    Args:
        file: The list.
        unit: What its entries are called.
        kind: Of the listing.
        entries: With their numbers, from 1.
        add: Adds one to what has been read so far, or leaves it out.
        on_progress: Called with the number of entries looked at so far.

    Raises:
        SourceError: Two pictures have one id.
    """
    gathering = Gathering(file, unit)
    for done, (number, entry) in enumerate(entries, start=1):
        add(gathering, number, entry)
        if on_progress is not None:
            on_progress(done)
    return SourceListing(tuple(gathering.places), tuple(gathering.left_out), kind, file)


def _is_text(name: str) -> bool:
    """Whether a name can be written to Parquet and JSON: escapes in JSON can stand for halves of characters."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
