"""Where everything lies in a map, and what it is called."""

import re
from pathlib import Path

CURRENT = "CURRENT"
VERSIONS = "versions"
SEGMENTS = "segments"

MANIFEST = "manifest.json"
INDEX = "index.faiss"
POINTER = "manifest.json.sha256"  # what CURRENT holds while the version is served
LEFT_OUT = "left_out.csv"
CALIBRATION = "calibration.json"

PLACES = "places.parquet"
GLOBALS = "globals.npy"
LOCALS = "locals.npy"
SEGMENT_FILES = (PLACES, GLOBALS, LOCALS)
THUMBNAILS = "thumbnails"

FIRST_NUMBER = "000001"  # of versions, and of segments
PRUNED = "pruned"  # all that is left of the newest version if it was removed: its number is not given again


def version_dir(map_path: Path, version: str) -> Path:
    """The directory of one version."""
    return map_path / VERSIONS / version


def segment_dir(map_path: Path, segment_id: str) -> Path:
    """The directory of one segment."""
    return map_path / SEGMENTS / segment_id


def segment_id_of(number: int) -> str:
    """The id of the segment with a number from 1: six digits, more where six are not enough."""
    return f"{number:06d}"


def version_of(number: int) -> str:
    """The version with a number from 1, likewise."""
    return f"{number:06d}"


def version_numbers(map_path: Path) -> list[int]:
    """The numbers of all versions that a map has or had, ascending."""
    return _numbers(map_path / VERSIONS)


def segment_numbers(map_path: Path) -> list[int]:
    """The numbers of all segments in a map, ascending."""
    return _numbers(map_path / SEGMENTS)


def _numbers(directory: Path) -> list[int]:
    if not directory.is_dir():
        return []
    return sorted(int(entry.name) for entry in directory.iterdir() if re.fullmatch(r"[0-9]{6,}", entry.name))


def thumbnail_name(row: int) -> str:
    """The file name of the thumbnail of a row of a segment."""
    return f"{row:06d}.jpg"
