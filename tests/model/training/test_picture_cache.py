"""Pictures in memory: the same ones, within the limit."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from model.training.picture_cache import PictureCache, read_picture

PICTURE_BYTES = 3 * 224 * 224 * 4


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        Image.new("RGB", (40, 30), (number * 80, 10, 200)).save(path)
    return paths


def test_what_is_kept_is_what_the_file_holds(paths: list[Path]) -> None:
    cache = PictureCache(2 * PICTURE_BYTES)
    for path in paths * 2:
        assert torch.equal(cache.read(path), read_picture(path))
    assert len(cache) == 2
    kept = cache.read(paths[0])
    paths[0].unlink()
    assert cache.read(paths[0]) is kept


def test_nothing_is_kept_without_memory(paths: list[Path]) -> None:
    cache = PictureCache(PICTURE_BYTES - 1)
    cache.read(paths[0])
    assert len(cache) == 0
