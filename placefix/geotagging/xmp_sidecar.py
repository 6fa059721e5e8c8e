"""An XMP file beside a photo, into which an estimate is put as one element, and from which it can be taken out.

The rest of the file stays as it is, byte by byte; a file that holds only the estimate is made, and removed.
"""

import re
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from model.durable import write_atomically
from model.estimates import is_estimate
from placefix.answers.estimate import Estimate
from placefix.geotagging.errors import CannotWrite
from placefix.wording import xml_text

NAMESPACE = "urn:placefix:estimate#"
"""The namespace of the properties of an estimate that EXIF lacks."""

_EXIF = "http://ns.adobe.com/exif/1.0/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_HEAD = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="{_RDF}">
  """
_TAIL = """</rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""
_EMPTY = _HEAD + _TAIL
_END = re.compile(r"</(\w+):RDF\s*>")
_ESCAPES = {'"': "&quot;"}
_OWN = re.compile(rf'<\w+:Description [^<>]*xmlns:placefix="{re.escape(NAMESPACE)}"[^<>]*/>\n ')


def sidecar_of(photo: Path) -> Path:
    """Return the file to write beside a photo: ``a.jpg.xmp``, which belongs only to this photo."""
    return photo.with_name(f"{photo.name}.xmp")


def write_sidecar(photo: Path, estimate: Estimate) -> Path:
    """Put an estimate beside a photo, into an existing or a new file.

    Raises:
        CannotWrite: The existing file cannot be read, or has a position.
    """
    path = sidecar_of(photo)
    text = _read(path) if path.exists() else _EMPTY
    root = _parsed(text, path)
    if _value(root, f"{{{_EXIF}}}GPSLatitude") is not None:
        raise CannotWrite(f"{path} has a position already")
    ends = list(_END.finditer(text))
    if not ends:
        raise CannotWrite(f"{path} is XMP that cannot be extended: its descriptions have no end")
    about = next((value for each in root.iter(f"{{{_RDF}}}Description") if (value := _about(each)) is not None), "")
    end = ends[-1]
    element = _element(estimate, end[1], about)
    write_atomically(path, (text[: end.start()] + element + text[end.start() :]).encode())
    return path


def has_estimate(photo: Path) -> bool:
    """Return whether a readable file beside a photo has an estimate."""
    try:
        return NAMESPACE in _read(sidecar_of(photo))
    except CannotWrite:
        return False


def has_position(photo: Path) -> bool:
    """Return whether a file beside a photo has a position that is not an estimate."""
    for path in (sidecar_of(photo), photo.with_suffix(".xmp"), photo.with_suffix(".XMP")):
        try:
            root = _parsed(_read(path), path)
        except CannotWrite:
            continue
        method = _value(root, f"{{{_EXIF}}}GPSProcessingMethod")
        if _value(root, f"{{{_EXIF}}}GPSLatitude") is not None and not is_estimate(method):
            return True
    return False


def remove_from_sidecar(photo: Path) -> None:
    """Take the estimate out of the file beside a photo, and remove a file that holds nothing else.

    Raises:
        CannotWrite: Another program has rewritten the estimate in another form.
    """
    path = sidecar_of(photo)
    text = _read(path)
    left = _OWN.sub("", text)
    if NAMESPACE in left:
        raise CannotWrite(f"{path}: another program has written the estimate anew: take it away with that")
    if left == _EMPTY:
        path.unlink()
    else:
        write_atomically(path, left.encode())


def _element(estimate: Estimate, prefix: str, about: str) -> str:
    facts = {
        "exif:GPSLatitude": _minutes(estimate.latitude, estimate.north_or_south),
        "exif:GPSLongitude": _minutes(estimate.longitude, estimate.east_or_west),
        "exif:GPSMapDatum": "WGS-84",
        "exif:GPSProcessingMethod": estimate.method,
        "exif:GPSHPositioningError": None if estimate.radius_m is None else f"{round(estimate.radius_m * 10)}/10",
        "placefix:Status": estimate.status,
        "placefix:Confidence": None if estimate.confidence is None else f"{estimate.confidence:.4f}",
        "placefix:RadiusM": None if estimate.radius_m is None else f"{estimate.radius_m:.1f}",
        "placefix:Level": None if estimate.level is None else f"{estimate.level:g}",
        "placefix:Map": xml_text(estimate.map_name),
        "placefix:MapVersion": xml_text(estimate.map_version),
    }
    names = {f"{prefix}:about": about, "xmlns:exif": _EXIF, "xmlns:placefix": NAMESPACE, **facts}
    said = "\n   ".join(f"{name}={quoteattr(value, _ESCAPES)}" for name, value in names.items() if value is not None)
    return f"<{prefix}:Description {said}/>\n "


def _minutes(angle_deg: float, letter: str) -> str:
    """Return ``55,42.350400N``: degrees and minutes."""
    millionths = round(abs(angle_deg) * 60_000_000)
    whole, rest = divmod(millionths, 60_000_000)
    return f"{whole},{rest // 1_000_000}.{rest % 1_000_000:06d}{letter}"


def _about(description: Element) -> str | None:
    return description.get(f"{{{_RDF}}}about", description.get("about"))


def _value(root: Element, name: str) -> str | None:
    """Return a property of any description, as an attribute or an element."""
    for description in root.iter(f"{{{_RDF}}}Description"):
        element = description.find(name)
        value = description.get(name) if element is None else element.text or ""
        if value is not None:
            return value
    return None


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise CannotWrite(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CannotWrite(f"{path} is not UTF-8, as XMP beside a photo is") from error


def _parsed(text: str, path: Path) -> Element:
    try:
        root: Element = fromstring(text.strip("\0 \t\r\n\ufeff"))
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise CannotWrite(f"{path} is not XMP: {error}") from error
    return root
