"""Where a map is to appear, and where it grows until then: whether the one can become the other is told at once."""

import re
from pathlib import Path

from model.errors import InvalidInput
from place_map.builder_lock import staging_path
from place_map.errors import MapExists


def check_target(out: Path) -> None:
    """Looks, before anything long begins, whether a map can be published at a path.

    Raises:
        InvalidInput: The name cannot be that of a map, or a directory cannot be renamed to it.
        MapExists: There is something already, and no unfinished build that could have put it there.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", out.name):
        raise InvalidInput(
            f"{out.name!r} cannot be the name of a map: it becomes part of addresses, so it must begin with a letter "
            "or digit, and consist of letters, digits, '.', '_' and '-'"
        )
    check_free(out)
    if out.is_symlink():
        raise InvalidInput(f"{out} is a link, which a map cannot replace; remove it, or build under another name")
    if out.is_mount():
        raise InvalidInput(f"{out} is a mount point, which a map cannot replace; build into it: --out {out}/NAME")


def check_free(out: Path) -> None:
    """Refuses a path where there is something, unless an unfinished build may have put it there.

    Raises:
        MapExists: There is something at ``out``.
    """
    if is_taken(out) and not staging_path(out).is_dir():
        raise map_exists(out)


def is_taken(out: Path) -> bool:
    """Whether something is there; an empty directory is as good as nothing, since a rename replaces it."""
    return out.exists() and not (out.is_dir() and not any(out.iterdir()))


def map_exists(out: Path) -> MapExists:
    """The error for a path that is taken."""
    return MapExists(
        f"{out} is there already; to make it hold what its collection holds now: placefix update {out}. Else build "
        "under another name, or remove it first"
    )
