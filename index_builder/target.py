"""The path of a new map, and the checks of it before long work begins."""

import re
import unicodedata
from pathlib import Path

from model.errors import InvalidInput
from place_map import layout
from place_map.builder_lock import staging_path
from place_map.errors import MapExists

_LETTERS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ø": "o", "å": "a"}
)


def map_name_of(source: Path) -> str:
    """Return the default name for the map of a collection, from its folder or file."""
    return _usable(source.absolute().stem if source.is_file() else source.absolute().name)


def check_target(out: Path) -> None:
    """Check that a path holds a map, or that a map can be published there.

    Raises:
        InvalidInput: The name is not valid for a map, or a directory cannot be renamed to the path.
        MapExists: The path holds something else, and there is no unfinished build of the map.
    """
    if is_map(out):
        return
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", out.name):
        raise InvalidInput(
            f"{out.name!r} cannot be the name of a map: it becomes part of addresses, so it must begin with a letter "
            f"or digit, and consist of letters, digits, '.', '_' and '-'; how about {out.with_name(_usable(out.name))}?"
        )
    if _is_taken(out) and not staging_path(out).is_dir():
        raise map_exists(out)
    if out.is_symlink():
        raise InvalidInput(f"{out} is a link, which a map cannot replace; remove it, or build under another name")
    if out.is_mount():
        raise InvalidInput(f"{out} is a mount point, which a map cannot replace; build into it: --out {out}/NAME")


def check_free(out: Path) -> None:
    """Refuse a path that is taken. The lock of the map is held.

    Raises:
        MapExists: The path is taken.
    """
    if _is_taken(out):
        raise map_exists(out)


def is_map(out: Path) -> bool:
    """Return whether a path holds a map."""
    return (out / layout.CURRENT).is_file()


def map_exists(out: Path) -> MapExists:
    """Return the error for a path that is taken."""
    return MapExists(
        f"{out} is there already; to bring it up to date with its collection: placefix update {out}. Else build "
        "under another name, or remove it first"
    )


def _usable(name: str) -> str:
    """Return a valid name for a map that is similar: letters lose their accents, other characters become hyphens."""
    plain = (
        unicodedata.normalize("NFKD", unicodedata.normalize("NFC", name).translate(_LETTERS))
        .encode("ascii", "ignore")
        .decode()
    )
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._") or "map"


def _is_taken(out: Path) -> bool:
    """Return whether a path exists, except as an empty directory, which a rename replaces."""
    return out.exists() and not (out.is_dir() and not any(out.iterdir()))
