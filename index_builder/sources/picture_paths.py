"""Where the pictures lie that a list names, and what they are called by their paths."""

import os
from pathlib import Path


def resolve_picture(folder: Path, name: str) -> Path:
    """The path that a list names, relative to the folder of its file."""
    path = Path(os.path.normpath(folder / name))
    if "\\" in name and not is_file(path):
        path = Path(os.path.normpath(folder / name.replace("\\", "/")))  # a list that was written on Windows
    return path


def is_file(path: Path) -> bool:
    """Whether a path leads to a file that can be looked at."""
    try:
        return path.is_file()
    except OSError:
        return False  # a name that is too long for any file, a folder that may not be looked into


def path_below(folder: Path, path: Path) -> str:
    """A path as an id: below the folder with ``/`` if it lies there, as it is otherwise."""
    folder = Path(os.path.normpath(folder))
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()
