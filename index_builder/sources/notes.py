"""The files that belong to pictures of a folder: XMP beside them, and the JSON of Google Takeout."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Self

from index_builder.sources.geotag import Geotag, Remark
from index_builder.sources.picture_paths import plain_name
from index_builder.sources.takeout import TakeoutNames, takeout_geotag
from index_builder.sources.xmp import xmp_geotag

NOTE_SUFFIXES = frozenset({".xmp", ".json"})
_MOST_BYTES = 16 * 2**20


class Notes:
    """Find the notes of one folder.

    The XMP of ``a.jpg`` is ``a.jpg.xmp`` or ``a.xmp``; capitals and composed letters may differ.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Sort the names; no file is read.

        Args:
            names: Names of files of the folder; those with other suffixes are passed over.
        """
        names = tuple(names)
        self._xmp = {plain_name(name): name for name in names if name.lower().endswith(".xmp")}
        self._takeout = TakeoutNames(name for name in names if name.lower().endswith(".json"))

    @classmethod
    def beside(cls, picture: Path) -> Self:
        """Return the notes of the folder that a picture lies in."""
        try:
            return cls(path.name for path in picture.parent.iterdir())
        except OSError:
            return cls()  # a folder that may be looked into, and not listed

    def of(self, picture: str) -> tuple[str, ...]:
        """Return the names of the notes of a picture."""
        plain = plain_name(picture)
        xmp = self._xmp.get(f"{plain}.xmp") or self._xmp.get(f"{PurePosixPath(plain).stem}.xmp")
        return tuple(name for name in (xmp, self._takeout.of(picture)) if name is not None)

    def geotags(self, picture: Path, assumed_hemisphere: str = "") -> Iterator[Geotag]:
        """Read the notes of a picture, one after the other."""
        for name in self.of(picture.name):
            is_xmp = name.lower().endswith(".xmp")
            read = partial(xmp_geotag, assumed_hemisphere=assumed_hemisphere) if is_xmp else takeout_geotag
            content = _content_of(picture.with_name(name))
            yield Geotag(remarks=frozenset({Remark.UNREADABLE_NOTE})) if content is None else read(content)


def _content_of(note: Path) -> bytes | None:
    """Return the content of a note; None if it cannot be read, or is too large."""
    try:
        if not note.is_file() or note.stat().st_size > _MOST_BYTES:
            return None
        return note.read_bytes()
    except OSError:
        return None
