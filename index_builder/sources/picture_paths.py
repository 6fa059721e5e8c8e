"""The search for pictures that a list names, and the ids from their paths."""

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

_WINDOWS_ABSOLUTE = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_MOST_NAMED = 6  # places, in a message


@dataclass(frozen=True, slots=True)
class Missing:
    """Describe a picture that does not exist.

    Attributes:
        tried: The paths that were tried, at least one.
    """

    tried: tuple[Path, ...]

    def __str__(self) -> str:
        """Return a description for people."""
        first, *others = (str(path) for path in self.tried)
        if not others:
            return f"there is no file {first}"
        more = f" and {len(others) - _MOST_NAMED:,} other places" if len(others) > _MOST_NAMED else ""
        return f"there is no file {first}, nor {', nor '.join(others[:_MOST_NAMED])}{more}"


class PictureFinder:
    """Look for pictures by the paths of a list: first as they are written, then by similar paths.

    Separators of Windows are accepted. Capitals and the composition of letters may differ if only one file fits. The
    end of an absolute path of another machine is looked for beside the list. The first file that exists is taken.
    """

    def __init__(self, folder: Path, root: Path | None = None, inner: Sequence[str] = ()) -> None:
        """Keep the arguments; nothing is looked for yet.

        Args:
            folder: The folder of the list, at which relative paths start.
            root: Another folder of the pictures, which is tried first.
            inner: Names of folders in these two that may hold pictures, too.
        """
        self.folder = folder
        self._root = root
        bases = [folder] if root is None else [root, folder]
        self._bases = [*bases, *(base / name for base in bases for name in inner)]
        self._names: dict[Path, dict[str, list[str]]] = {}

    def find(self, name: str) -> Path | Missing:
        """Return the path of a picture that a list names."""
        tried: dict[Path, None] = {}
        for path in self._possible(name):
            if is_file(path):
                return path
            tried[path] = None
        for path in tried:
            respelled = self._respelled(path)
            if respelled is not None and is_file(respelled):
                return respelled
        return Missing(tuple(tried))

    def find_any(self, names: Sequence[str]) -> Path | Missing:
        """Return the first existing picture of several names, at least one."""
        missing: list[Path] = []
        for name in names:
            found = self.find(name)
            if isinstance(found, Path):
                return found
            missing += found.tried
        return Missing(tuple(dict.fromkeys(missing)))

    def id_of(self, path: Path) -> str:
        """Return a path as an id: below the root or the folder of the list, or unchanged if it lies elsewhere."""
        if self._root is not None and path.is_relative_to(os.path.normpath(self._root)):
            return path_below(self._root, path)
        return path_below(self.folder, path)

    def _possible(self, name: str) -> Iterator[Path]:
        if name.startswith("file:"):
            name = unquote(urlsplit(name).path)
            name = name[1:] if _WINDOWS_ABSOLUTE.match(name[1:]) else name
        for base in self._bases:
            yield _normal(base / name)
        is_absolute = name.startswith("/") or _WINDOWS_ABSOLUTE.match(name) is not None
        if not is_absolute:
            if "\\" in name:  # a list that was written on Windows
                for base in self._bases:
                    yield _normal(base / name.replace("\\", "/"))
            return
        parts = [part for part in re.split(r"[\\/]+", name) if part and not part.endswith(":")]
        for base in self._bases:
            for start in range(len(parts)):
                yield _normal(base.joinpath(*parts[start:]))

    def _respelled(self, path: Path) -> Path | None:
        """Return the only path that differs in capitals and composition of letters; None without exactly one."""
        parent = path.parent
        if parent == path:
            return path
        if not _is_folder(parent):
            respelled = self._respelled(parent)
            if respelled is None or not _is_folder(respelled):
                return None
            parent = respelled
        alike = self._names_in(parent).get(plain_name(path.name), [])
        return parent / alike[0] if len(alike) == 1 else None

    def _names_in(self, folder: Path) -> dict[str, list[str]]:
        if folder not in self._names:
            names: dict[str, list[str]] = {}
            try:
                for path in folder.iterdir():
                    names.setdefault(plain_name(path.name), []).append(path.name)
            except OSError:
                names = {}  # a folder that may be looked into, and not listed
            self._names[folder] = names
        return self._names[folder]


def is_file(path: Path) -> bool:
    """Return whether a path leads to a file that is accessible."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False  # a name that is too long for any file or holds a zero byte, a folder that may not be looked into


def path_below(folder: Path, path: Path) -> str:
    """Return a path as an id: below the folder with ``/``, or unchanged if it lies elsewhere."""
    folder = Path(os.path.normpath(folder))
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()


def _normal(path: Path) -> Path:
    return Path(os.path.normpath(path))


def plain_name(name: str) -> str:
    """Return a name for comparison: in small letters, and composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
