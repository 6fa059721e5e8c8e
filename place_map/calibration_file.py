"""The file of a calibration in a version of a map.

A release that weighs other evidence cannot use the calibration of another one. That is no damage: the map is opened,
and answers as one that was never calibrated, until ``placefix calibrate`` gives it a calibration of today.
"""

from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError

from place_map import layout
from place_map.calibration import FORMAT_VERSION, Calibration
from place_map.errors import MapCorrupt
from place_map.evidence import SIGNALS


class _Head(BaseModel):
    """What every release writes into the file; format 1 has no names of signals."""

    model_config = ConfigDict(frozen=True, strict=True)

    format: Literal["placefix-calibration"]
    format_version: PositiveInt
    signals: tuple[str, ...] = ()


def read_calibration(path: Path, version: str, expected_sha256: str) -> Calibration | None:
    """Read the calibration of a version, and check its sum.

    Args:
        path: Directory of the map.
        version: Its number.
        expected_sha256: The sum of the file, as the manifest says it.

    Returns:
        None if a release made it that weighs other evidence.

    Raises:
        MapCorrupt: The file cannot be read, is damaged, or no calibration.
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
    """Read a calibration.

    Args:
        content: The bytes of the file; their sum has been compared.
        path: Where they lie, for messages.

    Returns:
        None if a release made it that weighs other evidence.

    Raises:
        MapCorrupt: Not a calibration.
    """
    try:
        head = _Head.model_validate_json(content)
        if (head.format_version, head.signals) != (FORMAT_VERSION, SIGNALS):
            return None
        return Calibration.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise MapCorrupt(f"{path} is no calibration: {place}: {first['msg']}; run placefix calibrate again") from error
