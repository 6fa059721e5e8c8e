"""Pictures of every kind, mode and defect, made here with Pillow or byte by byte."""

import os
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, PngImagePlugin

from model.errors import (
    CorruptExif,
    CorruptImage,
    EmptyImage,
    ExtremeAspectRatio,
    ImageError,
    ImageTooSmall,
    NotAnImage,
    TooManyPixels,
    UnreadableImage,
    UnsupportedImageFormat,
)
from model.image_formats import FORMATS, recognise_format
from model.images import ImageLimits, check_header, open_image, read_exif

# Pillow warns about broken EXIF blocks and MPO indexes, and goes on.
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin"),
    pytest.mark.filterwarnings("ignore::UserWarning:PIL.JpegImagePlugin"),
    pytest.mark.filterwarnings("ignore::UserWarning:PIL.PngImagePlugin"),
    pytest.mark.filterwarnings("ignore::UserWarning:PIL.Image"),
]

WIDTH, HEIGHT = 48, 32
Pixels = NDArray[np.uint8]


def photo(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Smooth, asymmetric, and different in each corner."""
    coarse = np.random.default_rng(5).integers(0, 256, size=(4, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def encode(image: Image.Image, image_format: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def pixels(image: Image.Image) -> Pixels:
    assert image.mode == "RGB"
    return np.asarray(image)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(
    samples: NDArray[np.uint16],
    color_type: int,
    *,
    depth: int = 16,
    before: bytes = b"",
    after: bytes = b"",
    size: tuple[int, int] | None = None,
) -> bytes:
    """A PNG with the given samples, ``(height, width)`` or ``(height, width, channels)``, unfiltered."""
    height, width = samples.shape[:2]
    rows = samples.astype(">u2" if depth == 16 else np.uint8)
    content = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", *(size or (width, height)), depth, color_type, 0, 0, 0)
    parts = (chunk(b"IHDR", header), before, chunk(b"IDAT", zlib.compress(content)), after, chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def ramp() -> NDArray[np.uint16]:
    """Every part of the sixteen-bit scale, ends included."""
    return np.linspace(0, 65535, WIDTH * HEIGHT).round().astype(np.uint16).reshape(HEIGHT, WIDTH)


def exif_with(orientation: object) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


# --- right pixels ------------------------------------------------------------------------------------------------


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


# --- upright -----------------------------------------------------------------------------------------------------

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


# --- first frames ------------------------------------------------------------------------------------------------


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
    check_header(content[:-20])  # what the pixels are like only decoding can tell
    with pytest.raises(NotAnImage):
        check_header(b"no picture")
    with pytest.raises(ImageTooSmall):
        check_header(content, ImageLimits(min_side_px=WIDTH + 1))


# --- what is strange, and yet a picture --------------------------------------------------------------------------


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


# --- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (encode(photo(), "GIF"), "GIF"),
        (encode(photo(), "BMP"), "BMP"),
        (encode(photo(), "TIFF"), "TIFF"),
        (encode(photo(), "TIFF", big_tiff=True), "BigTIFF"),
        (encode(photo(), "PDF"), "PDF"),
        (encode(photo(), "EPS"), "EPS"),
        (encode(photo(), "ICO"), "ICO"),
        (encode(photo(), "JPEG2000"), "JPEG 2000"),
        (encode(photo(), "JPEG2000", no_jp2=True), "JPEG 2000"),
        (encode(photo(), "PPM"), "Netpbm"),
        (encode(photo(), "ICNS"), "Apple icon"),
        (encode(photo(), "DDS"), "DirectDraw"),
        (b"8BPS" + bytes(40), "Photoshop"),
        (b"\x00\x00\x00\x1cftypisom" + bytes(40), "MP4"),
        (b"\x00\x00\x00\x1cftypqt  " + bytes(40), "MP4"),
        (b"\x1aE\xdf\xa3" + bytes(40), "Matroska"),
        (b"RIFF\x00\x01\x00\x00AVI LIST" + bytes(40), "AVI"),
        (b"\xff\x0a" + bytes(40), "JPEG XL"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg/>", "SVG"),
        (b"\n <!DOCTYPE html><html></html>", "HTML"),
        (b"<HTML><body>404</body></HTML>", "HTML"),
    ],
)
def test_other_formats_are_named(content: bytes, name: str) -> None:
    with pytest.raises(UnsupportedImageFormat, match=name) as caught:
        open_image(content)
    assert "JPEG, PNG, WebP and AVIF" in caught.value.message


@pytest.mark.parametrize(
    "content",
    [
        b"\0",
        b"hello",
        b'{"image": null}',
        bytes(1000),
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"BM is not a bitmap",
        b"\xff\xd8",
    ],
)
def test_what_is_no_picture(content: bytes) -> None:
    with pytest.raises(NotAnImage):
        open_image(content)


def test_no_bytes(tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.touch()
    for source in (b"", path):
        with pytest.raises(EmptyImage):
            open_image(source)


def test_no_file(tmp_path: Path) -> None:
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")  # whoever opens it waits for ever
    for path in (tmp_path / "missing.jpg", tmp_path, tmp_path / "loop.jpg", tmp_path / "pipe.jpg"):
        for look in (open_image, check_header, read_exif):
            with pytest.raises(UnreadableImage, match=path.name):
                look(path)


def _flip(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


def _corrupt() -> dict[str, bytes]:
    picture = {each: encode(photo(), each) for each in FORMATS}
    progressive = encode(photo(), "JPEG", progressive=True)
    cut = {f"{name} cut in half": content[: len(content) // 2] for name, content in picture.items()}
    bad_header = bytearray(picture["PNG"])
    bad_header[20] ^= 1
    return cut | {
        "progressive JPEG cut in half": progressive[: len(progressive) // 2],
        "JPEG without EOI": picture["JPEG"][:-2],
        "progressive JPEG without EOI": progressive[:-2],
        "PNG without IEND": picture["PNG"][:-12],
        "PNG with a bad header sum": bytes(bad_header),
        "PNG with a bad sum of pixels": _flip(picture["PNG"], len(picture["PNG"]) - 14),
        "PNG of no size": png(ramp(), 0, size=(0, 0)),
        "PNG with a text bomb": png(
            ramp(), 0, before=chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9))
        ),
        "PNG without pixels": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0)),
        "JPEG without a header": b"\xff\xd8\xff\xd9",
        "JPEG of noise": b"\xff\xd8\xff" + bytes(range(256)) * 8,
        "WebP of unknown kind": b"RIFF\x40\0\0\0WEBPVP9 " + bytes(60),
        "AVIF of nothing": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(60),
    }


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in _corrupt().items()])
def test_corrupt_pictures(content: bytes) -> None:
    with pytest.raises(CorruptImage, match="starts like"):
        open_image(content)


def test_errors_name_the_path_and_keep_the_cause(tmp_path: Path) -> None:
    path = tmp_path / "half.jpg"
    content = encode(photo(), "JPEG")
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(CorruptImage, match=r"half\.jpg starts like JPEG, but cannot be decoded") as caught:
        open_image(path)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize(
    ("size", "error", "numbers"),
    [
        ((1, 1), ImageTooSmall, "1×1"),
        ((15, 40), ImageTooSmall, "16"),
        ((1, 60_000), ImageTooSmall, "1×60000"),
        ((16, 321), ExtremeAspectRatio, "20.1"),
        ((321, 16), ExtremeAspectRatio, "20"),
        ((16_385, 1000), TooManyPixels, "16384"),
        ((8000, 6251), TooManyPixels, "50,008,000"),
        (
            (12_000, 12_000),
            TooManyPixels,
            "144,000,000|larger than Pillow",
        ),  # where warnings are errors, Pillow's comes first
        ((30_000, 30_000), TooManyPixels, "900000000"),
        ((60_000, 60_000), TooManyPixels, "larger than Pillow"),
    ],
)
def test_sizes_outside_the_limits(size: tuple[int, int], error: type[ImageError], numbers: str) -> None:
    # The pixels are missing: the header decides before any is decoded.
    content = png(np.zeros((1, 1), np.uint16), 0, depth=1 if size == (60_000, 60_000) else 8, size=size)
    with pytest.raises(error, match=numbers):
        open_image(content)


@pytest.mark.parametrize("size", [(16, 16), (16, 320), (320, 16)])
def test_sizes_at_the_limits(size: tuple[int, int]) -> None:
    assert open_image(encode(photo(*size), "PNG")).size == size


def test_limits_are_an_argument() -> None:
    content = encode(photo(), "PNG")
    with pytest.raises(TooManyPixels, match="at most 100 are read"):
        open_image(content, ImageLimits(max_pixels=100))
    assert open_image(encode(photo(4, 4), "PNG"), ImageLimits(min_side_px=4)).size == (4, 4)


# --- any damage --------------------------------------------------------------------------------------------------

_SAMPLES = {
    each: encode(photo(), each, exif=exif_with(6), **options)
    for each, options in (("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {}), ("AVIF", {}))
}


@pytest.mark.parametrize("image_format", FORMATS)
def test_cut_anywhere_it_is_refused(image_format: str) -> None:
    content = _SAMPLES[image_format]
    for length in range(0, len(content), max(1, len(content) // 400)):
        with pytest.raises(ImageError):
            open_image(content[:length])


@given(
    st.sampled_from(FORMATS), st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=8)
)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_flipped_bytes_raise_nothing_but_image_errors(image_format: str, flips: list[tuple[float, int]]) -> None:
    damaged = bytearray(_SAMPLES[image_format])
    for where, mask in flips:
        damaged[int(where * len(damaged))] ^= mask
    for read in (open_image, read_exif):
        _raises_only_image_errors(read, bytes(damaged))


@given(
    st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8X", b"\0\0\0\x1cftypavif", b""]),
    st.binary(),
)
@settings(max_examples=200, deadline=None)
def test_noise_raises_nothing_but_image_errors(start: bytes, noise: bytes) -> None:
    for read in (open_image, read_exif):
        _raises_only_image_errors(read, start + noise)


@given(st.binary(min_size=8, max_size=300), st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
@settings(max_examples=300, deadline=None)
def test_any_exif_block_leaves_a_jpeg_readable(block: bytes, head: bytes) -> None:
    content = encode(photo(), "JPEG", exif=b"Exif\0\0" + head + block)
    assert open_image(content).mode == "RGB"
    _raises_only_image_errors(read_exif, content)


def _raises_only_image_errors(read: Callable[[bytes], object], content: bytes) -> None:
    try:
        read(content)
    except ImageError as error:
        assert error.message  # noqa: PT017 (what matters is that no other class comes)


# --- side effects ------------------------------------------------------------------------------------------------


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


# --- HEIC --------------------------------------------------------------------------------------------------------

HEIC_HEADER = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)


def test_heic_and_avif_are_told_apart() -> None:
    assert recognise_format(HEIC_HEADER) == "HEIF"
    assert recognise_format(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic") == "HEIF"
    assert recognise_format(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif") == "AVIF"
    assert recognise_format(encode(photo(), "AVIF")) == "AVIF"


def test_heic_names_the_extra_that_reads_it() -> None:
    if _has_pillow_heif():
        pytest.skip("pillow-heif is installed")
    with pytest.raises(UnsupportedImageFormat, match=r"pip install 'placefix\[heif\]'"):
        open_image(HEIC_HEADER)


def test_heic_is_read_where_the_extra_is_installed() -> None:
    if not _has_pillow_heif():
        pytest.skip("pillow-heif is not installed")
    import pillow_heif

    file = BytesIO()
    pillow_heif.from_pillow(photo(64, 48)).save(file, quality=95)
    result = open_image(file.getvalue())
    assert result.mode == "RGB"
    assert np.abs(pixels(result).astype(int) - np.asarray(photo(64, 48)).astype(int)).mean() < 6
    with pytest.raises(CorruptImage):
        open_image(HEIC_HEADER)


def _has_pillow_heif() -> bool:
    try:
        import pillow_heif  # noqa: F401
    except ImportError:
        return False
    return True


# --- EXIF --------------------------------------------------------------------------------------------------------


def _gps_exif() -> Image.Exif:
    exif = exif_with(6)
    exif[ExifTags.IFD.GPSInfo] = {1: "S", 2: (33.0, 51.0, 30.0), 3: "E", 4: (151.0, 12.0, 0.0)}
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: "2024:09:23 16:06:58"}
    return exif


@pytest.mark.parametrize("image_format", FORMATS)
def test_exif_of_every_format(tmp_path: Path, image_format: str) -> None:
    path = tmp_path / "photo"
    path.write_bytes(encode(photo(), image_format, exif=_gps_exif()))
    for source in (path, path.read_bytes()):
        exif = read_exif(source)
        assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] == (33.0, 51.0, 30.0)
        assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2024:09:23 16:06:58"


@pytest.mark.parametrize("image_format", FORMATS)
def test_no_exif_is_empty(image_format: str) -> None:
    exif = read_exif(encode(photo(), image_format))
    assert not dict(exif)
    assert not exif.get_ifd(ExifTags.IFD.GPSInfo)


def test_exif_behind_the_pixels_of_a_png() -> None:
    block = _gps_exif().tobytes().removeprefix(b"Exif\0\0")
    exif = read_exif(png(ramp(), 0, after=chunk(b"eXIf", block)))
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "S"


def test_exif_as_imagemagick_wrote_it_into_a_png() -> None:
    block = _gps_exif().tobytes()
    text = f"\nexif\n{len(block):8}\n{block.hex()}\n".encode()
    exif = read_exif(png(ramp(), 0, before=chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text))))
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "S"


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_broken_exif_is_told_from_none(image_format: str) -> None:
    with pytest.raises(CorruptExif, match="EXIF block cannot be parsed"):
        read_exif(encode(photo(), image_format, exif=b"Exif\0\0nonsense, all of it"))


def test_exif_is_read_without_the_pixels() -> None:
    content = encode(photo(), "JPEG", exif=_gps_exif())
    cut = content[: content.index(b"\xff\xda") + 20]
    assert read_exif(cut).get_ifd(ExifTags.IFD.GPSInfo)
    with pytest.raises(CorruptImage):
        open_image(cut)


@pytest.mark.parametrize(
    ("content", "error"), [(b"", EmptyImage), (b"hello", NotAnImage), (b"GIF89a", UnsupportedImageFormat)]
)
def test_exif_of_what_is_no_picture(content: bytes, error: type[ImageError]) -> None:
    with pytest.raises(error):
        read_exif(content)
