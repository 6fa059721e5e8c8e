"""The names of weights, and the files that they stand for."""

import hashlib
from pathlib import Path

import pytest

from model.errors import InvalidInput
from model.published_weights import PUBLISHED
from model.weights import load_network, resolve_weights
from model.weights_cache import DownloadRecord, WeightsCache, choose_name, default_cache_root
from model.weights_errors import WeightsError
from tests.model.weight_file_factory import random_network, write_reference


@pytest.fixture
def cache(tmp_path: Path) -> WeightsCache:
    cache = WeightsCache(tmp_path / "cache")
    cache.folder.mkdir(parents=True)
    return cache


def test_the_folder_is_the_one_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACEFIX_CACHE", str(tmp_path))
    assert WeightsCache().folder == tmp_path / "weights"
    assert WeightsCache(tmp_path / "other").folder == tmp_path / "other" / "weights"


def test_without_one_it_is_the_users_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLACEFIX_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache_root().is_relative_to(tmp_path)
    assert default_cache_root().name == "placefix"


def test_a_path_is_itself(cache: WeightsCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_reference(tmp_path / "a.pth", random_network())
    assert resolve_weights(str(path), cache) == path
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve_weights("~/a.pth", cache) == path


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_name_is_a_file_in_the_cache(cache: WeightsCache, suffix: str) -> None:
    path = cache.folder / f"my-net.v2{suffix}"
    path.write_bytes(b"anything")
    assert resolve_weights("my-net.v2", cache) == path


def test_a_folder_does_not_hide_a_name(cache: WeightsCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache.folder / "demo.pth").touch()
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve_weights("demo", cache) == cache.folder / "demo.pth"
    (cache.folder / "demo.pth").unlink()
    with pytest.raises(WeightsError, match="demo is a folder"):
        resolve_weights("demo", cache)


def test_a_path_wins_over_a_name(cache: WeightsCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache.folder / "a.pth").touch()
    (tmp_path / "a").touch()
    monkeypatch.chdir(tmp_path)
    assert resolve_weights("a", cache) == Path("a")


def test_names_lists_files_and_nothing_unfinished(cache: WeightsCache) -> None:
    for name in ("b.pth", "a.safetensors", "c.pth.part", ".d.pth.lock", ".e.safetensors.12.part", "b.pth.json"):
        (cache.folder / name).touch()
    assert cache.names() == ("a", "b")
    assert WeightsCache(cache.folder / "missing").names() == ()


def test_an_unknown_name_lists_what_there_is(cache: WeightsCache) -> None:
    (cache.folder / "mine.safetensors").touch()
    with pytest.raises(WeightsError) as caught:
        resolve_weights("yours", cache)
    for part in ("'yours'", "holds: mine", str(cache.folder), "placefix weights fetch", "placefix weights import"):
        assert part in caught.value.message


def test_an_unknown_name_in_an_empty_cache(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="holds: nothing yet"):
        resolve_weights("../etc/passwd", WeightsCache(tmp_path))


def test_a_known_name_that_is_not_there_yet_says_how_to_fetch_it(cache: WeightsCache) -> None:
    with pytest.raises(WeightsError, match="placefix weights fetch dinov2_vitb14_reg4"):
        resolve_weights("dinov2_vitb14_reg4", cache)


def test_a_changed_file_of_a_published_network_is_fetched_again_by_its_name(cache: WeightsCache) -> None:
    path = cache.folder / "selavpr_msls.pth"
    path.write_bytes(b"other")
    for way in PUBLISHED["selavpr_msls"].ways:
        cache.remember(path, DownloadRecord(url=way.url, sha256="0" * 64, size_bytes=5))
        with pytest.raises(WeightsError, match=r"placefix weights fetch selavpr_msls$"):
            resolve_weights("selavpr_msls", cache)


def test_a_folder_is_no_checkpoint(cache: WeightsCache, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is a folder"):
        resolve_weights(str(tmp_path), cache)


def test_a_fetched_file_that_changed_is_not_used(cache: WeightsCache) -> None:
    path = cache.folder / "a.pth"
    path.write_bytes(b"first")
    first = hashlib.sha256(b"first").hexdigest()
    cache.remember(path, DownloadRecord(url="https://example.org/a.pth", sha256=first, size_bytes=5))
    assert resolve_weights("a", cache) == path
    path.write_bytes(b"other")
    with pytest.raises(WeightsError) as caught:
        resolve_weights("a", cache)
    for part in (first, hashlib.sha256(b"other").hexdigest(), "fetch https://example.org/a.pth --name a"):
        assert part in caught.value.message


def test_a_record_comes_back_and_a_damaged_one_says_so(cache: WeightsCache) -> None:
    path = cache.folder / "a.pth"
    record = DownloadRecord(url="https://example.org/a.pth", sha256="0" * 64, size_bytes=5)
    assert cache.record_of(path) is None
    cache.remember(path, record)
    assert cache.record_of(path) == record
    (cache.folder / "a.pth.json").write_text("{}")
    with pytest.raises(WeightsError, match=r"a\.pth\.json.*cannot be read"):
        cache.record_of(path)


@pytest.mark.parametrize("name", ["", "../a", "a/b", ".hidden", "-option", "a b", "ä", "a" * 101, "a\n"])
def test_names_that_no_file_should_have(cache: WeightsCache, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot name weights"):
        cache.path_of(name, ".pth")
    assert cache.find(name) is None


def test_auto_is_the_best_that_is_here(cache: WeightsCache) -> None:
    assert choose_name(cache).name == "starter"
    assert "placefix weights fetch selavpr_msls" in choose_name(cache).reason
    for name in ("selavpr_pitts30k", "selavpr_msls"):
        (cache.folder / f"{name}.pth").touch()
        assert choose_name(cache).name == name
    assert resolve_weights("auto", cache) == cache.folder / "selavpr_msls.pth"


def test_the_starter_is_a_file_of_an_installed_package(cache: WeightsCache) -> None:
    assert load_network(resolve_weights("starter", cache)).family == "starter"
    assert resolve_weights("auto", cache) == resolve_weights("starter", cache)
