"""Pictures come upright and without metadata; the first of several frames counts."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from model.images import ImageLimits, check_header, open_image
from model.picture_errors import ImageTooSmall, NotAnImage
from tests.model.images.picture_bytes import HEIGHT, PILLOW_WARNS, WIDTH, encode, exif_with, photo, pixels

pytestmark = PILLOW_WARNS


_STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ["PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_all_orientations_give_the_same_picture(orientation: int, image_format: str, mode: str) -> None:
    transposition = _STORED_AS[orientation]
    upright = photo().convert(mode)
    stored = upright if transposition is None else upright.transpose(transposition)
    options = {"lossless": True} if image_format == "WEBP" else {}
    result = open_image(encode(stored, image_format, exif=exif_with(orientation), **options))
    np.testing.assert_array_equal(pixels(result), np.asarray(photo()))


@pytest.mark.parametrize("image_format", ["JPEG", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_of_lossy_formats(orientation: int, image_format: str) -> None:
    transposition = _STORED_AS[orientation]
    stored = photo() if transposition is None else photo().transpose(transposition)
    result = open_image(encode(stored, image_format, exif=exif_with(orientation), quality=100))
    assert result.size == (WIDTH, HEIGHT)
    assert np.abs(pixels(result).astype(int) - np.asarray(photo()).astype(int)).mean() < 8


@pytest.mark.parametrize("shape", ["landscape", "portrait"])
def test_real_orientations(shared_dir: Path, shape: str) -> None:
    """One scene, stored in eight ways and with some difference in brightness."""
    folder = shared_dir / "data/exif_fixtures/images/exif-samples_orientation"
    pictures = [
        np.asarray(open_image(folder / f"{shape}_{orientation}.jpg").resize((60, 60))).ravel()
        for orientation in range(1, 9)
    ]
    assert np.corrcoef(pictures).min() > 0.97


@pytest.mark.parametrize("orientation", [0, 9, 99, 65535])
def test_invalid_orientations_are_ignored(orientation: object) -> None:
    result = open_image(encode(photo(), "PNG", exif=exif_with(orientation)))
    np.testing.assert_array_equal(pixels(result), np.asarray(photo()))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_nothing_of_the_metadata_stays(image_format: str) -> None:
    exif = exif_with(6)
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (1.0, 2.0, 3.0), 3: "E", 4: (4.0, 5.0, 6.0)}
    result = open_image(encode(photo(), image_format, exif=exif))
    assert result.size == (HEIGHT, WIDTH)
    assert not result.info
    assert not dict(result.getexif())


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "AVIF"])
def test_first_frame_of_an_animation(image_format: str) -> None:
    others = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "blue")]
    content = encode(photo(), image_format, save_all=True, append_images=others, duration=50)
    assert Image.open(BytesIO(content)).n_frames == 3  # type: ignore[attr-defined]
    result = pixels(open_image(content)).astype(int)
    assert np.abs(result - np.asarray(photo()).astype(int)).mean() < 8


def test_first_picture_of_an_mpo() -> None:
    content = encode(photo(), "MPO", save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT), "red")])
    assert Image.open(BytesIO(content)).format == "MPO"
    result = pixels(open_image(content)).astype(int)
    assert np.abs(result - np.asarray(photo()).astype(int)).mean() < 8


def test_the_header_alone_tells_what_is_wrong_there() -> None:
    content = encode(photo(), "JPEG")
    check_header(content)
    check_header(content[:-20])  # only decoding shows damage of the pixels
    with pytest.raises(NotAnImage):
        check_header(b"no picture")
    with pytest.raises(ImageTooSmall):
        check_header(content, ImageLimits(min_side_px=WIDTH + 1))
