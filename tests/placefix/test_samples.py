"""The folder of samples: what is in it, and what is told before the server listens."""

from pathlib import Path

import pytest
from PIL import Image

from model.geo import LatLon
from model.images import DEFAULT_LIMITS
from placefix.samples import MAX_SAMPLES, read_samples
from service.errors import InvalidSamples
from service.samples import Sample
from tests.commands import RunCommand
from tests.conftest import write_photo

PLACE = LatLon(55.704, 13.192)
HEADER = "path,latitude,longitude,heading,condition"


def write_list(folder: Path, *rows: str, header: str = HEADER) -> None:
    (folder / "queries.csv").write_text("\n".join((header, *rows)) + "\n", "utf-8")


def read(folder: Path) -> tuple[Sample, ...]:
    return read_samples(folder, DEFAULT_LIMITS)


def test_without_a_list_all_pictures_are_samples_with_what_their_exif_says(tmp_path: Path) -> None:
    write_photo(tmp_path / "b.jpg", 1, PLACE, heading_deg=30.0)
    write_photo(tmp_path / "a.jpg", 2)
    write_photo(tmp_path / "night" / "c.jpg", 3, PLACE)
    (tmp_path / "notes.txt").write_text("not a picture")
    samples = read(tmp_path)
    assert [sample.id for sample in samples] == ["a.jpg", "b.jpg", "night/c.jpg"]
    assert samples[0].position is None
    assert samples[1].position is not None
    assert samples[1].position.latitude == pytest.approx(PLACE.latitude, abs=1e-6)
    assert samples[1].heading_deg == pytest.approx(30.0)
    assert {sample.media_type for sample in samples} == {"image/jpeg"}


def test_a_list_says_which_in_which_order_where_and_how(tmp_path: Path) -> None:
    for number in range(4):
        write_photo(tmp_path / "pictures" / f"{number}.jpg", number)
    write_list(
        tmp_path,
        "pictures/3.jpg,55.704,13.192,350,night",
        "pictures/1.jpg,55.705,13.193,,",
        "pictures/0.jpg,,,,fog",
    )
    assert read(tmp_path) == (
        Sample("pictures/3.jpg", tmp_path / "pictures" / "3.jpg", "image/jpeg", PLACE, 350.0, "night"),
        Sample("pictures/1.jpg", tmp_path / "pictures" / "1.jpg", "image/jpeg", LatLon(55.705, 13.193)),
        Sample("pictures/0.jpg", tmp_path / "pictures" / "0.jpg", "image/jpeg", condition="fog"),
    )


def test_formats_are_recognised_by_their_bytes(tmp_path: Path) -> None:
    picture = Image.new("RGB", (40, 30), "green")
    picture.save(tmp_path / "a.jpg", "PNG")
    picture.save(tmp_path / "b.webp", "WEBP")
    assert [sample.media_type for sample in read(tmp_path)] == ["image/png", "image/webp"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("nowhere.jpg,55.7,13.2,,", r"line 2: there is no file .*nowhere\.jpg"),
        ("nowhere.jpg,,,,", r"nowhere\.jpg"),
        ("a.jpg,95,13.2,,", r"line 2: its position is impossible"),
        ("a.jpg,north,13.2,,", r"not degrees"),
        (",55.7,13.2,,", r"line 2 names no picture"),
        ("../outside.jpg,55.7,13.2,,", r"outside\.jpg lies outside the folder"),
        ("broken.jpg,55.7,13.2,,", r"broken\.jpg"),
        ("small.jpg,55.7,13.2,,", r"small\.jpg"),
    ],
)
def test_a_list_that_is_wrong_is_told_with_its_line(row: str, reason: str, tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    write_photo(folder / "a.jpg", 1)
    write_photo(tmp_path / "outside.jpg", 2)
    (folder / "broken.jpg").write_bytes(b"no picture at all")
    write_photo(folder / "small.jpg", 3, size=(8, 8))
    write_list(folder, row)
    with pytest.raises(InvalidSamples, match=reason):
        read(folder)


def test_a_picture_whose_header_cannot_be_read_is_told(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.jpg", 1)
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8\xff and then nothing")
    with pytest.raises(InvalidSamples, match=r"b\.jpg"):
        read(tmp_path)


def test_a_folder_that_is_missing_empty_or_far_too_full_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidSamples, match=r"does not exist.*--samples"):
        read(tmp_path / "nowhere")
    with pytest.raises(InvalidSamples, match="holds no pictures"):
        read(tmp_path)
    content = write_photo(tmp_path / "first.jpg", 1).read_bytes()
    for number in range(MAX_SAMPLES):
        (tmp_path / f"{number}.jpg").write_bytes(content)
    with pytest.raises(InvalidSamples, match=f"has {MAX_SAMPLES + 1} samples, and at most {MAX_SAMPLES}"):
        read(tmp_path)


def test_serve_refuses_bad_samples_before_it_listens(tmp_path: Path, command: RunCommand) -> None:
    result = command("serve", "--map", tmp_path / "map", "--samples", tmp_path / "nowhere", "--port", 0)
    assert result.returncode == 1
    assert "error: " in result.stderr
    assert "--samples" in result.stderr
    assert "listening" not in result.stderr
