"""Files of others as they come: from a server, in MATLAB's form, in safetensors."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import scipy.io
import torch

from model.descriptors.netvlad import MEAN_PIXEL, NetVLAD
from model.families import FAMILIES
from model.publication import Address, Hosts
from model.published_weights import PUBLISHED, catalogue
from model.weights import describe_weights, load_network
from model.weights_cache import WeightsCache, resolve_weights
from model.weights_errors import DownloadFailed, WeightsError
from model.weights_fetch import fetch_weights
from tests.golden.peers.recordings import read_recording
from tests.model.descriptors.small_networks import small_network
from tests.model.file_server import FileServer, serving

NAME = "cosplace_resnet18_512"


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    state = {name: torch.from_numpy(tensor) for name, tensor in read_recording(NAME).weights().items()}
    path = tmp_path_factory.mktemp("published") / "published.pth"
    torch.save(state, path)
    return path.read_bytes()


@pytest.fixture
def server(content: bytes) -> Iterator[FileServer]:
    with serving(content) as server:
        yield server


def test_a_network_of_others_is_fetched_by_its_name(server: FileServer, tmp_path: Path, content: bytes) -> None:
    cache = WeightsCache(tmp_path)
    fetched = fetch_weights(NAME, cache, catalogue=catalogue(Hosts(github=server.address)))
    assert server.paths == ["/gmberton/CosPlace/releases/download/v1.0/ResNet18_512_cosplace.pth"]
    assert (fetched.sha256, fetched.compared_with) == (hashlib.sha256(content).hexdigest(), "nothing")
    network = load_network(resolve_weights(NAME, cache))
    assert (network.family, network.global_dim, network.local_dim) == ("cosplace", 512, 0)


def test_patch_netvlad_is_fetched_by_its_name(tmp_path: Path) -> None:
    """With weights of zero, in the authors' layout."""
    with torch.device("meta"):
        network = FAMILIES["patchnetvlad"].make({"whitened_dim": 128}, is_trained=True)
    state = {
        name.replace("backbone.", "encoder."): torch.zeros(tensor.shape)
        for name, tensor in network.state_dict().items()
    }
    torch.save({"state_dict": state, "epoch": 1}, tmp_path / "published.pth.tar")
    with serving((tmp_path / "published.pth.tar").read_bytes()) as server:
        known = catalogue(Hosts(hugging_face=server.address))
        fetch_weights("patchnetvlad_128", WeightsCache(tmp_path), catalogue=known)
    assert server.paths == ["/TobiasRobotics/Patch-NetVLAD/resolve/main/mapillary_WPCA128.pth.tar"]
    fetched = load_network(resolve_weights("patchnetvlad_128", WeightsCache(tmp_path)))
    assert (fetched.family, fetched.global_dim, fetched.local_dim) == ("patchnetvlad", 128, 128)


def test_another_network_than_the_name_says_is_not_kept(server: FileServer, tmp_path: Path) -> None:
    known = catalogue(Hosts(github=server.address))
    with pytest.raises(DownloadFailed, match="another network than cosplace_resnet18_256: a trained network of 11,439"):
        fetch_weights("cosplace_resnet18_256", WeightsCache(tmp_path), catalogue=known)
    assert list((tmp_path / "weights").glob("cosplace*")) == []


def test_a_published_checksum_is_compared(server: FileServer, tmp_path: Path, content: bytes) -> None:
    entry = replace(PUBLISHED[NAME], ways=(Address(server.url(), "the server"),))
    right = replace(entry, sha256=hashlib.sha256(content).hexdigest())
    wrong = replace(entry, sha256="0" * 64)
    with pytest.raises(DownloadFailed, match=f"users of the file published SHA-256 {'0' * 64}, this one has"):
        fetch_weights(NAME, WeightsCache(tmp_path), catalogue={NAME: wrong})
    for is_new in (True, False):
        fetched = fetch_weights(NAME, WeightsCache(tmp_path), catalogue={NAME: right})
        assert (fetched.is_new, fetched.compared_with) == (is_new, "published")


def write_matlab(path: Path, network: NetVLAD, mean: tuple[float, ...] = MEAN_PIXEL) -> None:
    """Write a network as its authors do: a list of layers, filters as height, width, in and out."""
    state = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    layers: list[dict[str, Any]] = [{"type": "other"} for _ in range(34)]
    for number in range(29):
        if f"backbone.{number}.weight" in state:
            filters = np.transpose(state[f"backbone.{number}.weight"], (2, 3, 1, 0))
            layers[number] = {"weights": cell(filters, state[f"backbone.{number}.bias"][None])}
    layers[30] = {"weights": cell(state["pool.score_proj.weight"][:, :, 0].T, -state["pool.centers"])}
    layers[33] = {"weights": cell(state["whiten.weight"].T[None, None], state["whiten.bias"][None])}
    picture = np.broadcast_to(np.array(mean), (2, 3, 3))
    scipy.io.savemat(path, {"net": {"layers": cell(*layers), "meta": {"normalization": {"averageImage": picture}}}})


def cell(*values: Any) -> Any:
    cells = np.empty(len(values), dtype=object)
    for number, value in enumerate(values):
        cells[number] = value
    return cells


def test_the_file_of_the_authors_of_netvlad_is_read(tmp_path: Path) -> None:
    network = small_network("netvlad", origin="matlab", clusters=4, whitened_dim=8)
    assert isinstance(network, NetVLAD)
    write_matlab(tmp_path / "struct.mat", network)
    loaded = load_network(tmp_path / "struct.mat")
    assert loaded.config == network.config
    state = network.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in loaded.state_dict().items())
    assert describe_weights(tmp_path / "struct.mat").kind == "NetVLAD checkpoint in the layout of its authors"


def test_other_files_of_matlab_are_refused(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "other.mat", {"x": np.zeros(3)})
    with pytest.raises(WeightsError, match="without the network of NetVLAD"):
        load_network(tmp_path / "other.mat")
    (tmp_path / "cut.mat").write_bytes((tmp_path / "other.mat").read_bytes()[:150])
    with pytest.raises(WeightsError, match=r"is damaged .*Pitts30K_struct\.mat"):
        load_network(tmp_path / "cut.mat")
    network = small_network("netvlad", origin="matlab", clusters=4, whitened_dim=8)
    assert isinstance(network, NetVLAD)
    write_matlab(tmp_path / "mean.mat", network, (1.0, 2.0, 3.0))
    with pytest.raises(WeightsError, match=r"less the pixel \[1\.0, 2\.0, 3\.0\], and NetVLAD's is"):
        load_network(tmp_path / "mean.mat")


def test_megaloc_comes_in_safetensors(tmp_path: Path) -> None:
    network = small_network("megaloc")
    [layout] = FAMILIES["megaloc"].layouts
    state = {layout.name_in_file(name): tensor.clone() for name, tensor in network.state_dict().items()}
    assert {"aggregator.linear.weight", "aggregator.agg.dust_bin", "backbone.cls_token"} <= state.keys()
    safetensors.torch.save_file(state, tmp_path / "model.safetensors")
    loaded = load_network(tmp_path / "model.safetensors")
    assert (loaded.family, loaded.is_trained, loaded.config) == ("megaloc", True, network.config)
    own = network.state_dict()
    assert all(torch.equal(tensor, own[name]) for name, tensor in loaded.state_dict().items())
    del state["aggregator.linear.bias"]
    safetensors.torch.save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match=r"1 of \d+ tensors are missing: aggregator\.linear\.bias"):
        load_network(tmp_path / "model.safetensors")
