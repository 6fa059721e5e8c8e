"""The names and places of the files in a map."""

import re
from pathlib import Path

CURRENT = "CURRENT"
VERSIONS = "versions"
SEGMENTS = "segments"
CODES = "codes"

MANIFEST = "manifest.json"
INDEX = "index.faiss"
POINTER = "manifest.json.sha256"  # the content of CURRENT while the version is served
LEFT_OUT = "left_out.csv"
CALIBRATION = "calibration.json"

PLACES = "places.parquet"
GLOBALS = "globals.npy"
LOCALS = "locals.npy"
SEGMENT_FILES = (PLACES, GLOBALS, LOCALS)  # every segment has them
THUMBNAILS = "thumbnails.mjpeg"
LOOSE_THUMBNAILS = "thumbnails"  # the folder of a segment from before format 7

FIRST_NUMBER = "000001"  # digits in the names of versions and segments
PRUNED = "pruned"  # the only remains of a removed newest version, so that its number is not used again


def version_dir(map_path: Path, version: str) -> Path:
    """Return the directory of a version."""
    return map_path / VERSIONS / version


def segment_dir(map_path: Path, segment_id: str) -> Path:
    """Return the directory of a segment."""
    return map_path / SEGMENTS / segment_id


def codebook_name(number: str) -> str:
    """Return the path below the map of a codebook."""
    return f"{CODES}/{number}/codebook.faiss"


def codes_name(number: str, segment_id: str) -> str:
    """Return the path below the map of the codes of a segment by a codebook."""
    return f"{CODES}/{number}/{segment_id}.npy"


def segment_id_of(number: int) -> str:
    """Return the id of the segment with a number from 1: six digits, or more if the number needs them."""
    return f"{number:06d}"


def version_of(number: int) -> str:
    """Return the version with a number from 1: six digits, or more if the number needs them."""
    return f"{number:06d}"


def version_numbers(map_path: Path) -> list[int]:
    """Return the numbers of all versions that a map has or had, ascending."""
    return _numbers(map_path / VERSIONS)


def segment_numbers(map_path: Path) -> list[int]:
    """Return the numbers of all segments in a map, ascending."""
    return _numbers(map_path / SEGMENTS)


def _numbers(directory: Path) -> list[int]:
    if not directory.is_dir():
        return []
    return sorted(int(entry.name) for entry in directory.iterdir() if re.fullmatch(r"[0-9]{6,}", entry.name))


def thumbnail_name(row: int) -> str:
    """Return the file name of the thumbnail of a row, in a segment from before format 7."""
    return f"{row:06d}.jpg"
