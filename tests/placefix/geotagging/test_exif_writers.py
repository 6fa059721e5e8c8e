"""Estimates in the EXIF blocks of HEIC files."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from model.images import open_image
from placefix.geotagging.errors import CannotWrite
from placefix.geotagging.exif_writers import ExiftoolWriter, JpegWriter
from placefix.geotagging.present import has_exif_estimate, present_position
from placefix.geotagging.xmp_sidecar import write_sidecar
from tests.placefix.geotagging.estimates import NORTH_WEST

EXIFTOOL = shutil.which("exiftool")


@pytest.fixture
def heic(tmp_path: Path) -> Path:
    pillow_heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    size = (64, 48)
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    pillow_heif.from_bytes("RGB", size, pixels.tobytes()).save(tmp_path / "a.heic", quality=80)
    return tmp_path / "a.heic"


@pytest.mark.skipif(EXIFTOOL is None, reason="the program exiftool is not installed")
def test_exiftool_leaves_the_picture_of_heic_as_it_is(heic: Path) -> None:
    before = open_image(heic).tobytes()
    writer = ExiftoolWriter(str(EXIFTOOL))
    writer.write(heic, NORTH_WEST)
    assert present_position(heic).kind == "estimate"
    assert open_image(heic).tobytes() == before
    writer.remove(heic)
    assert not has_exif_estimate(heic)
    assert open_image(heic).tobytes() == before


def test_without_exiftool_heic_is_refused_and_xmp_lies_beside(heic: Path) -> None:
    content = heic.read_bytes()
    with pytest.raises(CannotWrite, match=r"HEIF files by the program exiftool alone.*--write xmp"):
        JpegWriter().check(heic)
    write_sidecar(heic, NORTH_WEST)
    assert present_position(heic).kind == "estimate"
    assert heic.read_bytes() == content
