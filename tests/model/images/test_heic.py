"""HEIC: recognised, and read if the extra is installed."""

from io import BytesIO

import numpy as np
import pytest

from model.image_formats import recognise_format
from model.images import open_image
from model.picture_errors import CorruptImage, UnsupportedImageFormat
from tests.model.images.picture_bytes import PILLOW_WARNS, encode, photo, pixels

pytestmark = PILLOW_WARNS


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
