"""Small collections of pictures."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from index_builder.sources.json_file import LINES_SUFFIXES

WritePicture = Callable[..., Path]


@pytest.fixture
def write_picture() -> WritePicture:
    """Write the smallest of pictures, with GPS and camera directories in its EXIF block if they are given."""

    def write(
        path: Path,
        gps: dict[int, object] | None = None,
        camera: dict[int, object] | None = None,
        *,
        raw_exif: bytes | None = None,
        base: dict[int, object] | None = None,
        image_format: str = "JPEG",
    ) -> Path:
        exif = Image.Exif()
        for tag, value in (base or {}).items():
            exif[tag] = value
        if gps is not None:
            exif[ExifTags.IFD.GPSInfo] = gps
        if camera is not None:
            exif[ExifTags.IFD.Exif] = camera
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), "grey").save(path, image_format, exif=raw_exif or exif.tobytes())
        return path

    return write


WriteFile = Callable[..., Path]
WriteJson = Callable[..., Path]


@pytest.fixture
def write_file(tmp_path: Path) -> WriteFile:
    """Write a list beside two pictures, which are not opened."""

    def write(name: str, content: str, encoding: str = "utf-8") -> Path:
        for picture in ("a.jpg", "b.jpg", "images/c.jpg", "ä.jpg"):
            (tmp_path / picture).parent.mkdir(exist_ok=True)
            (tmp_path / picture).touch()
        (tmp_path / name).write_bytes(content.encode(encoding))
        return tmp_path / name

    return write


@pytest.fixture
def write_json(tmp_path: Path) -> WriteJson:
    """Write a document beside pictures (which are not opened, so bytes of any kind will do)."""

    def write(
        document: object, name: str = "list.json", pictures: Iterable[str] = ("a.jpg", "b.jpg", "sub/ä b.jpg")
    ) -> Path:
        for picture in pictures:
            path = tmp_path / "photos" / picture
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"not opened")
        file = tmp_path / "photos" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if Path(name).suffix in LINES_SUFFIXES and isinstance(document, list):
            file.write_text("".join(f"{json.dumps(entry)}\n" for entry in document))
        else:
            file.write_text(document if isinstance(document, str) else json.dumps(document))
        return file

    return write


def packet(attributes: str, elements: str = "") -> bytes:
    """Return an XMP packet with one description."""
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" '
        f'xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" {attributes}>{elements}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()
