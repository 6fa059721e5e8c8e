"""Where a map is to appear: whether it can is told before anything long begins."""

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
    """Return what the map of a collection is called where nobody says: after its folder or file."""
    return _usable(source.absolute().stem if source.is_file() else source.absolute().name)


def check_target(out: Path) -> None:
    """Look whether a map can be published at a path, or is there already.

    Raises:
        InvalidInput: The name cannot be that of a map, or a directory cannot be renamed to it.
        MapExists: There is something else, and no unfinished build that could have put it there.
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
    """Refuse a path where there is something. The lock of the map is held.

    Raises:
        MapExists: There is something at ``out``.
    """
    if _is_taken(out):
        raise map_exists(out)


def is_map(out: Path) -> bool:
    """Return whether a path is that of a map."""
    return (out / layout.CURRENT).is_file()


def map_exists(out: Path) -> MapExists:
    """Return the error for a path that is taken."""
    return MapExists(
        f"{out} is there already; to make it hold what its collection holds now: placefix update {out}. Else build "
        "under another name, or remove it first"
    )


def _usable(name: str) -> str:
    """Return the name of a map that is like another one: letters lose their accents, all else becomes a hyphen."""
    plain = (
        unicodedata.normalize("NFKD", unicodedata.normalize("NFC", name).translate(_LETTERS))
        .encode("ascii", "ignore")
        .decode()
    )
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._") or "map"


def _is_taken(out: Path) -> bool:
    """Return whether something is there; an empty directory is as good as nothing, since a rename replaces it."""
    return out.exists() and not (out.is_dir() and not any(out.iterdir()))
