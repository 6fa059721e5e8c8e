"""Find the columns of a table."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.coordinates import parse_number
from index_builder.sources.read_options import ReadOptions

# Accepted spellings of columns, and of the properties of GeoJSON; where there are several of a kind, the one that
# stands first here is used. Compared without case and units, and with blanks and hyphens as underscores. exiftool's
# names are among them, with its groups (EXIF:GPSLatitude) or without.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "path": (
        "path",
        "image_path",
        "file_path",
        "filepath",
        "sourcefile",
        "source_file",
        "filename",
        "file_name",
        "file",
        "image",
        "photo",
        "name",
    ),
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
    "position": ("gpsposition", "gps_position", "coordinates", "lat_lon", "latlon", "geometry", "geom", "wkt"),
    "latitude_ref": ("latitude_ref", "lat_ref", "gps_latitude_ref", "gpslatituderef"),
    "longitude_ref": ("longitude_ref", "lon_ref", "lng_ref", "gps_longitude_ref", "gpslongituderef"),
    "heading": (
        "heading",
        "heading_deg",
        "bearing",
        "yaw",
        "compass",
        "compass_angle",
        "course",
        "azimuth",
        "direction",
        "gps_img_direction",
        "gpsimgdirection",
        "gimbalyawdegree",
    ),
    "heading_ref": ("heading_ref", "direction_ref", "gps_img_direction_ref", "gpsimgdirectionref"),
    "time": (
        "time",
        "datetime",
        "date_time",
        "timestamp",
        "captured_at",
        "capture_time",
        "taken_at",
        "date",
        "gpsdatetime",
        "subsecdatetimeoriginal",
        "datetimeoriginal",
        "date_time_original",
        "subseccreatedate",
        "createdate",
        "datetimedigitized",
    ),
    "error": (
        "gps_error_m",
        "accuracy_m",
        "gps_accuracy",
        "gps_accuracy_m",
        "horizontal_accuracy",
        "h_accuracy",
        "gps_h_positioning_error",
        "gpshpositioningerror",
    ),
    "dop": ("dop", "hdop", "gps_dop", "gpsdop"),
    "status": ("gps_status", "gpsstatus"),
    "panorama": ("pano", "is_pano", "panorama", "is_panorama", "projection_type", "projectiontype", "camera_type"),
    "method": ("gps_processing_method", "gpsprocessingmethod"),
    "zone": ("offset_time_original", "offsettimeoriginal", "offset_time", "offsettime"),
    "id": ("id", "image_id", "picture_id", "photo_id", "key", "image_key", "uuid"),
}
_REQUIRED = ("path", "latitude", "longitude")
_COMPUTED = "composite:"  # the group of values that exiftool has combined, with complete signs and letters
_UNIT = re.compile(r"[\s_]*[(\[](?:°|deg|degrees|decimal degrees|dd|m|metres|meters|wgs ?84)[)\]]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Columns:
    """Name the columns of a table.

    Attributes:
        numbers: Kind → numbers of its columns, from 0, the preferred ones first.
    """

    numbers: Mapping[str, tuple[int, ...]]

    def cell(self, cells: Sequence[str], kind: str) -> str:
        """Return the first cell of a kind that is not empty; empty if there is none."""
        return next(iter(self.filled(cells, kind)), "")

    def filled(self, cells: Sequence[str], kind: str) -> list[str]:
        """Return the cells of a kind that are not empty, the preferred ones first."""
        return [cells[number] for number in self.numbers[kind] if cells[number]]

    def first_cell(self, cells: Sequence[str], kind: str) -> str:
        """Return the cell of the preferred column of a kind; empty if the table has none."""
        return cells[self.numbers[kind][0]] if self.numbers[kind] else ""


def find_columns(header: Sequence[str], file: Path, options: ReadOptions | None = None) -> Columns:
    """Recognise the columns of a header.

    Args:
        header: The first row.
        file: For messages.
        options: Names of columns without an accepted spelling. One column of both degrees may replace the two
            columns; with a track, times are enough.

    Raises:
        SourceError: A required column is missing, or a name occurs twice.
    """
    options = options or ReadOptions()
    chosen = {
        "path": options.path_column,
        "latitude": options.latitude_column,
        "longitude": options.longitude_column,
    }
    found = {kind: _numbers(header, file, spellings, chosen.get(kind)) for kind, spellings in SPELLINGS.items()}
    required: tuple[str, ...] = _REQUIRED
    if found["position"] and not found["latitude"]:
        required = ("path", "position")
    elif options.gpx and not found["latitude"]:
        required = ("path", "time")
    missing = [kind for kind in required if not found[kind]]
    if missing:
        raise SourceError(_missing_columns(header, file, missing))
    return Columns(found)


@lru_cache(maxsize=256)
def known_columns(header: tuple[str, ...], file: Path) -> Columns:
    """Return the columns of a header that are spelled in the accepted ways; kinds may be missing.

    Args:
        header: Names of columns, or of the properties of a feature.
        file: For messages.

    Raises:
        SourceError: A name occurs twice.
    """
    return Columns({kind: _numbers(header, file, spellings, None) for kind, spellings in SPELLINGS.items()})


def find_column(
    header: Sequence[str], file: Path, spellings: Sequence[str], asked_for: str | None = None
) -> int | None:
    """Return the number of a column, from 0; None if the file has none of that kind.

    Args:
        header: The first row.
        file: For messages.
        spellings: Names that are accepted, the preferred ones first.
        asked_for: The one name that is accepted instead of these.

    Raises:
        SourceError: The column that was asked for is missing, or a name occurs twice.
    """
    return next(iter(_numbers(header, file, spellings, asked_for)), None)


def listed(header: Sequence[str]) -> str:
    """Return the names of a header, for messages."""
    return ", ".join(name.strip() or "(without a name)" for name in header)


def _numbers(header: Sequence[str], file: Path, spellings: Sequence[str], asked_for: str | None) -> tuple[int, ...]:
    names = [_normalised(name) for name in header]
    if asked_for is not None:
        wanted = _normalised(asked_for)
        if wanted not in names:
            raise SourceError(f"{file} has no column {asked_for!r}; its columns are {listed(header)}")
        _check_once(names, wanted, file)
        return (names.index(wanted),)
    found: list[int] = []
    for spelling in spellings:
        alike = [number for number, name in enumerate(names) if name == spelling or name.endswith(f":{spelling}")]
        if alike and not found:
            _check_once(names, names[alike[0]], file)
        found += sorted(alike, key=lambda number: (":" in names[number], not names[number].startswith(_COMPUTED)))
    return tuple(found)


def _check_once(names: Sequence[str], name: str, file: Path) -> None:
    if names.count(name) > 1:
        raise SourceError(f"{file} has {names.count(name)} columns named {name!r}: remove or rename one")


def _missing_columns(header: Sequence[str], file: Path, missing: list[str]) -> str:
    lines = [f"{file} lacks the column{'s' if len(missing) > 1 else ''} {' and '.join(missing)}."]
    lines += [f"Accepted for {kind}: {', '.join(SPELLINGS[kind])}." for kind in missing]
    if any(parse_number(name) is not None for name in header):
        lines.append(f"Its first line is {listed(header)}: put the names of the columns above it.")
        return " ".join(lines)
    lines.append(f"Its columns are {listed(header)}.")
    others = []
    for kind in [kind for kind in missing if kind in _REQUIRED]:
        # dummy_lat resembles lat, but is not used without a request: its name says that its numbers are invented.
        near = [name for name in header if _resembles(name, kind)]
        if near:
            lines.append(f"If {near[0]} is the {kind}, say --{kind}-column {shlex.quote(near[0])}.")
        else:
            others.append(f"--{kind}-column NAME")
    if others:
        lines.append(f"Name the other columns with {' and '.join(others)}.")
    return " ".join(lines)


def _resembles(name: str, kind: str) -> bool:
    words = _normalised(name).split("_")
    return any(word in SPELLINGS[kind] or get_close_matches(word, SPELLINGS[kind], n=1, cutoff=0.8) for word in words)


def _normalised(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", _UNIT.sub("", name).strip()).lower()
