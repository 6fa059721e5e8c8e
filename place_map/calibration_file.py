"""The file of a calibration in a version of a map.

A release that weighs other evidence cannot use the calibration of an older one. This is not damage: the map is opened
and answers like a map that was never calibrated, until ``placefix calibrate`` makes a new calibration.
"""

from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError

from place_map import layout
from place_map.calibration import READABLE_FORMATS, Calibration
from place_map.errors import MapCorrupt
from place_map.evidence import SIGNALS


class _Head(BaseModel):
    """Describe the keys that every release writes into the file; format 1 has no names of signals."""

    model_config = ConfigDict(frozen=True, strict=True)

    format: Literal["placefix-calibration"]
    format_version: PositiveInt
    signals: tuple[str, ...] = ()


def read_calibration(path: Path, version: str, expected_sha256: str) -> Calibration | None:
    """Read the calibration of a version, and check its sum.

    Args:
        path: Directory of the map.
        version: The number of the version.
        expected_sha256: The sum of the file in the manifest.

    Returns:
        None if the release that made it weighs other evidence.

    Raises:
        MapCorrupt: The file cannot be read, is damaged, or is not a calibration.
    """
    calibration_path = layout.version_dir(path, version) / layout.CALIBRATION
    try:
        content = calibration_path.read_bytes()
    except OSError as error:
        raise MapCorrupt(f"{calibration_path} cannot be read: {error}; run placefix verify {path}") from error
    if sha256(content).hexdigest() != expected_sha256:
        raise MapCorrupt(
            f"{calibration_path} is damaged: its SHA-256 is not the manifest's; run placefix verify {path}",
            calibration_path,
        )
    return parse_calibration(content, calibration_path)


def parse_calibration(content: bytes, path: Path) -> Calibration | None:
    """Parse the bytes of a calibration.

    Args:
        content: The bytes of the file; their sum has been compared.
        path: The path of the file, for messages.

    Returns:
        None if the release that made it weighs other evidence.

    Raises:
        MapCorrupt: The content is not a calibration.
    """
    try:
        head = _Head.model_validate_json(content)
        if head.format_version not in READABLE_FORMATS or head.signals != SIGNALS:
            return None
        return Calibration.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise MapCorrupt(
            f"{path} is not a calibration: {place}: {first['msg']}; run placefix calibrate again"
        ) from error
