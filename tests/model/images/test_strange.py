"""Unusual files that are still pictures, and the absence of side effects of opening them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageFile, PngImagePlugin

from model.image_formats import FORMATS
from model.images import check_header, open_image
from tests.model.images.picture_bytes import HEIGHT, PILLOW_WARNS, WIDTH, encode, photo, pixels

pytestmark = PILLOW_WARNS


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize(
    "block", [b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff" + b"\xab" * 400, b"MM\0*\0\0\0\x08\0\x01\x01\x12"]
)
def test_junk_exif_is_ignored(image_format: str, block: bytes) -> None:
    content = encode(photo(), image_format, exif=b"Exif\0\0" + block)
    check_header(content)
    assert open_image(content).size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_exif_that_is_no_exif_is_ignored(image_format: str) -> None:
    content = encode(photo(), image_format, exif=b"Exif\0\0nonsense, all of it")
    assert open_image(content).size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("image_format", FORMATS)
def test_junk_colour_profile_is_ignored(image_format: str) -> None:
    content = encode(photo(), image_format, icc_profile=b"not a profile" * 20)
    assert open_image(content).size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_trailing_bytes_are_ignored(image_format: str) -> None:
    assert open_image(encode(photo(), image_format) + b"\xff\0" * 2_500_000).size == (WIDTH, HEIGHT)


def test_progressive_jpeg_with_many_scans() -> None:
    content = encode(photo(256, 192), "JPEG", progressive=True)
    end = content.rindex(b"\xff\xda")  # the last scan only refines; it may come again
    repeated = content[:end] + content[end:-2] * 300 + content[-2:]
    assert open_image(repeated).size == (256, 192)


def test_pillow_stays_as_it_was() -> None:
    open_image(encode(photo(), "PNG"))
    assert Image.MAX_IMAGE_PIXELS == 89_478_485
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    assert PngImagePlugin.MAX_TEXT_MEMORY == 64 * 1024 * 1024


def test_many_threads_at_once() -> None:
    contents = [encode(photo(), each) for each in FORMATS] * 25
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(open_image, contents))
    for content, result in zip(contents, results, strict=True):
        np.testing.assert_array_equal(pixels(result), pixels(open_image(content)))
