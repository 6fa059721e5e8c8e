"""Small collections of pictures."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import ExifTags, Image

WritePicture = Callable[..., Path]


@pytest.fixture
def write_picture() -> WritePicture:
    """Writes the smallest of pictures, with GPS and camera directories in its EXIF block if they are given."""

    def write(
        path: Path,
        gps: dict[int, object] | None = None,
        camera: dict[int, object] | None = None,
        *,
        raw_exif: bytes | None = None,
        image_format: str = "JPEG",
    ) -> Path:
        exif = Image.Exif()
        if gps is not None:
            exif[ExifTags.IFD.GPSInfo] = gps
        if camera is not None:
            exif[ExifTags.IFD.Exif] = camera
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), "grey").save(path, image_format, exif=raw_exif or exif.tobytes())
        return path

    return write
