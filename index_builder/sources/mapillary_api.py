"""Pictures from Mapillary: answers of version 4 of its API, saved beside the pictures.

::

    <folder>/answer.json         {"data": [{"id": "…", "computed_geometry": {…}, …}, …]}, or the list alone
            /answer.jsonl        the same, one entity in each line
            /<id>.jpg            a picture; also .jpeg, .png, .webp
            /images/<id>.jpg     or there

The entities carry addresses of the pictures (``thumb_original_url`` and others). They are never fetched: they expire,
and a map is made of files on the disk.
"""

from datetime import datetime
from pathlib import Path

from index_builder.sources.gathering import Gathering, gather
from index_builder.sources.geojson_point import point_position
from index_builder.sources.geotag import Geotag, Pose, unreadable
from index_builder.sources.headings import heading_in
from index_builder.sources.json_file import Entries, Unit, number_in, text_in
from index_builder.sources.listing import LeftOutCode, OnProgress, SourceListing
from index_builder.sources.picture_paths import Missing
from index_builder.sources.rules import Rules
from index_builder.sources.times import parse_epoch_ms, parse_time
from model.geo import LatLon
from model.positions import Unplaced

IMAGES = "images"
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
_GEOMETRIES = ("computed_geometry", "geometry")
_SPHERICAL = ("spherical", "equirectangular")


def is_mapillary_api(entries: Entries) -> bool:
    """Return whether a list holds image entities: with an id, and a geometry of one of the two kinds."""
    return any(
        isinstance(entity, dict) and "id" in entity and any(name in entity for name in _GEOMETRIES)
        for _, entity in entries
    )


def read_mapillary_api(
    file: Path, entries: Entries, unit: Unit, rules: Rules, on_progress: OnProgress | None = None
) -> SourceListing:
    """List the pictures of image entities.

    Mapillary computes positions and directions anew from the pictures; these (``computed_geometry``,
    ``computed_compass_angle``) are preferred to the camera's (``geometry``, ``compass_angle``) if they exist.
    Panoramas are skipped. The pictures are not opened.

    Args:
        file: The file of the entities; the pictures lie beside it.
        entries: The entities.
        unit: The name of an entry in messages.
        rules: The rules for pictures.
        on_progress: The function that is called with the number of entities read so far.

    Returns:
        The listing, of kind ``mapillary api``, in the file's order. Ids are Mapillary's.

    Raises:
        SourceError: Two pictures have one id.
    """
    return gather(file, unit, "mapillary api", entries, _add, rules, on_progress, (IMAGES,))


def _add(gathering: Gathering, number: int, entity: object) -> None:
    where = f"{gathering.unit} {number}"
    key = _key(entity.get("id")) if isinstance(entity, dict) else ""
    if not isinstance(entity, dict) or not key:
        gathering.skip("", LeftOutCode.INVALID_ROW, f"{where} is not an image entity with an id")
        return
    if any(character in key for character in "/\\\0"):
        reason = f"{where} has the id {key!r}, which cannot be the name of a file"
        gathering.skip(key, LeftOutCode.INVALID_ROW, reason)
        return
    found = gathering.finder.find_any([f"{key}{suffix}" for suffix in SUFFIXES])
    name = f"{key}{SUFFIXES[0]}" if isinstance(found, Missing) else gathering.finder.id_of(found)
    time = entity.get("captured_at")
    geotag = Geotag(
        position=_position(entity),
        heading_deg=_heading_deg(entity),
        time=_time(time),
        panorama=Pose() if entity.get("is_pano") is True or entity.get("camera_type") in _SPHERICAL else None,
        remarks=unreadable(None, None, time, _time(time)),
    )
    gathering.add(number, name, found, geotag, identifier=key)


def _key(value: object) -> str:
    """Return an id, which is a string of digits; some programs save it as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text_in(value)


def _position(entity: dict[str, object]) -> LatLon | Unplaced:
    geometry = next((entity[name] for name in _GEOMETRIES if entity.get(name) is not None), None)
    return point_position(geometry)


def _heading_deg(entity: dict[str, object]) -> float | None:
    computed = heading_in(entity.get("computed_compass_angle"))
    return heading_in(entity.get("compass_angle")) if computed is None else computed


def _time(value: object) -> datetime | None:
    milliseconds = number_in(value)
    return parse_time(text_in(value)) if milliseconds is None else parse_epoch_ms(milliseconds)
