"""Which column of a CSV file holds what."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from index_builder.errors import SourceError

# Accepted spellings; where a file has several of a kind, the one that stands first here is used. Compared without
# case, and with blanks and hyphens as underscores.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "path": ("path", "image_path", "file_path", "filepath", "filename", "file_name", "file", "image", "name"),
    "latitude": ("latitude", "lat", "gps_latitude", "gps_lat", "latitude_deg", "lat_deg", "gpslatitude"),
    "longitude": (
        "longitude",
        "lon",
        "lng",
        "long",
        "gps_longitude",
        "gps_lon",
        "gps_lng",
        "gps_long",
        "longitude_deg",
        "lon_deg",
        "gpslongitude",
    ),
    "heading": ("heading", "heading_deg", "bearing", "yaw", "compass", "compass_angle", "course", "azimuth"),
    "time": ("time", "datetime", "date_time", "timestamp", "captured_at", "capture_time", "taken_at", "date"),
    "id": ("id", "image_id", "picture_id", "photo_id", "key", "image_key", "uuid"),
}
_REQUIRED = ("path", "latitude", "longitude")


@dataclass(frozen=True, slots=True)
class Columns:
    """Column numbers, from 0; None where the file has no such column."""

    path: int
    latitude: int
    longitude: int
    heading: int | None
    time: int | None
    id: int | None


def find_columns(
    header: Sequence[str], file: Path, latitude_column: str | None = None, longitude_column: str | None = None
) -> Columns:
    """Recognises the columns of a header.

    Args:
        header: The first row.
        file: For messages.
        latitude_column: The name of that column, if it is spelled in none of the accepted ways.
        longitude_column: Likewise.

    Raises:
        SourceError: A required column is missing, or a name occurs twice.
    """
    chosen = {"latitude": latitude_column, "longitude": longitude_column}
    found = {kind: find_column(header, file, spellings, chosen.get(kind)) for kind, spellings in SPELLINGS.items()}
    path, latitude, longitude = (found[kind] for kind in _REQUIRED)
    if path is None or latitude is None or longitude is None:
        raise SourceError(_missing_columns(header, file, [kind for kind in _REQUIRED if found[kind] is None]))
    return Columns(path, latitude, longitude, found["heading"], found["time"], found["id"])


def find_column(
    header: Sequence[str], file: Path, spellings: Sequence[str], asked_for: str | None = None
) -> int | None:
    """The number of a column, from 0; None if the file has none of that kind.

    Args:
        header: The first row.
        file: For messages.
        spellings: Names that are accepted, the preferred ones first.
        asked_for: The one name that is accepted instead of these.

    Raises:
        SourceError: The column that was asked for is missing, or a name occurs twice.
    """
    names = [_normalised(name) for name in header]
    wanted = spellings if asked_for is None else (_normalised(asked_for),)
    present = [name for name in wanted if name in names]
    if asked_for is not None and not present:
        raise SourceError(f"{file} has no column {asked_for!r}; its columns are {listed(header)}")
    if present and names.count(present[0]) > 1:
        raise SourceError(f"{file} has {names.count(present[0])} columns named {present[0]!r}: remove or rename one")
    return names.index(present[0]) if present else None


def listed(header: Sequence[str]) -> str:
    """The names of a header, for messages."""
    return ", ".join(name.strip() or "(without a name)" for name in header)


def _missing_columns(header: Sequence[str], file: Path, missing: list[str]) -> str:
    lines = [f"{file} lacks the column{'s' if len(missing) > 1 else ''} {' and '.join(missing)}."]
    lines += [f"Accepted for {kind}: {', '.join(SPELLINGS[kind])}." for kind in missing]
    lines.append(f"Its columns are {listed(header)}.")
    for kind in missing:
        # dummy_lat is near lat, and yet not taken unasked: it says that its numbers are invented.
        near = [name for name in header if _resembles(name, kind)]
        option = f"--{kind}-column {near[0]}" if kind != "path" and near else ""
        if option:
            lines.append(f"If {near[0]} is the {kind}, say {option}.")
        elif near:
            lines.append(f"If {near[0]} is the {kind}, rename it to {kind}.")
    return " ".join(lines)


def _resembles(name: str, kind: str) -> bool:
    words = _normalised(name).split("_")
    return any(word in SPELLINGS[kind] or get_close_matches(word, SPELLINGS[kind], n=1, cutoff=0.8) for word in words)


def _normalised(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip()).lower()
