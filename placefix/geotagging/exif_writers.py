"""Writers that put an estimate into the EXIF block of a photo, and take it out again; the pixels are not touched.

If the program exiftool is installed, it writes every format; without it only JPEGs are written.
"""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Protocol

from model.image_formats import HEADER_SIZE_BYTES, recognise_format
from placefix.answers.estimate import Estimate
from placefix.geotagging.errors import CannotWrite
from placefix.geotagging.jpeg_exif import UnknownJpeg, exif_of, with_exif
from placefix.geotagging.tiff_block import UnknownLayout, can_undo, with_estimate, without_estimate

_TIMEOUT_S = 120
_TAGS = (
    "GPSLatitude",
    "GPSLatitudeRef",
    "GPSLongitude",
    "GPSLongitudeRef",
    "GPSMapDatum",
    "GPSProcessingMethod",
    "GPSHPositioningError",
)


class ExifWriter(Protocol):
    """Change the EXIF block of a photo in a file."""

    def check(self, photo: Path) -> None:
        """Refuse a photo whose format cannot be written.

        Raises:
            CannotWrite: The format cannot be written.
        """

    def write(self, photo: Path, estimate: Estimate) -> None:
        """Write an estimate into a file.

        Raises:
            CannotWrite: The file cannot be written; it may be damaged.
        """

    def remove(self, photo: Path) -> None:
        """Take the estimate out of a file.

        Raises:
            CannotWrite: The file cannot be written; it may be damaged.
        """


@cache
def exif_writer() -> ExifWriter:
    """Return the writer for this machine."""
    program = shutil.which("exiftool")
    return JpegWriter() if program is None else ExiftoolWriter(program)


def is_written_here(photo: Path) -> bool:
    """Return whether ``JpegWriter`` has written the estimate of a photo, and can undo it."""
    try:
        return can_undo(exif_of(photo.read_bytes()))
    except UnknownJpeg:
        return False


class JpegWriter:
    """Write JPEGs without another program: no byte of the block is moved, and removal restores the same file."""

    def check(self, photo: Path) -> None:
        """Refuse files other than JPEGs; see ``ExifWriter``."""
        with photo.open("rb") as file:
            found = recognise_format(file.read(HEADER_SIZE_BYTES))
        if found != "JPEG":
            raise CannotWrite(
                f"EXIF is written into {found or 'unknown'} files by the program exiftool alone, which is not "
                "installed: install it, or take --write xmp"
            )

    def write(self, photo: Path, estimate: Estimate) -> None:
        """Write an estimate; see ``ExifWriter``."""
        try:
            jpeg = photo.read_bytes()
            photo.write_bytes(with_exif(jpeg, with_estimate(exif_of(jpeg), estimate)))
        except (UnknownLayout, UnknownJpeg) as error:
            raise CannotWrite(f"{error}: take --write xmp") from error

    def remove(self, photo: Path) -> None:
        """Take the estimate out; see ``ExifWriter``."""
        try:
            jpeg = photo.read_bytes()
            block = exif_of(jpeg)
            if block is not None:
                photo.write_bytes(with_exif(jpeg, without_estimate(block)))
        except (UnknownLayout, UnknownJpeg) as error:
            raise CannotWrite(str(error)) from error


class ExiftoolWriter:
    """Write all formats with the program exiftool."""

    def __init__(self, program: str) -> None:
        self._program = program

    def check(self, photo: Path) -> None:
        """Refuse nothing: exiftool reports formats that it does not write."""

    def write(self, photo: Path, estimate: Estimate) -> None:
        """Write an estimate; see ``ExifWriter``."""
        values = {
            "GPSLatitude": f"{abs(estimate.latitude):.9f}",
            "GPSLatitudeRef": estimate.north_or_south,
            "GPSLongitude": f"{abs(estimate.longitude):.9f}",
            "GPSLongitudeRef": estimate.east_or_west,
            "GPSMapDatum": "WGS-84",
            "GPSProcessingMethod": estimate.method,
            "GPSHPositioningError": "" if estimate.radius_m is None else f"{estimate.radius_m:.1f}",
        }
        self._run(photo, [f"-EXIF:{name}={values[name]}" for name in _TAGS])

    def remove(self, photo: Path) -> None:
        """Take the estimate out; see ``ExifWriter``."""
        self._run(photo, [f"-EXIF:{name}=" for name in _TAGS])

    def _run(self, photo: Path, arguments: list[str]) -> None:
        command = [self._program, "-n", "-q", "-q", "-overwrite_original", *arguments, os.path.abspath(photo)]  # noqa: PTH100
        try:
            done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CannotWrite(f"exiftool cannot be run: {error}") from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
            raise CannotWrite(f"exiftool does not write it: {said}")
