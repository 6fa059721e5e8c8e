"""GeoJSON (RFC 7946) whose points are pictures, as QGIS, GDAL and GeoPandas write it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.gathering import Gathering, gather
from index_builder.sources.geojson_point import point_position
from index_builder.sources.geotag import Geotag, Pose, unreadable
from index_builder.sources.headings import heading_in
from index_builder.sources.json_file import JsonContent, number_in, text_in
from index_builder.sources.listing import LeftOutCode, OnProgress, SourceListing
from index_builder.sources.picture_paths import Missing
from index_builder.sources.reference_systems import WGS84, ReferenceSystem, reference_system
from index_builder.sources.rules import Rules
from index_builder.sources.times import parse_time
from model.estimates import is_estimate
from model.positions import ESTIMATED

# Accepted names of properties, in any case; where a feature has several of a kind, the one that stands first here is
# used. QGIS calls a picture's path `photo`, its name without suffix `filename`, and its direction `direction`.
PICTURE_PROPERTIES = ("filename", "file", "path", "image", "image_path", "photo", "sourcefile")
HEADING_PROPERTIES = ("heading", "heading_deg", "compass_angle", "bearing", "direction", "gpsimgdirection")
TIME_PROPERTIES = ("time", "captured_at", "timestamp", "datetime", "datetimeoriginal")
ERROR_PROPERTIES = ("gps_error_m", "accuracy_m", "gps_accuracy", "horizontal_accuracy", "gpshpositioningerror")
_METHOD_PROPERTIES = ("gps_processing_method", "gpsprocessingmethod")
_PANORAMA_PROPERTIES = ("is_pano", "pano", "panorama", "is_panorama")


def is_geojson(content: JsonContent) -> bool:
    """Return whether a file is a FeatureCollection, a Feature, or lists such."""
    if content.members.get("type") in ("FeatureCollection", "Feature"):
        return True
    return any(isinstance(entry, dict) and entry.get("type") == "Feature" for _, entry in content.entries or ())


def read_geojson(
    file: Path, content: JsonContent, rules: Rules, on_progress: OnProgress | None = None
) -> SourceListing:
    """List the pictures that features name, each with a Point as its geometry.

    The picture stands in one of ``PICTURE_PROPERTIES``, absolute or relative to the file's folder: in the first that
    names a file that is there. Headings and times are optional; those that cannot be read count as unknown. The
    pictures are not opened.

    Args:
        file: What was read.
        content: A FeatureCollection, a Feature, or one in each line.
        rules: What becomes of pictures.
        on_progress: Called with the number of features looked at so far.

    Returns:
        Of kind ``geojson``, in the file's order. Ids are those of the features (the member ``id``), else the paths.

    Raises:
        SourceError: It has no features, its reference system is not known, or it gives two pictures one id.
    """
    system = _system_of(content.members, f"{file}") or WGS84
    if content.entries is None:
        raise SourceError(f"{file} is a FeatureCollection without a list of features")
    if not content.entries:
        raise SourceError(f"{file} lists no pictures: its list of features is empty")
    return gather(file, content.unit, "geojson", content.entries, partial(_add, system), rules, on_progress)


def feature_identifier(value: object) -> str:
    """Return the member ``id`` of a feature: a string or a number (RFC 7946, section 3.2); empty for anything else."""
    return str(value) if number_in(value) is not None else text_in(value)


def _system_of(member: Mapping[str, object], where: str) -> ReferenceSystem | None:
    """Return the reference system that an object states, as files before RFC 7946 do; None if it states none."""
    crs = member.get("crs")
    if crs is None:
        return None
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else crs
    if not isinstance(name, str):
        raise SourceError(
            f"{where} states the coordinate reference system {name!r}, which is no name: save it again in EPSG:4326, "
            "longitude first"
        )
    return reference_system(name, where)


def _add(system: ReferenceSystem, gathering: Gathering, number: int, feature: object) -> None:
    where = f"{gathering.unit} {number}"
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        gathering.skip("", LeftOutCode.INVALID_ROW, f"{where} is not a Feature")
        return
    system = _system_of(feature, f"{gathering.file}, {where},") or system
    stated = feature.get("properties")
    properties = {str(name).lower(): value for name, value in stated.items()} if isinstance(stated, dict) else {}
    names = list(filter(None, (text_in(value) for value in _present(properties, PICTURE_PROPERTIES))))
    if not names:
        gathering.skip(
            "",
            LeftOutCode.INVALID_ROW,
            f"{where} names no picture: it has none of the properties {', '.join(PICTURE_PROPERTIES)}, but "
            f"{', '.join(properties) or 'no properties'}",
        )
        return
    found: Path | Missing = gathering.finder.find_any(names)
    gathering.add(
        number,
        next((name for name in names if gathering.finder.find(name) == found), names[0]),
        found,
        _geotag(properties, feature.get("geometry"), system),
        identifier=feature_identifier(feature.get("id")),
    )


def _geotag(properties: Mapping[str, object], geometry: object, system: ReferenceSystem) -> Geotag:
    heading, time, error, panorama, method = (
        next(_present(properties, names), None)
        for names in (
            HEADING_PROPERTIES,
            TIME_PROPERTIES,
            ERROR_PROPERTIES,
            _PANORAMA_PROPERTIES,
            _METHOD_PROPERTIES,
        )
    )
    heading_deg, taken = heading_in(heading), _time(time)
    return Geotag(
        position=ESTIMATED if is_estimate(method) else point_position(geometry, system),
        heading_deg=heading_deg,
        time=taken,
        error_m=heading_in(error),
        panorama=Pose() if panorama is True or text_in(panorama).lower() == "true" else None,
        remarks=unreadable(heading, heading_deg, time, taken),
    )


def _present(properties: Mapping[str, object], names: tuple[str, ...]) -> Iterator[object]:
    return (properties[name] for name in names if properties.get(name) not in (None, ""))


def _time(value: object) -> datetime | None:
    """Read ISO 8601, or seconds or milliseconds since 1970: told apart by the number of digits, as in CSV files."""
    return parse_time(str(value) if number_in(value) is not None else text_in(value))
