"""Small collections of pictures."""

import json
from collections.abc import Callable, Iterable
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


WriteJson = Callable[..., Path]


@pytest.fixture
def write_json(tmp_path: Path) -> WriteJson:
    """Writes a document beside pictures (which are not opened, so bytes of any kind will do)."""

    def write(
        document: object, name: str = "list.json", pictures: Iterable[str] = ("a.jpg", "b.jpg", "sub/ä b.jpg")
    ) -> Path:
        for picture in pictures:
            path = tmp_path / "photos" / picture
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"not opened")
        file = tmp_path / "photos" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".jsonl") and isinstance(document, list):
            file.write_text("".join(f"{json.dumps(entry)}\n" for entry in document))
        else:
            file.write_text(document if isinstance(document, str) else json.dumps(document))
        return file

    return write
