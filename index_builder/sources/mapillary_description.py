"""Pictures on their way to Mapillary: the ``mapillary_image_description.json`` that ``mapillary_tools process`` writes.

A list with an object for each picture: ``filename``, ``MAPLatitude``, ``MAPLongitude``, ``MAPCaptureTime`` (UTC) and,
if known, ``MAPCompassHeading``; or with ``error`` instead, where the tools could not process it. Newer releases list
videos, too.
"""

from pathlib import Path

from index_builder.sources.gathering import Gathering, gather
from index_builder.sources.geotag import Geotag, unreadable
from index_builder.sources.headings import heading_in
from index_builder.sources.json_file import Entries, Unit, number_in, text_in
from index_builder.sources.listing import LeftOutCode, OnProgress, SourceListing
from index_builder.sources.rules import Rules
from index_builder.sources.times import parse_capture_time
from model.geo import LatLon
from model.positions import Unplaced, checked_position

_LATITUDE, _LONGITUDE = "MAPLatitude", "MAPLongitude"
_VIDEO_TRACK = "MAPGPSTrack"
_TELLING = frozenset({_LATITUDE, _LONGITUDE, _VIDEO_TRACK, "MAPCaptureTime", "error"})


def is_mapillary_description(entries: Entries) -> bool:
    """Return whether a list is one of mapillary_tools: with a filename, and a position or an error."""
    return any(isinstance(item, dict) and "filename" in item and not _TELLING.isdisjoint(item) for _, item in entries)


def read_mapillary_description(
    file: Path, entries: Entries, unit: Unit, rules: Rules, on_progress: OnProgress | None = None
) -> SourceListing:
    """List the pictures that mapillary_tools describes; they are not opened.

    Names are absolute, or relative to the file's folder. The tools' own errors are the reasons why pictures are
    skipped. The true direction counts before the direction of the compass.

    Args:
        file: The file that was read.
        entries: The objects of the file.
        unit: The name of an entry in messages.
        rules: The rules for pictures.
        on_progress: The function that is called with the number of objects read so far.

    Returns:
        The listing, of kind ``mapillary_tools``, in the file's order. Ids are the paths.

    Raises:
        SourceError: Two pictures have one id.
    """
    return gather(file, unit, "mapillary_tools", entries, _add, rules, on_progress)


def _add(gathering: Gathering, number: int, item: object) -> None:
    where = f"{gathering.unit} {number}"
    name = text_in(item.get("filename")) if isinstance(item, dict) else ""
    if not isinstance(item, dict) or not name:
        gathering.skip("", LeftOutCode.INVALID_ROW, f"{where} names no picture")
    elif item.get("error") is not None:
        gathering.skip(name, LeftOutCode.LISTED_ERROR, f"{where}: mapillary_tools says {_in_words(item['error'])}")
    elif _VIDEO_TRACK in item:
        gathering.skip(name, LeftOutCode.INVALID_ROW, f"{where}: it is a video; sample pictures from it first")
    else:
        gathering.add(number, name, gathering.finder.find(name), _geotag(item))


def _geotag(item: dict[str, object]) -> Geotag:
    heading, time = item.get("MAPCompassHeading"), item.get("MAPCaptureTime")
    true, magnetic = (
        heading_in(heading.get(name)) if isinstance(heading, dict) else None
        for name in ("TrueHeading", "MagneticHeading")
    )
    taken = parse_capture_time(text_in(time))
    return Geotag(
        position=_position(item),
        heading_deg=true,
        magnetic_deg=magnetic,
        time=taken,
        error_m=number_in(item.get("MAPGPSAccuracyMeters")),
        remarks=unreadable(None, None, time, taken),
    )


def _position(item: dict[str, object]) -> LatLon | Unplaced:
    values = item.get(_LATITUDE), item.get(_LONGITUDE)
    if None in values:
        return Unplaced(LeftOutCode.NO_POSITION, f"{_LATITUDE} or {_LONGITUDE} is missing")
    latitude_deg, longitude_deg = number_in(values[0]), number_in(values[1])
    if latitude_deg is None or longitude_deg is None:
        return Unplaced(LeftOutCode.INVALID_POSITION, f"{values[0]!r}, {values[1]!r} are not degrees as numbers")
    return checked_position(latitude_deg, longitude_deg)


def _in_words(error: object) -> str:
    """Return ``{"type": …, "message": …}`` as a sentence; both members may be missing."""
    if not isinstance(error, dict):
        return str(error)
    return ": ".join(filter(None, (text_in(error.get("type")), text_in(error.get("message"))))) or "that it failed"
