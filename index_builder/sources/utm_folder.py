"""Pictures whose file names state their positions, as in the data sets of the field.

``@UTM_east@UTM_north@zone@letter@latitude@longitude@pano_id@tile@heading@pitch@roll@height@timestamp@note@.jpg``

The convention requires only easting and northing; the usual readers use nothing else, and are wrong across the edge of
a zone. Here the zone counts, and if it is missing, the latitude and longitude of the name.
"""

import re
from math import isfinite
from pathlib import Path, PurePosixPath

from index_builder.sources.headings import compass_deg
from index_builder.sources.listing import NOWHERE, LeftOutCode, skipped
from index_builder.sources.times import parse_compact_time
from model.geo import LatLon, Utm, distance_m, from_utm
from model.places import Place
from model.positions import Unplaced, checked_position
from place_map.left_out import LeftOut

MAX_DISAGREEMENT_M = 1000.0
"""UTM and latitude/longitude of one name lie closer than this, or one of the two is wrong."""

_UTM_NAME = re.compile(r"@\s*[-+]?\d+(\.\d*)?@\s*[-+]?\d+(\.\d*)?(@|\.\w+$)")
_SOUTHERN_BANDS = "CDEFGHJKLM"
_NORTHERN_BANDS = "NPQRSTUVWX"
_NUMBER_OF_FIELDS = 16


def is_utm_name(file_name: str) -> bool:
    """Return whether a file name begins with an easting and a northing, as in the convention."""
    return _UTM_NAME.match(file_name) is not None


def read_utm_picture(root: Path, relative: str) -> Place | LeftOut:
    """Read position, heading and time from a picture's name; the file is not opened.

    Args:
        root: The collection's folder.
        relative: The picture's POSIX path below it; only the last part is used.
    """
    _, easting, northing, zone, letter, latitude, longitude, *_ = _fields(relative)
    degrees = _from_degrees(latitude, longitude)
    position = _position(_from_utm(easting, northing, zone, letter, degrees), degrees)
    return skipped(relative, position) if isinstance(position, Unplaced) else _placed_at(position, root, relative)


def read_point(root: Path, relative: str) -> tuple[Place, tuple[float, float]]:
    """Read a picture whose name lacks the zone (``LeftOutCode.NO_ZONE``): a point of a plane, anywhere on the Earth.

    Args:
        root: The collection's folder.
        relative: The picture's POSIX path below it.

    Returns:
        The picture at ``NOWHERE``, with heading and time; its easting and northing in metres.
    """
    _, easting, northing, *_ = _fields(relative)
    return _placed_at(NOWHERE, root, relative), (float(easting), float(northing))


def _fields(relative: str) -> list[str]:
    fields = PurePosixPath(relative).stem.split("@")  # without the suffix, which may follow an "@" or not
    return fields + [""] * (_NUMBER_OF_FIELDS - len(fields))


def _placed_at(position: LatLon, root: Path, relative: str) -> Place:
    heading, timestamp = _fields(relative)[9], _fields(relative)[13]
    heading_deg = _number(heading)
    return Place(
        id=relative,
        path=root / relative,
        position=position,
        heading_deg=None if heading_deg is None else compass_deg(heading_deg),
        time=parse_compact_time(timestamp),
    )


def _position(utm: LatLon | Unplaced, degrees: LatLon | None) -> LatLon | Unplaced:
    """Return the position by UTM, which is precise to centimetres, or by the degrees if the zone is missing."""
    if isinstance(utm, Unplaced):
        return degrees if degrees is not None and utm.code == LeftOutCode.NO_ZONE else utm
    if degrees is not None and (apart_m := distance_m(utm, degrees)) > MAX_DISAGREEMENT_M:
        return Unplaced(
            LeftOutCode.CONTRADICTORY_POSITION,
            f"its name contradicts itself: UTM says {utm.latitude:.5f}, {utm.longitude:.5f} and the degrees say "
            f"{degrees.latitude:.5f}, {degrees.longitude:.5f}, {apart_m / 1000:,.0f} km apart",
        )
    return utm


def _from_utm(easting: str, northing: str, zone: str, letter: str, degrees: LatLon | None) -> LatLon | Unplaced:
    easting_m, northing_m = _number(easting), _number(northing)
    if easting_m is None or northing_m is None:
        return Unplaced(LeftOutCode.INVALID_POSITION, "its name has no easting and northing")
    letter = letter.strip().upper()
    if not zone.strip().isdecimal() or len(letter) != 1 or letter not in _SOUTHERN_BANDS + _NORTHERN_BANDS:
        return Unplaced(
            LeftOutCode.NO_ZONE,
            f"its name has easting and northing, but no UTM zone (fields 3 and 4 are {zone!r} and {letter!r}); "
            "the zone, or latitude and longitude in fields 5 and 6, are needed",
        )
    try:
        position = from_utm(Utm(easting_m, northing_m, int(zone), letter in _NORTHERN_BANDS))
        if letter == "S":
            position = _meant_by_s(position, from_utm(Utm(easting_m, northing_m, int(zone), is_north=False)), degrees)
    except ValueError as error:
        return Unplaced(LeftOutCode.INVALID_POSITION, f"its position is impossible: {error}")
    return position


def _meant_by_s(northern: LatLon, southern: LatLon, degrees: LatLon | None) -> LatLon:
    """Choose between band S (32° to 40° N) and S for the southern hemisphere, by the degrees of the name if any."""
    if degrees is not None:
        return min(northern, southern, key=lambda position: distance_m(position, degrees))
    return northern if 31 < northern.latitude < 41 else southern


def _from_degrees(latitude: str, longitude: str) -> LatLon | None:
    """Return the position by the degrees of a name, if it has any; some collections fill the fields with zeros."""
    latitude_deg, longitude_deg = _number(latitude), _number(longitude)
    if latitude_deg is None or longitude_deg is None:
        return None
    position = checked_position(latitude_deg, longitude_deg)
    return position if isinstance(position, LatLon) else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None
