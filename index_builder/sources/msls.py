"""Mapillary Street-Level Sequences (MSLS) as they are distributed: one side of one city.

::

    <split>/<city>/{database,query}/raw.csv             key, lon, lat, ca (compass angle), captured_at, pano
                                   /postprocessed.csv   key, easting, northing, view_direction, …
                                   /images/<key>.jpg

The columns are found by their names: published descriptions of the files do not agree on the order.
"""

from collections import Counter
from collections.abc import Mapping
from math import hypot
from pathlib import Path
from typing import get_args

from index_builder.errors import SourceError
from index_builder.sources.coordinates import parse_number
from index_builder.sources.csv_columns import find_column, listed
from index_builder.sources.csv_rows import read_rows
from index_builder.sources.geotag import Geotag, Pose, Remark, unreadable
from index_builder.sources.headings import parse_heading
from index_builder.sources.listing import EXCLUDED, LeftOutCode, OnProgress, SourceListing, skipped
from index_builder.sources.picture_paths import is_file
from index_builder.sources.read_options import Side
from index_builder.sources.rules import Rules
from index_builder.sources.times import parse_time
from index_builder.sources.utm_folder import MAX_DISAGREEMENT_M
from model.geo import LatLon, Utm, from_utm, to_utm
from model.places import Place
from model.positions import Unplaced, checked_position
from place_map.left_out import LeftOut

RAW = "raw.csv"
POSTPROCESSED = "postprocessed.csv"
IMAGES = "images"


def is_msls_folder(folder: Path) -> bool:
    """Return whether a folder is one side of a city of MSLS."""
    return is_file(folder / RAW) and (folder / IMAGES).is_dir()


def is_msls_city(folder: Path) -> bool:
    """Return whether a folder is a city of MSLS, with one of its sides at least."""
    return any(is_msls_folder(folder / side) for side in get_args(Side))


def read_msls_city(folder: Path, rules: Rules | None = None, on_progress: OnProgress | None = None) -> SourceListing:
    """Read the side of a city that the options name: the database, unless queries are read.

    Raises:
        SourceError: The city lacks this side; or as in ``read_msls``.
    """
    rules = rules or Rules()
    side = folder / rules.options.side
    if not is_msls_folder(side):
        raise SourceError(f"{folder} is a city of MSLS without its {rules.options.side}: there is no {side / RAW}")
    return read_msls(side, rules, on_progress)


def read_msls(folder: Path, rules: Rules | None = None, on_progress: OnProgress | None = None) -> SourceListing:
    """Read one side of a city.

    A picture's position is its easting and northing in ``postprocessed.csv``, which the official evaluation measures
    with, in the zone of its degrees in ``raw.csv``; without that file it is the degrees. Panoramas are skipped.

    Args:
        folder: ``<city>/database`` or ``<city>/query``.
        rules: The rules for pictures.
        on_progress: The function that is called with the number of rows read so far.

    Returns:
        The listing, of kind ``msls``, in the order of ``raw.csv``. Ids are the keys.

    Raises:
        SourceError: A file cannot be read, lacks a column, or lists a key twice.
    """
    rules = rules or Rules()
    rows = _read_by_key(folder / RAW, ("lat", "lon"), ("ca", "captured_at", "pano"))
    metres: dict[str, dict[str, str]] = {}
    if (folder / POSTPROCESSED).is_file():
        metres = _read_by_key(folder / POSTPROCESSED, ("easting", "northing"), ())
    places: list[Place] = []
    left_out: list[LeftOut] = []
    remarks: Counter[Remark] = Counter()
    panoramas: dict[str, Pose] = {}
    excluded = 0
    for done, (key, row) in enumerate(rows.items(), start=1):
        if rules.is_excluded(f"{IMAGES}/{key}.jpg"):
            excluded += 1
        else:
            geotag = rules.settle(_geotag(row, metres.get(key)))
            found = _read_picture(folder, key, geotag)
            if isinstance(found, Place):
                places.append(found)
                remarks.update(geotag.remarks)
                if geotag.panorama is not None:
                    panoramas[key] = geotag.panorama
            else:
                left_out.append(found)
        if on_progress is not None:
            on_progress(done)
    if not rows:
        raise SourceError(f"{folder / RAW} lists no pictures: there is no row below the header")
    return SourceListing(
        places=tuple(places),
        left_out=tuple(left_out),
        kind="msls",
        root=folder,
        options=rules.options,
        remarks=remarks,
        passed_over={EXCLUDED: excluded} if excluded else {},
        panoramas=panoramas,
    )


def _read_by_key(file: Path, required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Return key → column → cell, stripped; a missing optional column is empty."""
    header, rows = read_rows(file)
    columns = {name: find_column(header, file, (name,)) for name in ("key", *required, *optional)}
    missing = [name for name in ("key", *required) if columns[name] is None]
    if missing:
        raise SourceError(f"{file} lacks the column {' and '.join(missing)}; its columns are {listed(header)}")
    found: dict[str, dict[str, str]] = {}
    for line, row in rows:
        cells = {
            name: "" if column is None or column >= len(row) else row[column].strip()
            for name, column in columns.items()
        }
        key = cells["key"]
        if not key:
            raise SourceError(f"{file}, line {line}, has no key")
        if key in found:
            raise SourceError(f"{file} lists the key {key!r} twice, the second time in line {line}")
        found[key] = cells
    return found


def _read_picture(folder: Path, key: str, geotag: Geotag) -> Place | LeftOut:
    path = folder / IMAGES / f"{key}.jpg"
    name = f"{IMAGES}/{key}.jpg"
    if isinstance(geotag.position, Unplaced):
        return skipped(name, geotag.position)
    if not path.is_file():
        return LeftOut(name, "rejected", LeftOutCode.MISSING_FILE, f"there is no file {path}")
    return Place(key, path, geotag.position, geotag.heading_deg, geotag.time)


def _geotag(row: Mapping[str, str], metres: Mapping[str, str] | None) -> Geotag:
    heading_deg, time = parse_heading(row["ca"]), parse_time(row["captured_at"])
    return Geotag(
        position=_position(row, metres),
        heading_deg=heading_deg,
        time=time,
        panorama=Pose() if row["pano"].lower() in ("true", "1") else None,
        remarks=unreadable(row["ca"], heading_deg, row["captured_at"], time),
    )


def _position(row: Mapping[str, str], metres: Mapping[str, str] | None) -> LatLon | Unplaced:
    latitude_deg, longitude_deg = parse_number(row["lat"]), parse_number(row["lon"])
    if latitude_deg is None or longitude_deg is None:
        return Unplaced(LeftOutCode.NO_POSITION, f"{RAW} gives no degrees, but {row['lat']!r} and {row['lon']!r}")
    degrees = checked_position(latitude_deg, longitude_deg)
    if metres is None or isinstance(degrees, Unplaced):
        return degrees
    easting_m, northing_m = parse_number(metres["easting"]), parse_number(metres["northing"])
    if easting_m is None or northing_m is None:
        return degrees
    by_degrees = to_utm(degrees)
    apart_m = hypot(easting_m - by_degrees.easting_m, northing_m - by_degrees.northing_m)
    if apart_m > MAX_DISAGREEMENT_M:
        return Unplaced(
            LeftOutCode.CONTRADICTORY_POSITION,
            f"{RAW} and {POSTPROCESSED} place it {apart_m / 1000:,.0f} km apart",
        )
    return from_utm(Utm(easting_m, northing_m, by_degrees.zone, by_degrees.is_north))
