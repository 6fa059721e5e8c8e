"""Importing: a file is loaded as a check, kept in Placefix's format, and never replaces another one."""

import hashlib
import json
from pathlib import Path

import pytest
import torch

from model.errors import InvalidInput
from model.fingerprint import fingerprint
from model.weights import load_selavpr, resolve_weights
from model.weights_cache import DownloadRecord, WeightsCache
from model.weights_errors import WeightsError
from model.weights_import import import_weights
from tests.model.weight_file_factory import backbone_state, random_network, same_weights, write_reference


@pytest.fixture
def cache(tmp_path: Path) -> WeightsCache:
    return WeightsCache(tmp_path / "cache")


@pytest.fixture
def released(tmp_path: Path) -> Path:
    return write_reference(tmp_path / "SelaVPR_msls.pth", random_network())


def test_a_released_checkpoint_is_kept_in_our_format_under_its_published_name(
    cache: WeightsCache, released: Path
) -> None:
    imported = import_weights(released, cache, num_heads=4)
    assert imported.name == "selavpr_msls"
    assert imported.path == cache.folder / "selavpr_msls.safetensors"
    assert imported.fingerprint == fingerprint(random_network())
    assert imported.is_new
    assert imported.network.is_trained
    released.unlink()
    assert same_weights(load_selavpr(resolve_weights("selavpr_msls", cache)), random_network())


def test_other_files_keep_their_own_name(cache: WeightsCache, tmp_path: Path) -> None:
    torch.save(backbone_state(random_network()), tmp_path / "My_Backbone.v2.pth")
    imported = import_weights(tmp_path / "My_Backbone.v2.pth", cache, num_heads=4)
    assert imported.name == "My_Backbone.v2"
    assert not imported.network.is_trained
    assert not load_selavpr(imported.path).is_trained


def test_a_name_can_be_given(cache: WeightsCache, released: Path) -> None:
    assert import_weights(released, cache, name="town", num_heads=4).path.name == "town.safetensors"
    with pytest.raises(InvalidInput, match="cannot name weights"):
        import_weights(released, cache, name="../town", num_heads=4)


def test_the_same_network_again_changes_nothing(cache: WeightsCache, released: Path) -> None:
    first = import_weights(released, cache, num_heads=4)
    written = first.path.stat()
    again = import_weights(released, cache, num_heads=4)
    assert not again.is_new
    assert again.path == first.path
    assert (first.path.stat().st_ino, first.path.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)


def test_another_network_is_replaced_only_on_request(cache: WeightsCache, released: Path, tmp_path: Path) -> None:
    import_weights(released, cache, name="town", num_heads=4)
    other = write_reference(tmp_path / "other.pth", random_network(seed=9))
    with pytest.raises(WeightsError, match=r"another network .*--name.*--replace"):
        import_weights(other, cache, name="town", num_heads=4)
    assert same_weights(load_selavpr(cache.folder / "town.safetensors"), random_network())
    assert import_weights(other, cache, name="town", num_heads=4, replace=True).is_new
    assert same_weights(load_selavpr(cache.folder / "town.safetensors"), random_network(seed=9))


def test_other_heads_are_another_network(cache: WeightsCache, released: Path) -> None:
    import_weights(released, cache, num_heads=4)
    with pytest.raises(WeightsError, match="another network"):
        import_weights(released, cache, num_heads=8)


def test_a_damaged_file_in_the_cache_is_replaced_only_on_request(cache: WeightsCache, released: Path) -> None:
    imported = import_weights(released, cache, num_heads=4)
    imported.path.write_bytes(imported.path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=r"truncated or damaged.*--replace"):
        import_weights(released, cache, num_heads=4)
    import_weights(released, cache, num_heads=4, replace=True)
    load_selavpr(imported.path)


@pytest.mark.parametrize("replace", [False, True])
def test_the_name_of_something_fetched_is_not_taken(cache: WeightsCache, released: Path, replace: bool) -> None:
    with pytest.raises(WeightsError, match="--name"):
        import_weights(released, cache, name="dinov2_vitl14", num_heads=4, replace=replace)
    cache.folder.mkdir(parents=True)
    fetched = cache.folder / "net.pth"
    fetched.write_bytes(b"fetched")
    cache.remember(fetched, DownloadRecord(url="https://example.org/net.pth", sha256="0" * 64, size_bytes=7))
    with pytest.raises(WeightsError, match="--name"):
        import_weights(released, cache, name="net", num_heads=4, replace=replace)
    assert fetched.read_bytes() == b"fetched"


def test_a_checksum_is_compared_before_anything_is_loaded(cache: WeightsCache, released: Path) -> None:
    actual = hashlib.sha256(released.read_bytes()).hexdigest()
    with pytest.raises(WeightsError, match=f"its SHA-256 is {actual}, not {'0' * 64}"):
        import_weights(released, cache, sha256="0" * 64, num_heads=4)
    with pytest.raises(InvalidInput, match="is not a SHA-256"):
        import_weights(released, cache, sha256=json.dumps(actual), num_heads=4)
    assert cache.names() == ()
    assert import_weights(released, cache, sha256=actual.upper(), num_heads=4).is_new


def test_what_does_not_load_is_not_imported(cache: WeightsCache, tmp_path: Path) -> None:
    broken = write_reference(tmp_path / "a.pth", random_network(), lambda state: state.pop("module.aggregation.1.p"))
    with pytest.raises(WeightsError, match="missing"):
        import_weights(broken, cache, num_heads=4)
    with pytest.raises(WeightsError, match="there is no file"):
        import_weights(tmp_path / "nothing.pth", cache, sha256="0" * 64)
    assert cache.names() == ()
