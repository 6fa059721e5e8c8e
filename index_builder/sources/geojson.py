"""A GeoJSON file (RFC 7946) whose points are pictures, as QGIS and other geographic programs save them."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.csv_rows import parse_number
from index_builder.sources.gathering import Gathering, gather
from index_builder.sources.geojson_point import point_position
from index_builder.sources.json_file import number_in, text_in
from index_builder.sources.listing import LeftOutCode, OnProgress, SourceListing
from index_builder.sources.picture_paths import is_file, resolve_picture
from index_builder.sources.times import parse_time

FEATURE_COLLECTION = "FeatureCollection"

# Accepted names of properties, in any case; where a feature has several of a kind, the one that stands first here is
# used. QGIS calls a picture's path `photo`, its name without suffix `filename`, and its direction `direction`.
PICTURE_PROPERTIES = ("filename", "file", "path", "image", "image_path", "photo")
HEADING_PROPERTIES = ("heading", "heading_deg", "compass_angle", "bearing", "direction")
TIME_PROPERTIES = ("time", "captured_at", "timestamp", "datetime")

# RFC 7946 knows WGS84 only, longitude first; older files state it, under the names of OGC and EPSG, with and without
# heights.
_WGS84 = re.compile(r"(?:.*\bogc\b.*\bcrs84h?|.*\bepsg\b.*[:/](?:4326|4979)|wgs[ _]?84|crs84)", re.IGNORECASE)


def read_geojson(file: Path, collection: Mapping[str, object], on_progress: OnProgress | None = None) -> SourceListing:
    """Lists the pictures that features name, each with a Point as its geometry.

    The picture stands in one of the properties ``filename``, ``file``, ``path``, ``image``, ``image_path`` and
    ``photo``, absolute or relative to the file's folder: in the first that names a file that is there. Headings and
    times are optional; those that cannot be read count as unknown. The pictures are not opened.

    Args:
        file: What the collection was read from.
        collection: A FeatureCollection.
        on_progress: Called with the number of features looked at so far.

    Returns:
        Of kind ``geojson``, in the file's order. Ids are those of the features (the member ``id``), else the paths.

    Raises:
        SourceError: It has no features, its coordinates are not WGS84, or it gives two pictures one id.
    """
    _check_crs(collection, f"{file}")
    features = collection.get("features")
    if not isinstance(features, list):
        raise SourceError(f"{file} is a {FEATURE_COLLECTION} without a list of features")
    if not features:
        raise SourceError(f"{file} lists no pictures: its list of features is empty")
    return gather(file, "feature", "geojson", enumerate(features, start=1), _add, on_progress)


def _check_crs(member: Mapping[str, object], where: str) -> None:
    crs = member.get("crs")
    if crs is None:
        return
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else crs
    if not isinstance(name, str) or not _WGS84.fullmatch(name.strip()):
        raise SourceError(
            f"{where} states the coordinate reference system {name!r}; GeoJSON is read in WGS84, longitude first: "
            "save it again in EPSG:4326"
        )


def _add(gathering: Gathering, number: int, feature: object) -> None:
    where = f"feature {number}"
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        gathering.skip("", LeftOutCode.INVALID_ROW, f"{where} is not a Feature")
        return
    _check_crs(feature, f"{gathering.file}, {where},")
    stated = feature.get("properties")
    properties = {str(name).lower(): value for name, value in stated.items()} if isinstance(stated, dict) else {}
    folder = gathering.file.parent
    names = list(filter(None, (text_in(value) for value in _present(properties, PICTURE_PROPERTIES))))
    if not names:
        gathering.skip(
            "",
            LeftOutCode.INVALID_ROW,
            f"{where} names no picture: it has none of the properties {', '.join(PICTURE_PROPERTIES)}, but "
            f"{', '.join(properties) or 'no properties'}",
        )
        return
    name = next((each for each in names if is_file(resolve_picture(folder, each))), names[0])
    gathering.add(
        number,
        name,
        resolve_picture(folder, name),
        point_position(feature.get("geometry")),
        identifier=_identifier(feature.get("id")),
        heading_deg=_heading_deg(next(_present(properties, HEADING_PROPERTIES), None)),
        time=_time(next(_present(properties, TIME_PROPERTIES), None)),
    )


def _present(properties: Mapping[str, object], names: tuple[str, ...]) -> Iterator[object]:
    return (properties[name] for name in names if properties.get(name) not in (None, ""))


def _identifier(value: object) -> str:
    """RFC 7946, section 3.2: a string or a number."""
    return str(value) if number_in(value) is not None else text_in(value)


def _heading_deg(value: object) -> float | None:
    return parse_number(value) if isinstance(value, str) else number_in(value)


def _time(value: object) -> datetime | None:
    """ISO 8601, or seconds or milliseconds since 1970: told apart by the number of digits, as in CSV files."""
    return parse_time(str(value) if number_in(value) is not None else text_in(value))
