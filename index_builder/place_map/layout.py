"""Where everything lies in a map, and what it is called."""

from pathlib import Path

CURRENT = "CURRENT"
VERSIONS = "versions"
SEGMENTS = "segments"

MANIFEST = "manifest.json"
INDEX = "index.faiss"
LEFT_OUT = "left_out.csv"

PLACES = "places.parquet"
GLOBALS = "globals.npy"
LOCALS = "locals.npy"
SEGMENT_FILES = (PLACES, GLOBALS, LOCALS)
THUMBNAILS = "thumbnails"

FIRST_NUMBER = "000001"  # of versions, and of segments


def version_dir(map_path: Path, version: str) -> Path:
    """The directory of one version."""
    return map_path / VERSIONS / version


def segment_dir(map_path: Path, segment_id: str) -> Path:
    """The directory of one segment."""
    return map_path / SEGMENTS / segment_id


def segment_id_of(number: int) -> str:
    """The id of the segment with a number from 1: six digits, more where six are not enough."""
    return f"{number:06d}"


def thumbnail_name(row: int) -> str:
    """The file name of the thumbnail of a row of a segment."""
    return f"{row:06d}.jpg"
