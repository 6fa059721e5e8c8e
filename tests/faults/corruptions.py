"""Damage the files of a map, as disks, copies and people do; a seed draws the damage."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from place_map import layout


@dataclass(frozen=True)
class Corruption:
    """Describe a damage.

    Attributes:
        kind: In a word.
        names: The files that were hit, below the map.
    """

    kind: str
    names: tuple[str, ...]


def file_names(map_dir: Path) -> list[str]:
    """Return all files of a map, below it."""
    return sorted(path.relative_to(map_dir).as_posix() for path in map_dir.rglob("*") if path.is_file())


def corrupt(map_dir: Path, kind: str, random: Random) -> Corruption:
    """Damage one file of a map, or two."""
    return Corruption(kind, KINDS[kind](map_dir, file_names(map_dir), random))


def _flip(map_dir: Path, names: Sequence[str], random: Random) -> tuple[str]:
    name = random.choice(names)
    content = bytearray((map_dir / name).read_bytes())
    content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    (map_dir / name).write_bytes(content)
    return (name,)


def _truncate(map_dir: Path, names: Sequence[str], random: Random) -> tuple[str]:
    name = random.choice(names)
    content = (map_dir / name).read_bytes()
    (map_dir / name).write_bytes(content[: random.randrange(len(content))])
    return (name,)


def _extend(map_dir: Path, names: Sequence[str], random: Random) -> tuple[str]:
    name = random.choice(names)
    with (map_dir / name).open("ab") as file:
        file.write(random.randbytes(random.randint(1, 100)))
    return (name,)


def _swap(map_dir: Path, names: Sequence[str], random: Random) -> tuple[str, str]:
    while True:
        one, other = random.sample(names, 2)
        contents = [(map_dir / name).read_bytes() for name in (one, other)]
        if contents[0] != contents[1] and not _is_activation(one, other) and not _is_activation(other, one):
            (map_dir / one).write_bytes(contents[1])
            (map_dir / other).write_bytes(contents[0])
            return one, other


def _delete(map_dir: Path, names: Sequence[str], random: Random) -> tuple[str]:
    name = random.choice(names)
    (map_dir / name).unlink()
    return (name,)


def _of_another(map_dir: Path, names: Sequence[str], random: Random) -> tuple[str]:
    """Put a file of the same name from another version or segment in its place."""
    while True:
        name = random.choice(names)
        others = [other for other in names if other != name and Path(other).name == Path(name).name]
        if others:
            content = (map_dir / random.choice(others)).read_bytes()
            if content != (map_dir / name).read_bytes():
                (map_dir / name).write_bytes(content)
                return (name,)


def _directory(map_dir: Path, names: Sequence[str], random: Random) -> tuple[str]:
    name = random.choice(names)
    (map_dir / name).unlink()
    (map_dir / name).mkdir()
    return (name,)


def _link(map_dir: Path, names: Sequence[str], random: Random) -> tuple[str]:
    """Replace a file by a link to a copy elsewhere, which could change unseen."""
    name = random.choice(names)
    elsewhere = map_dir.parent / "elsewhere"
    shutil.move(map_dir / name, elsewhere)
    (map_dir / name).symlink_to(elsewhere)
    return (name,)


def _is_activation(one: str, other: str) -> bool:
    """Return whether a copy of a file onto another activates a version, and so is not a damage."""
    return one == layout.CURRENT and Path(other).name == layout.POINTER


KINDS: dict[str, Callable[[Path, Sequence[str], Random], tuple[str, ...]]] = {
    "flip a bit": _flip,
    "truncate": _truncate,
    "extend": _extend,
    "swap two files": _swap,
    "delete": _delete,
    "replace by that of another version": _of_another,
    "replace by a directory": _directory,
    "replace by a link": _link,
}
