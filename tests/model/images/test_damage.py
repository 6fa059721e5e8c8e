"""Damaged pictures: every error is an image error."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.image_formats import FORMATS
from model.images import open_image, read_exif
from model.picture_errors import ImageError
from tests.examples import drawn
from tests.model.images.picture_bytes import PILLOW_WARNS, encode, exif_with, photo

pytestmark = PILLOW_WARNS


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


@drawn(few=120, many=4000)
@given(
    st.sampled_from(FORMATS), st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=8)
)
def test_flipped_bytes_raise_nothing_but_image_errors(image_format: str, flips: list[tuple[float, int]]) -> None:
    damaged = bytearray(_SAMPLES[image_format])
    for where, mask in flips:
        damaged[int(where * len(damaged))] ^= mask
    for read in (open_image, read_exif):
        _raises_only_image_errors(read, bytes(damaged))


@drawn(few=100, many=2000)
@given(
    st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8X", b"\0\0\0\x1cftypavif", b""]),
    st.binary(),
)
def test_noise_raises_nothing_but_image_errors(start: bytes, noise: bytes) -> None:
    for read in (open_image, read_exif):
        _raises_only_image_errors(read, start + noise)


@drawn(few=80, many=3000)
@given(st.binary(min_size=8, max_size=300), st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
def test_any_exif_block_leaves_a_jpeg_readable(block: bytes, head: bytes) -> None:
    content = encode(photo(), "JPEG", exif=b"Exif\0\0" + head + block)
    assert open_image(content).mode == "RGB"
    _raises_only_image_errors(read_exif, content)


def _raises_only_image_errors(read: Callable[[bytes], object], content: bytes) -> None:
    try:
        read(content)
    except ImageError as error:
        assert error.message  # noqa: PT017 (only the class of the error matters)
