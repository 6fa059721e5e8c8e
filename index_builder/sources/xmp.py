"""The geotag of an XMP packet, which is inside of a photograph or in a file beside it.

Positions and directions have the schema of EXIF, of DJI's drones or of Parrot's; panoramas have Google's.
"""

from collections.abc import Mapping
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from index_builder.sources.coordinates import position_from_text
from index_builder.sources.geotag import Geotag, Pose, Remark, error_of, unreadable
from index_builder.sources.headings import parse_heading
from index_builder.sources.times import parse_time
from model.estimates import is_estimate
from model.geo import LatLon
from model.positions import ESTIMATED, PositionFault, Unplaced

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_EXIF = "{http://ns.adobe.com/exif/1.0/}"
_XMP = "{http://ns.adobe.com/xap/1.0/}"
_PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
_DJI = "{http://www.dji.com/drone-dji/1.0/}"
_PARROT = "{http://www.parrot.com/drone-parrot/1.0/}"
_PANORAMA = "{http://ns.google.com/photos/1.0/panorama/}"

_POSITIONS = (
    (f"{_EXIF}GPSLatitude", f"{_EXIF}GPSLongitude"),
    (f"{_DJI}GpsLatitude", f"{_DJI}GpsLongitude"),
    (f"{_DJI}GpsLatitude", f"{_DJI}GpsLongtitude"),  # as earlier drones spell it
)
_CAMERA_YAWS = (f"{_PANORAMA}PoseHeadingDegrees", f"{_DJI}GimbalYawDegree", f"{_PARROT}CameraYawDegree")
_TIMES = (
    f"{_EXIF}GPSTimeStamp",
    f"{_EXIF}DateTimeOriginal",
    f"{_PHOTOSHOP}DateCreated",
    f"{_EXIF}DateTimeDigitized",
    f"{_XMP}CreateDate",
)
_TELLING = (b"GPS", b"Gps", b"YawDegree", b"ProjectionType", b"DateTime", b"CreateDate", b"DateCreated", b"\0")
_ALL_ROUND = frozenset({"equirectangular", "cubemap"})


def xmp_geotag(packet: bytes, assumed_hemisphere: str = "") -> Geotag:
    """Return the geotag of a packet; a packet that cannot be parsed gives only a remark.

    Args:
        packet: The packet from a picture, or from a file beside it.
        assumed_hemisphere: The hemispheres of a position that states none, such as ``NE``; empty to refuse it.
    """
    if not any(word in packet for word in _TELLING):  # most packets tell how a picture was developed, at length
        return Geotag()
    try:
        root = fromstring(packet.strip(b"\0 \t\r\n"))
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return Geotag(remarks=frozenset({Remark.UNREADABLE_NOTE}))
    return _geotag(_properties(root), assumed_hemisphere)


def _properties(root: Element) -> Mapping[str, str]:
    """Return the simple properties of all descriptions: attributes and elements, the first of a name."""
    found: dict[str, str] = {}
    for description in root.iter(f"{_RDF}Description"):
        for name, value in description.attrib.items():
            found.setdefault(name, value.strip())
        for element in description:
            found.setdefault(element.tag, (element.text or "").strip())
    return found


def _geotag(said: Mapping[str, str], assumed_hemisphere: str) -> Geotag:
    direction = parse_heading(said.get(f"{_EXIF}GPSImgDirection", ""))
    is_magnetic = said.get(f"{_EXIF}GPSImgDirectionRef", "")[:1].upper() == "M"
    camera_yaw = next((yaw for name in _CAMERA_YAWS if (yaw := parse_heading(said.get(name, ""))) is not None), None)
    times = [said[name] for name in _TIMES if said.get(name)]
    time = next((time for text in times if (time := parse_time(text)) is not None), None)
    return Geotag(
        position=_position(said, assumed_hemisphere),
        heading_deg=camera_yaw if direction is None or is_magnetic else direction,
        magnetic_deg=direction if is_magnetic else None,
        time=time,
        error_m=_error_m(said),
        is_void=said.get(f"{_EXIF}GPSStatus", "")[:1].upper() == "V",
        panorama=_pose(said),
        remarks=unreadable(said.get(f"{_EXIF}GPSImgDirection"), direction, times, time),
    )


def _pose(said: Mapping[str, str]) -> Pose | None:
    """Return the pose of a panorama; None for other pictures."""
    if said.get(f"{_PANORAMA}ProjectionType", "").lower() not in _ALL_ROUND:
        return None
    pitch_deg, roll_deg = (parse_heading(said.get(f"{_PANORAMA}Pose{name}Degrees", "")) for name in ("Pitch", "Roll"))
    return Pose(pitch_deg or 0.0, roll_deg or 0.0)


def _position(said: Mapping[str, str], assumed_hemisphere: str) -> LatLon | Unplaced:
    for latitude, longitude in _POSITIONS:
        if not (said.get(latitude) and said.get(longitude)):
            continue
        if is_estimate(said.get(f"{_EXIF}GPSProcessingMethod")):
            return ESTIMATED
        texts = said[latitude], said[longitude]
        if latitude.startswith(_EXIF) and not all(text[-1:].upper() in "NSEW" for text in texts):
            if not assumed_hemisphere:
                reason = f"its XMP position {texts[0]!r}, {texts[1]!r} does not say N or S, E or W"
                return Unplaced(PositionFault.NO_HEMISPHERE, reason)
            return position_from_text(*texts, north_or_south=assumed_hemisphere[0], east_or_west=assumed_hemisphere[1])
        return position_from_text(*texts)
    return Unplaced(PositionFault.NO_POSITION, "its XMP has no position")


def _error_m(said: Mapping[str, str]) -> float | None:
    """Return the stated error, else that by the dilution of precision; both may be written as fractions."""
    stated_m, dilution = (parse_heading(said.get(f"{_EXIF}{name}", "")) for name in ("GPSHPositioningError", "GPSDOP"))
    return error_of(stated_m, dilution)
