"""The pictures of a list, gathered entry by entry, with the same rules for CSV, JSON and GeoJSON."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from index_builder.errors import SourceError
from index_builder.sources.geotag import Geotag, Pose, Remark
from index_builder.sources.json_file import Unit
from index_builder.sources.listing import EXCLUDED, LeftOutCode, ListingKind, OnProgress, SourceListing, skipped
from index_builder.sources.picture_paths import Missing, PictureFinder
from index_builder.sources.rules import Rules
from model.places import Place
from model.positions import Unplaced
from place_map.left_out import LeftOut

Entry = TypeVar("Entry")

_PLURALS: dict[Unit, str] = {"line": "lines", "entry": "entries", "feature": "features"}


@dataclass
class Gathering:
    """Gather the pictures of a list: each entry is placed, or left out with its reason.

    Attributes:
        file: The list.
        unit: The name of an entry.
        rules: The rules for pictures.
        finder: The finder of pictures by their names in the list.
        places: Pictures with positions.
        left_out: The other pictures.
        remarks: Remark about pictures with positions → the number of these pictures.
        passed_over: Reason for passing over an entry → the number of these entries.
        panoramas: Id of a panorama to cut into views → the pose of its camera.
    """

    file: Path
    unit: Unit
    rules: Rules
    finder: PictureFinder
    places: list[Place] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    remarks: Counter[Remark] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    panoramas: dict[str, Pose] = field(default_factory=dict)
    _number_of_path: dict[str, int] = field(default_factory=dict)
    _number_of_id: dict[str, int] = field(default_factory=dict)

    def skip(self, name: str, code: StrEnum, reason: str) -> None:
        """Leave out an entry that cannot be used as a picture with a position.

        Args:
            name: The name of the picture in the list; may be empty.
            code: The code of the reason.
            reason: A sentence that names the entry.
        """
        self.left_out.append(skipped(_printable(name), Unplaced(code, _printable(reason))))

    def add(self, number: int, name: str, found: Path | Missing, geotag: Geotag, *, identifier: str = "") -> None:
        """Take an entry that names a picture.

        Args:
            number: The number of the entry in messages, from 1.
            name: The name of the picture in the list.
            found: The path of the picture, or the paths that were tried.
            geotag: The geotag of the picture in the list.
            identifier: The id of the picture; its path if empty.

        Raises:
            SourceError: Another picture has that id.
        """
        where = f"{self.unit} {number}"
        if self.rules.is_excluded(name.replace("\\", "/")):
            self.passed_over[EXCLUDED] += 1
            return
        geotag = self.rules.settle(geotag)
        if not (_is_text(name) and _is_text(identifier)):
            self.skip(
                name, LeftOutCode.INVALID_NAME, f"{where}: its name or id is not text (it holds half a character)"
            )
        elif isinstance(geotag.position, Unplaced):
            self.skip(name, geotag.position.code, f"{where}: {geotag.position.reason}")
        elif isinstance(found, Missing):
            reason = _printable(f"{where}: {found}")
            self.left_out.append(LeftOut(_printable(name), "rejected", LeftOutCode.MISSING_FILE, reason))
        elif (first := self._number_of_path.setdefault(str(found), number)) != number:
            self.skip(name, LeftOutCode.DUPLICATE, f"{where} lists the same picture as {self.unit} {first}")
        else:
            identifier = identifier or self.finder.id_of(found)
            self._claim(identifier, number)
            self.remarks.update(geotag.remarks)
            if geotag.panorama is not None:
                self.panoramas[identifier] = geotag.panorama
            self.places.append(Place(identifier, found, geotag.position, geotag.heading_deg, geotag.time))

    def add_named(self, number: int, names: Sequence[str], geotag: Geotag, *, identifier: str = "") -> None:
        """Take an entry with one or several names for its picture; the first name of an existing file counts."""
        found = self.finder.find_any(names)
        name = next((name for name in names if self.finder.find(name) == found), names[0])
        self.add(number, name, found, geotag, identifier=identifier)

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
    rules: Rules,
    on_progress: OnProgress | None,
    inner: Sequence[str] = (),
) -> SourceListing:
    """List the pictures of a list, in its order.

    Args:
        file: The list.
        unit: The name of an entry.
        kind: The kind of the listing.
        entries: The entries, with their numbers from 1.
        add: The function that adds an entry to the gathering, or leaves it out.
        rules: The rules for pictures.
        on_progress: The function that is called with the number of entries read so far.
        inner: Folders beside the list in which its pictures may lie, too.

    Raises:
        SourceError: Two pictures have one id.
    """
    gathering = Gathering(file, unit, rules, PictureFinder(file.parent, rules.options.root, inner))
    for done, (number, entry) in enumerate(entries, start=1):
        add(gathering, number, entry)
        if on_progress is not None:
            on_progress(done)
    return SourceListing(
        places=tuple(gathering.places),
        left_out=tuple(gathering.left_out),
        kind=kind,
        root=file,
        options=rules.options,
        remarks=gathering.remarks,
        passed_over=gathering.passed_over,
        panoramas=gathering.panoramas,
    )


def _is_text(name: str) -> bool:
    """Return whether a name can be written to Parquet and JSON; escapes in JSON may stand for halves of characters."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
