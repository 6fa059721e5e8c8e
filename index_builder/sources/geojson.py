"""GeoJSON (RFC 7946) whose points are pictures, as QGIS, GDAL and GeoPandas write it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from index_builder.errors import SourceError
from index_builder.sources.csv_columns import SPELLINGS, known_columns
from index_builder.sources.gathering import Gathering, gather
from index_builder.sources.geojson_point import point_position
from index_builder.sources.json_file import JsonContent, cell_of, number_in, text_in
from index_builder.sources.listing import LeftOutCode, OnProgress, SourceListing
from index_builder.sources.reference_systems import WGS84, ReferenceSystem, reference_system
from index_builder.sources.rules import Rules
from index_builder.sources.table_row import row_geotag
from model.positions import ESTIMATED


def is_geojson(content: JsonContent) -> bool:
    """Return whether a file is a FeatureCollection, a Feature, or a list of Features."""
    if content.members.get("type") in ("FeatureCollection", "Feature"):
        return True
    return any(isinstance(entry, dict) and entry.get("type") == "Feature" for _, entry in content.entries or ())


def read_geojson(
    file: Path, content: JsonContent, rules: Rules, on_progress: OnProgress | None = None
) -> SourceListing:
    """List the pictures that features name, each with a Point as its geometry.

    Properties are read as the columns of a table (``index_builder.sources.csv_columns``); their degrees count if a
    feature has no geometry. Headings and times are optional; those that cannot be read count as unknown. The pictures
    are not opened.

    Args:
        file: The file that was read.
        content: A FeatureCollection, a Feature, or one in each line.
        rules: The rules for pictures.
        on_progress: The function that is called with the number of features read so far.

    Returns:
        The listing, of kind ``geojson``, in the file's order. Ids come from the features (the member ``id``), else
        the paths.

    Raises:
        SourceError: The file has no features, has an unknown reference system, or gives two pictures one id.
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
    name, code = (properties.get("name"), properties.get("code")) if isinstance(properties, dict) else (crs, None)
    if isinstance(crs, dict) and crs.get("type") == "EPSG" and isinstance(code, int | str):
        name = f"EPSG:{code}"
    if not isinstance(name, str):
        raise SourceError(
            f"{where} states the coordinate reference system {json.dumps(crs, ensure_ascii=False)}, which is neither a "
            'name ({"type": "name", "properties": {"name": "EPSG:4326"}}) nor a code of EPSG: save it again in '
            "EPSG:4326, longitude first"
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
    columns, cells = known_columns(tuple(properties), gathering.file), [cell_of(value) for value in properties.values()]
    names = columns.filled([text_in(value) for value in properties.values()], "path")
    if not names:
        gathering.skip(
            "",
            LeftOutCode.INVALID_ROW,
            f"{where} names no picture: it has none of the properties {', '.join(SPELLINGS['path'])}, but "
            f"{', '.join(properties) or 'no properties'}; rename the one that does to {SPELLINGS['path'][0]}",
        )
        return
    said, geometry = row_geotag(columns, cells), feature.get("geometry")
    if said.position is not ESTIMATED and not (geometry is None and columns.numbers["latitude"]):
        position = point_position(geometry, system)
        said = replace(said, position=position, remarks=said.remarks | system.remarks_on(position))
    gathering.add_named(number, names, said, identifier=feature_identifier(feature.get("id")))
