"""The licence of weights is known where their name is."""

from pathlib import Path

from model.starter.package_weights import find_starter_file
from model.weights_cache import WeightsCache, licence_of


def test_a_name_in_the_cache_tells_the_licence_and_the_same_name_elsewhere_does_not(tmp_path: Path) -> None:
    cache = WeightsCache(tmp_path)
    cache.folder.mkdir(parents=True)
    for name in ("salad.pth", "own.safetensors"):
        (cache.folder / name).touch()
        (tmp_path / name).touch()
    assert licence_of(cache.folder / "salad.pth", cache) == "GPL-3.0"
    assert licence_of(tmp_path / "salad.pth", cache) is None
    assert licence_of(cache.folder / "own.safetensors", cache) is None
    assert licence_of(cache.folder / "megaloc.safetensors", cache) is None
    assert licence_of(None, cache) is None
    assert licence_of(find_starter_file(), cache) == "Apache-2.0"
