"""The pixels of opened pictures of every mode."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from model.images import open_image
from tests.model.images.picture_bytes import HEIGHT, PILLOW_WARNS, WIDTH, chunk, encode, photo, pixels, png, ramp

pytestmark = PILLOW_WARNS


@pytest.mark.parametrize(
    ("image_format", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("JPEG", {"quality": 100, "subsampling": 0}, 4),
        ("JPEG", {"quality": 100, "subsampling": 0, "progressive": True}, 4),
        ("AVIF", {"quality": 100, "subsampling": "4:4:4"}, 4),
    ],
)
@pytest.mark.parametrize("as_path", [False, True])
def test_every_format(
    tmp_path: Path, image_format: str, options: dict[str, object], tolerance: int, as_path: bool
) -> None:
    content = encode(photo(), image_format, **options)
    path = tmp_path / "misnamed.gif"  # names are not trusted
    path.write_bytes(content)
    result = open_image(path if as_path else content)
    assert result.mode == "RGB"
    np.testing.assert_allclose(pixels(result).astype(int), np.asarray(photo()).astype(int), atol=tolerance)


def test_sixteen_bit_grey_is_scaled_and_rounded() -> None:
    expected = np.rint(ramp() / 257).astype(np.uint8)
    result = pixels(open_image(png(ramp(), color_type=0)))
    for channel in range(3):
        np.testing.assert_array_equal(result[:, :, channel], expected)


def test_sixteen_bit_grey_through_pillow() -> None:
    image = Image.fromarray(ramp())
    assert image.mode == "I;16"
    np.testing.assert_array_equal(pixels(open_image(encode(image, "PNG")))[:, :, 0], np.rint(ramp() / 257))


def test_sixteen_bit_grey_with_a_transparent_value() -> None:
    samples = ramp()
    content = png(samples, color_type=0, before=chunk(b"tRNS", struct.pack(">H", samples[3, 7])))
    result = pixels(open_image(content))[:, :, 1]
    expected = np.rint(samples / 257)
    expected[3, 7] = 255
    np.testing.assert_array_equal(result, expected)


def test_sixteen_bit_rgb() -> None:
    samples = np.stack([ramp(), ramp()[::-1], ramp()[:, ::-1]], axis=2)
    result = pixels(open_image(png(samples, color_type=2)))
    np.testing.assert_allclose(result.astype(int), np.rint(samples / 257), atol=1)  # Pillow keeps the upper byte


def test_sixteen_bit_rgb_with_a_transparent_colour() -> None:
    samples = np.stack([ramp()] * 3, axis=2)
    samples[5, 5] = (0x8042, 0x1299, 0xFF01)
    content = png(samples, color_type=2, before=chunk(b"tRNS", struct.pack(">HHH", *samples[5, 5])))
    result = pixels(open_image(content))
    assert result[5, 5].tolist() == [255, 255, 255]
    np.testing.assert_allclose(result[6:].astype(int), np.rint(samples[6:] / 257), atol=1)


def test_sixteen_bit_rgba_is_flattened_on_white() -> None:
    alpha = np.full_like(ramp(), 65535)
    alpha[:, : WIDTH // 2] = 0
    samples = np.stack([ramp(), ramp(), ramp(), alpha], axis=2)
    result = pixels(open_image(png(samples, color_type=6)))
    assert (result[:, : WIDTH // 2] == 255).all()
    np.testing.assert_allclose(result[:, WIDTH // 2 :, 0].astype(int), np.rint(ramp()[:, WIDTH // 2 :] / 257), atol=1)


def test_one_bit() -> None:
    image = photo().convert("1")
    expected = np.where(np.asarray(image), 255, 0)
    result = pixels(open_image(encode(image, "PNG")))
    np.testing.assert_array_equal(result, np.repeat(expected[:, :, None], 3, axis=2))


@pytest.mark.parametrize("image_format", ["PNG", "JPEG"])
def test_grey(image_format: str) -> None:
    image = photo().convert("L")
    result = pixels(open_image(encode(image, image_format)))
    np.testing.assert_allclose(result.astype(int), np.asarray(image).astype(int)[:, :, None].repeat(3, 2), atol=24)
    assert (result[:, :, 0] == result[:, :, 2]).all()
    if image_format == "PNG":
        np.testing.assert_array_equal(result[:, :, 0], np.asarray(image))


def test_palette() -> None:
    image = photo().quantize(16)
    np.testing.assert_array_equal(pixels(open_image(encode(image, "PNG"))), np.asarray(image.convert("RGB")))


def test_palette_with_one_transparent_entry() -> None:
    image = photo().quantize(16)
    result = pixels(open_image(encode(image, "PNG", transparency=3)))
    expected = np.asarray(image.convert("RGB")).copy()
    assert (np.asarray(image) == 3).any()
    expected[np.asarray(image) == 3] = 255
    np.testing.assert_array_equal(result, expected)


def test_palette_with_an_alpha_for_each_entry() -> None:
    image = photo().quantize(4)
    result = pixels(open_image(encode(image, "PNG", transparency=bytes([0, 255, 128, 255]))))
    colours = np.array(image.getpalette()).reshape(-1, 3)[:4]
    alphas = np.array([0, 255, 128, 255])[:, None] / 255
    expected = (colours * alphas + 255 * (1 - alphas))[np.asarray(image)]
    np.testing.assert_allclose(result.astype(float), expected, atol=1)


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "AVIF"])
def test_hidden_colours_of_transparent_pixels_do_not_show(image_format: str) -> None:
    image = photo().convert("RGBA")
    image.putalpha(
        Image.fromarray(np.where(np.arange(WIDTH) < WIDTH // 2, 0, 255).astype(np.uint8)[None].repeat(HEIGHT, 0))
    )
    options = {"lossless": True, "exact": True} if image_format == "WEBP" else {}
    result = pixels(open_image(encode(image, image_format, **options)))
    tolerance = 30 if image_format == "AVIF" else 0
    np.testing.assert_allclose(result[:, : WIDTH // 2 - 4].astype(int), 255, atol=tolerance)
    np.testing.assert_allclose(
        result[:, WIDTH // 2 + 4 :].astype(int), np.asarray(photo())[:, WIDTH // 2 + 4 :].astype(int), atol=tolerance
    )


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
@settings(max_examples=30)
def test_half_transparent_is_mixed_with_white(level: int, alpha: int, other: int) -> None:
    image = Image.new("RGBA", (16, 16), (level, other, 0, alpha))
    result = pixels(open_image(encode(image, "PNG")))[0, 0]
    expected = [value * alpha / 255 + 255 - alpha for value in (level, other, 0)]
    np.testing.assert_allclose(result, expected, atol=0.51)


def test_grey_with_alpha() -> None:
    image = photo().convert("LA")
    image.putalpha(Image.new("L", image.size, 64))
    grey = np.asarray(photo().convert("L")).astype(float)
    result = pixels(open_image(encode(image, "PNG")))
    np.testing.assert_allclose(result[:, :, 0], grey * 64 / 255 + 191, atol=1)


def test_cmyk_looks_as_in_a_browser() -> None:
    content = encode(photo().convert("CMYK"), "JPEG", quality=95)
    marker = content.index(b"\xff\xee")  # Adobe, whose CMYK is inverted; written by Pillow as by Photoshop
    length = int.from_bytes(content[marker + 2 : marker + 4], "big") + 2
    for each in (content, content[:marker] + content[marker + length :]):
        result = pixels(open_image(each)).astype(int)
        assert np.abs(result - np.asarray(photo()).astype(int)).mean() < 4
