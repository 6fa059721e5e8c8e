"""Questions stay with their senders: not on the disk, not in the log, not in an answer."""

import io
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from model.geo import LatLon
from tests.conftest import write_photo
from tests.service.conftest import Serve, Served, Town
from tests.service.pictures import encoded, photo

ELSEWHERE = LatLon(12.345678, 98.765432)  # far from the map, in the EXIF block of the question
# The seconds too, in which an EXIF block counts; no other number of an answer or a log begins so.
TRACES = ("12.3456", "98.7654", "44.4408", "55.5552", "my-secret-holiday", "Leica")


@pytest.fixture
def question(tmp_path: Path) -> bytes:
    path = write_photo(tmp_path / "question.jpg", 5, ELSEWHERE)
    with Image.open(path) as image:
        exif = image.getexif()
        exif[0x010F] = "Leica"
        return encoded(image.convert("RGB"), "JPEG", exif=exif)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which Python puts temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def bodies(question: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield questions, good and bad, each with the position in its EXIF block; and the status of the answer."""
    yield question, 200
    yield question + bytes(3_000_000), 200
    yield question[: len(question) // 2], 422
    exif = Image.open(io.BytesIO(question)).getexif()
    yield encoded(photo(8, 8), "JPEG", exif=exif), 422
    yield encoded(photo(20, 500), "WEBP", exif=exif), 422
    yield encoded(photo(32, 32), "TIFF", exif=exif), 415


def test_the_question_has_what_must_not_be_found(question: bytes) -> None:
    exif = Image.open(io.BytesIO(question)).getexif()
    position = exif.get_ifd(0x8825)
    degrees, minutes, seconds = (float(part) for part in position[2])
    assert degrees + minutes / 60 + seconds / 3600 == pytest.approx(ELSEWHERE.latitude, abs=1e-6)
    assert exif[0x010F] == "Leica"


def test_neither_log_nor_answer_tells_what_was_asked(
    question: bytes, town: Town, serve: Serve, log: io.StringIO
) -> None:
    served = serve(town)
    logging.getLogger().setLevel(logging.DEBUG)
    for body, status in bodies(question):
        form = {"image": ("my-secret-holiday.jpg", body, "image/jpeg")}
        for response in (served.client.post("/localize", content=body), served.client.post("/localize", files=form)):
            assert response.status_code == status, response.text
            assert not [trace for trace in TRACES if trace in response.text + str(response.headers)]
    assert log.getvalue().count('"route": "/localize"') == 12
    assert not [trace for trace in TRACES if trace in log.getvalue()]


def test_what_is_known_beforehand_is_not_told(question: bytes, town: Town, serve: Serve, log: io.StringIO) -> None:
    served = serve(town)
    logging.getLogger().setLevel(logging.DEBUG)
    known = {"near": f"{ELSEWHERE.latitude},{ELSEWHERE.longitude}", "heading": "44.4408"}
    requests: list[dict[str, Any]] = [{"params": known}, {"data": known}, {"params": {"use_exif_position": "true"}}]
    for request in requests:
        response = served.client.post("/localize", files={"image": question}, **request)
        assert response.json()["status"] == "no_candidates", response.text
        assert not [trace for trace in TRACES if trace in response.text + str(response.headers)]
    assert not [trace for trace in TRACES if trace in log.getvalue()]


def test_an_unexpected_failure_tells_nothing_of_the_question_either(
    question: bytes, town: Town, serve: Serve, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(town)

    def fail(*_: object) -> None:
        raise LookupError("a bug")

    monkeypatch.setattr("service.decoding.preprocess", fail)
    response = served.client.post("/localize", files={"image": ("my-secret-holiday.jpg", question, "image/jpeg")})
    assert response.status_code == 500
    assert "a bug" in log.getvalue()  # the log has the traceback, without the values of its variables
    assert not [trace for trace in TRACES if trace in response.text + log.getvalue()]


def test_no_byte_of_a_question_touches_the_disk(question: bytes, town: Town, serve: Serve, temporary: Path) -> None:
    served = serve(town)
    before = open_files()
    large = question + os.urandom(8_000_000)
    seen: list[set[str]] = []

    def slowly() -> Iterator[bytes]:
        """Send a form, and look at it half way: a temporary file may have no name any more."""
        yield b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
        yield large
        seen.append(open_files() - before)
        yield b"\r\n--b--\r\n"

    for _ in range(3):
        form = {"Content-Type": "multipart/form-data; boundary=b"}
        assert served.client.post("/localize", content=slowly(), headers=form).status_code == 200
    for body, status in bodies(question):
        assert served.client.post("/localize", files={"image": body}).status_code == status
        seen.append(open_files() - before)
    assert len(seen) == 9
    assert not [name for names in seen for name in names if "deleted" in name or str(temporary) in name]
    assert list(temporary.iterdir()) == []


def open_files() -> set[str]:
    """Return the open files of this process, which the server runs in; those without a name, too."""
    names = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            names.add(str(entry.readlink()))
        except FileNotFoundError:  # the one that listed them
            continue
    return names


def test_a_temporary_file_would_be_seen(temporary: Path) -> None:
    with tempfile.TemporaryFile():
        assert any(str(temporary) in name for name in open_files())


def test_thumbnails_of_a_map_have_no_exif(town: Town, town_server: Served) -> None:
    with Image.open(town.photos["100%.jpg"]) as image:
        assert "exif" in image.info
    thumbnail = town_server.client.get("/maps/town/places/100%25.jpg/thumbnail")
    with Image.open(io.BytesIO(thumbnail.content)) as image:
        assert "exif" not in image.info
