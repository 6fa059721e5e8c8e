"""The list of weights: published ones, and those on this machine."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from model.published_weights import PUBLISHED
from model.weights_cache import DownloadRecord, WeightsCache
from model.weights_list import ListedWeights, list_weights

PACKAGE = "package_of_a_test_with_weights"

_LICENCES = ("MIT", "Apache-2.0", "GPL-3.0", "none stated", "non-commercial research only")


@pytest.fixture
def cache(tmp_path: Path) -> WeightsCache:
    cache = WeightsCache(tmp_path / "cache")
    cache.folder.mkdir(parents=True)
    return cache


def by_name(cache: WeightsCache) -> dict[str, ListedWeights]:
    return {weights.name: weights for weights in list_weights(cache)}


def test_a_cache_that_is_not_there_yet_has_nothing(tmp_path: Path) -> None:
    listed = list_weights(WeightsCache(tmp_path / "nothing"))
    assert [weights.name for weights in listed] == list(PUBLISHED)
    assert {weights.presence for weights in listed if weights.name != "starter"} == {"no"}
    assert all(weights.path is None and weights.size_bytes > 10**6 for weights in listed)
    assert all(weights.licence in _LICENCES and weights.source for weights in listed)


def test_what_was_fetched_and_what_was_imported_is_told_apart(cache: WeightsCache) -> None:
    fetched, imported = cache.folder / "selavpr_msls.pth", cache.folder / "selavpr_pitts30k.safetensors"
    fetched.write_bytes(b"12345")
    cache.remember(fetched, DownloadRecord(PUBLISHED["selavpr_msls"].ways[0].url, "0" * 64, 5))
    imported.write_bytes(b"123")
    rows = by_name(cache)
    assert (rows["selavpr_msls"].presence, rows["selavpr_msls"].size_bytes) == ("fetched", 5)
    assert (rows["selavpr_pitts30k"].presence, rows["selavpr_pitts30k"].path) == ("imported", imported)
    assert rows["selavpr_reg4_msls"].presence == "no"
    assert rows["selavpr_msls"].source == PUBLISHED["selavpr_msls"].publisher


def test_ones_own_come_last_with_where_they_came_from(cache: WeightsCache) -> None:
    for name in ("zoo", "alps"):
        (cache.folder / f"{name}.pth").write_bytes(b"1")
    cache.remember(cache.folder / "zoo.pth", DownloadRecord("https://example.org/zoo.pth", "0" * 64, 1))
    alps, zoo = list_weights(cache)[-2:]
    assert alps == ListedWeights("alps", "your own", 1, None, None, "imported", cache.folder / "alps.pth")
    assert (zoo.source, zoo.presence) == ("https://example.org/zoo.pth", "fetched")


def test_weights_of_a_package_are_here_if_it_is_installed(
    cache: WeightsCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"starter": replace(PUBLISHED["starter"], package=PACKAGE)}
    (cache.folder / "starter.pth").touch()  # a file of that name does not have the content of the name
    [missing] = list_weights(cache, known)
    assert (missing.presence, missing.path) == ("no", None)
    (tmp_path / PACKAGE).mkdir()
    (tmp_path / PACKAGE / "__init__.py").write_text("raise RuntimeError('must not be imported')")
    monkeypatch.syspath_prepend(tmp_path)
    [installed] = list_weights(cache, known)
    assert (installed.presence, installed.path, installed.size_bytes) == ("installed", None, 24_666_229)
    assert PACKAGE not in sys.modules
