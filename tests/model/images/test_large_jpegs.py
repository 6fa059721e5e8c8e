"""JPEGs of more than 50 megapixels: at a fraction, upright, and within memory."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from index_builder.thumbnails import make_thumbnail
from model.images import ImageLimits, check_header, open_image
from model.jpeg import Component, Frame, denominator_for, read_frame
from model.picture_errors import CorruptImage, TooManyPixels
from tests.model.images.picture_bytes import encode, exif_with, flat_jpeg, photo

MEASURE = """
import resource, sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from model.images import open_image

open_image(Path("small.jpg"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
open_image(Path("large.jpg"))
print(1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
"""


@pytest.fixture(scope="module")
def phone_photo() -> bytes:
    """Make a phone's picture of 50 megapixels with odd sides, held upright and stored lying."""
    large = photo().convert("L").resize((8161, 6147), Image.Resampling.BILINEAR)
    return encode(large, "JPEG", quality=60, exif=exif_with(6))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((8160, 6120), (8160, 6120)),  # 49.9 megapixels
        ((8000, 6250), (8000, 6250)),  # 50 to the pixel
        ((8000, 6251), (4000, 3126)),
        ((8160, 6144), (4080, 3072)),
        ((8192, 6144), (4096, 3072)),
        ((9504, 6336), (4752, 3168)),  # a camera of 60
        ((9601, 6401), (4801, 3201)),
        ((12_000, 9000), (6000, 4500)),
        ((16_320, 12_240), (8160, 6120)),
        ((16_384, 16_384), (4096, 4096)),
    ],
)
def test_the_fraction_is_told_by_the_size_alone(size: tuple[int, int], expected: tuple[int, int]) -> None:
    content = flat_jpeg(*size, components=1, sampling=(1, 1))
    image = open_image(content)
    assert image.size == expected
    assert image.resize((2, 2)).getcolors() == [(4, (128, 128, 128))]
    larger = ImageLimits(max_pixels=400_000_000)
    assert open_image(content, larger).size == expected  # a limit changes no feature


def test_a_progressive_jpeg_is_decoded_at_the_same_fraction() -> None:
    image = open_image(flat_jpeg(8161, 6147, scans="progressive"))
    assert image.size == (4081, 3074)
    assert image.resize((2, 2)).getcolors() == [(4, (128, 128, 128))]


def test_denominators_end_with_an_eighth() -> None:
    assert denominator_for((40_000, 20_001)) == 8  # a quarter would be 50 megapixels and a few
    assert denominator_for((65_500, 65_500)) == 8  # these are still too many
    with pytest.raises(TooManyPixels, match=r"decoded at 1/8 8188×8188 = 67,043,344 pixels"):
        check_header(flat_jpeg(65_500, 65_500, components=1, sampling=(1, 1)), ImageLimits(max_side_px=65_535))


def test_a_photo_at_a_fraction_is_the_same_photo_upright(phone_photo: bytes) -> None:
    image = open_image(phone_photo)
    assert image.size == (3074, 4081)  # rounded up, and turned
    whole = open_image(phone_photo, ImageLimits(max_pixels=60_000_000), whole=True)
    assert whole.size == (6147, 8161)
    one, other = (np.asarray(each.resize((24, 32), Image.Resampling.BOX), np.int16) for each in (image, whole))
    assert np.abs(one - other).max() <= 1
    assert not image.getexif()


def test_its_thumbnail_is_upright_too(phone_photo: bytes) -> None:
    thumbnail = Image.open(BytesIO(make_thumbnail(open_image(phone_photo))))
    assert thumbnail.size == (193, 256)
    upright = photo().convert("L").transpose(Image.Transpose.ROTATE_270).convert("RGB")
    expected = np.asarray(upright.resize((24, 32), Image.Resampling.BOX), np.int16)
    assert np.abs(np.asarray(thumbnail.resize((24, 32), Image.Resampling.BOX), np.int16) - expected).mean() < 3


def test_whole_means_never_at_a_fraction() -> None:
    content = flat_jpeg(8160, 6144)
    for look in (open_image, check_header):
        with pytest.raises(TooManyPixels, match=r"50,135,040 pixels; at most 50,000,000 .* decoded whole"):
            look(content, whole=True)


def test_two_lenses_in_one_file_are_decoded_at_a_fraction() -> None:
    first, second = (Image.new("L", (8160, 6144), shade) for shade in (90, 200))
    image = open_image(encode(first, "MPO", save_all=True, append_images=[second]))
    assert image.size == (4080, 3072)
    assert image.getpixel((9, 9)) == (90, 90, 90)


def test_other_formats_keep_the_limit_in_pixels() -> None:
    content = encode(Image.new("L", (8160, 6144)), "PNG")
    with pytest.raises(TooManyPixels, match="50,135,040"):
        open_image(content)


def test_a_lower_limit_is_on_what_is_decoded() -> None:
    content = flat_jpeg(12_000, 9000)
    assert open_image(content, ImageLimits(max_pixels=27_000_000)).size == (6000, 4500)
    with pytest.raises(TooManyPixels, match=r"12000×9000 pixels, and decoded at 1/2 6000×4500 = 27,000,000 pixels"):
        open_image(content, ImageLimits(max_pixels=26_999_999))


def test_the_header_is_limited_by_its_sides() -> None:
    with pytest.raises(TooManyPixels, match="a side may have at most 16384"):
        open_image(flat_jpeg(16_385, 9000))


@pytest.mark.parametrize("scans", ["one each", "progressive"])
def test_coefficients_are_counted_where_a_decoder_keeps_them(scans: str) -> None:
    content = flat_jpeg(12_000, 9000, sampling=(1, 1), scans=scans)  # 648 MB of coefficients
    for look in (open_image, check_header):
        with pytest.raises(TooManyPixels, match="648,000,000 bytes of memory; at most 400,000,000"):
            look(content)
    check_header(flat_jpeg(12_000, 9000, sampling=(1, 1)))  # row by row
    check_header(flat_jpeg(12_000, 9000, scans=scans))  # as phones sample them: 324 MB


def test_the_frame_of_a_jpeg_is_read() -> None:
    colour = (Component(2, 2), Component(1, 1), Component(1, 1))
    for content, is_one_scan in (
        (encode(photo(), "JPEG", subsampling="4:2:0"), True),
        (encode(photo(), "JPEG", subsampling="4:2:0", progressive=True), False),
        (flat_jpeg(48, 32, scans="one each"), False),
    ):
        frame = read_frame(BytesIO(content))
        assert frame == Frame(48, 32, colour, is_one_scan)
        assert frame.coefficient_bytes == (0 if is_one_scan else 48 * 32 * 3)


@pytest.mark.parametrize("flaw", ["two frames", "something between", "cut off", "sampling"])
def test_a_large_jpeg_that_decoders_read_differently_is_refused(flaw: str) -> None:
    content = bytearray(flat_jpeg(12_000, 9000))
    frame = content.index(b"\xff\xc0")
    length = 2 + int.from_bytes(content[frame + 2 : frame + 4])
    if flaw == "two frames":
        content[frame:frame] = content[frame : frame + length]
    elif flaw == "something between":
        content[frame:frame] = b"junk"
    elif flaw == "cut off":
        del content[content.index(b"\xff\xda") + 4 :]
    else:
        content[frame + 11] = 0x00
    with pytest.raises(CorruptImage, match="starts like JPEG"):
        open_image(bytes(content))


@pytest.mark.parametrize(
    ("content", "most_bytes"),
    [
        pytest.param(flat_jpeg(12_000, 9000, scans="progressive"), 600_000_000, id="progressive"),
        pytest.param(flat_jpeg(12_000, 9000, sampling=(1, 1)), 300_000_000, id="baseline"),
    ],
)
def test_108_megapixels_fit_into_the_memory_of_50(tmp_path: Path, content: bytes, most_bytes: int) -> None:
    (tmp_path / "large.jpg").write_bytes(content)
    (tmp_path / "small.jpg").write_bytes(encode(photo(), "JPEG"))
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(Path(__file__).parents[3])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(run.stdout) < most_bytes
