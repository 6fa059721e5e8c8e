"""The parsing of a manifest of any format up to this one."""

import json
from pathlib import Path

from pydantic import ValidationError

from model.preprocess import Preprocessing
from place_map.errors import MapCorrupt, MapVersionUnsupported
from place_map.manifest import FORMAT, FORMAT_VERSION, Manifest


def parse_manifest(content: bytes, path: Path) -> Manifest:
    """Parse a manifest.

    Args:
        content: The bytes of the file.
        path: The path of the file, for messages.

    Raises:
        MapVersionUnsupported: The manifest has a newer format.
        MapCorrupt: The content is not a manifest, or contradicts itself.
    """
    try:
        head = json.loads(content)
    except ValueError as error:
        raise MapCorrupt(f"{path} is not JSON ({error}); restore it, or build the map again") from error
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise MapCorrupt(f"{path} is not the manifest of a Placefix map")
    format_version = head.get("format_version")
    if isinstance(format_version, int) and format_version > FORMAT_VERSION:
        raise MapVersionUnsupported(
            f"{path} is of map format {format_version}; this release reads up to {FORMAT_VERSION}: update Placefix, or "
            "build the map again with this release"
        )
    if format_version in (1, 2, 3):
        if format_version < 3 and "source" in head:  # the only source
            head["sources"] = [head.pop("source")]
        if head.get("preprocessing") == Preprocessing.ANTIALIAS:  # before pictures were decoded at a fraction
            head["preprocessing"] = Preprocessing.ANTIALIAS_WHOLE
        content = json.dumps(head).encode()
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        raise MapCorrupt(f"{path} is damaged: {_first_of(error)}; restore it, or build the map again") from error


def _first_of(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]
