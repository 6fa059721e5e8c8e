"""Files of SuperPoint and SuperGlue: recognised by their names, and loaded completely or refused with wrong names."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from model.keypoints.layouts import LAYOUTS
from model.keypoints.network import KeypointNetwork, KeypointParts
from model.keypoints.superglue import Layer
from model.publication import Hosts
from model.published_weights import PUBLISHED, catalogue
from model.weight_files.description import count_parameters
from model.weights import load_keypoint_parts, load_network, save_network
from model.weights_cache import WeightsCache, resolve_weights
from model.weights_errors import DownloadFailed, WeightsError
from model.weights_fetch import fetch_weights
from model.weights_import import KeypointFiles, import_weights
from tests.commands import RunCommand
from tests.golden.peers.formula import make_tensor
from tests.golden.peers.recordings import read_recording
from tests.golden.peers.select_recordings import KEYPOINTS
from tests.model.descriptors.small_networks import small_network
from tests.model.file_server import serving

TRANSFORMERS, SUPERGLUE, SUPERPOINT = LAYOUTS


def small_state() -> dict[str, Tensor]:
    """Return the tensors of both with one layer of SuperGlue, in the layout of transformers."""
    tensors = [each for each in read_recording(KEYPOINTS).tensors if not each[0].startswith("gnn.layers.")]
    tensors += [each for each in read_recording(KEYPOINTS).tensors if each[0].startswith("gnn.layers.0.")]
    return {name: torch.from_numpy(make_tensor(name, shape, init)) for name, shape, init in tensors}


def write_magic_leap(folder: Path, whole: KeypointParts) -> tuple[Path, Path]:
    """Write the files of SuperGlue and of SuperPoint as Magic Leap does: channel = place in the head · 4 + head."""
    superglue: dict[str, Tensor] = {}
    superpoint: dict[str, Tensor] = {}
    for name, tensor in whole.state_dict().items():
        if name.startswith("detector."):
            superpoint[SUPERPOINT.name_in_file(name)] = tensor.clone()
            continue
        turned = tensor
        if name.split(".")[-2] in ("query", "key", "value"):
            turned = torch.cat([tensor[place::64] for place in range(64)])
        if name.endswith("merge.weight"):
            turned = torch.cat([tensor[:, place::64] for place in range(64)], dim=1)
        superglue[SUPERGLUE.name_in_file(name)] = turned[:, :, None].clone() if turned.ndim == 2 else turned.clone()
    counted = [name for name in superglue if name.endswith(".running_mean")]
    superglue |= {name.replace("running_mean", "num_batches_tracked"): torch.tensor(7) for name in counted}
    torch.save(superglue, folder / "superglue_outdoor.pth")
    torch.save(superpoint, folder / "superpoint_v1.pth")
    return folder / "superglue_outdoor.pth", folder / "superpoint_v1.pth"


@pytest.fixture
def transformers(tmp_path: Path) -> Path:
    torch.save(small_state(), tmp_path / "superglue.pth")
    return tmp_path / "superglue.pth"


def test_the_files_of_magic_leap_hold_the_networks_of_the_file_of_transformers(
    transformers: Path, tmp_path: Path
) -> None:
    expected = load_keypoint_parts(transformers)
    files = write_magic_leap(tmp_path, expected)
    names = torch.load(files[0]).keys() | torch.load(files[1]).keys()
    assert {"kenc.encoder.0.weight", "kenc.encoder.10.running_var", "kenc.encoder.12.bias"} < names
    assert {"gnn.layers.0.attn.proj.2.bias", "gnn.layers.0.attn.merge.weight", "gnn.layers.0.mlp.3.weight"} < names
    assert {"bin_score", "final_proj.weight", "conv1a.weight", "conv4b.bias", "convPb.weight", "convDa.bias"} < names
    for order in (files, files[::-1]):
        loaded = load_keypoint_parts(*order).state_dict()
        assert loaded.keys() == expected.state_dict().keys()
        assert all(torch.equal(loaded[name], tensor) for name, tensor in expected.state_dict().items())


def test_channels_of_a_head_take_turns_in_the_file_of_magic_leap(transformers: Path, tmp_path: Path) -> None:
    """Attention is computed of the tensors of the file with their order of channels, and by the loaded layer."""
    parts = load_keypoint_parts(transformers)
    state = torch.load(write_magic_leap(tmp_path, parts)[0])
    features, others = torch.randn(2, 5, 256, generator=torch.Generator().manual_seed(3)).unbind()
    projected = []
    for number, source in enumerate((features, others, others)):
        weight, bias = (state[f"gnn.layers.0.attn.proj.{number}.{each}"] for each in ("weight", "bias"))
        projected.append((source @ weight[:, :, 0].T + bias).view(-1, 64, 4))
    shares = (torch.einsum("ndh,mdh->hnm", projected[0], projected[1]) / 8).softmax(dim=-1)
    attended = torch.einsum("hnm,mdh->ndh", shares, projected[2]).reshape(-1, 256)
    merged = attended @ state["gnn.layers.0.attn.merge.weight"][:, :, 0].T + state["gnn.layers.0.attn.merge.bias"]
    layer = parts.matcher.layers[0]
    assert isinstance(layer, Layer)
    with torch.inference_mode():
        expected = features + layer.mlp(torch.cat((features, merged), dim=1))
        torch.testing.assert_close(layer(features, others), expected, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("gnn.layers.0.attention.self.key.bias", None, r"missing: gnn\.layers\.0\.attention\.self\.key\.bias"),
        ("gnn.layers.0.gate.bias", torch.zeros(3), r"1 tensor too many: gnn\.layers\.0\.gate\.bias"),
        ("bin_score", torch.zeros(1), r"bin_score is \(1,\), expected \(\)"),
        ("bin_score", torch.tensor(torch.nan), "NaN or infinity in 1 tensor: bin_score"),
    ],
)
def test_a_file_of_transformers_that_does_not_fit_is_refused_by_name(
    name: str, tensor: Tensor | None, message: str, tmp_path: Path
) -> None:
    changed = {each: value for each, value in small_state().items() if each != name}
    torch.save(changed if tensor is None else changed | {name: tensor}, tmp_path / "changed.pth")
    with pytest.raises(WeightsError, match=message):
        load_keypoint_parts(tmp_path / "changed.pth")


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("gnn.layers.0.attn.proj.1.bias", None, r"missing: gnn\.layers\.0\.attn\.proj\.1\.bias"),
        ("kenc.encoder.4.running_var", None, r"missing: kenc\.encoder\.4\.running_var"),
        ("kenc.encoder.13.weight", torch.zeros(3), r"1 tensor too many: kenc\.encoder\.13\.weight"),
        ("final_proj.weight", torch.zeros(256, 255, 1), r"final_proj\.weight is \(256, 255\), expected \(256, 256\)"),
        (
            "gnn.layers.0.attn.merge.weight",
            torch.zeros(256, 6, 1),
            r"merge\.weight is \(256, 6\), expected \(256, 256\)",
        ),
        ("convPb.bias", None, r"1 of 24 tensors are missing: convPb\.bias"),
        ("conv1a.weight", torch.zeros(64, 3, 3, 3), r"conv1a\.weight is \(64, 3, 3, 3\), expected \(64, 1, 3, 3\)"),
        ("convE.weight", torch.zeros(1), r"1 tensor too many: convE\.weight"),
    ],
)
def test_a_file_of_magic_leap_that_does_not_fit_is_refused_by_name(
    name: str, tensor: Tensor | None, message: str, transformers: Path, tmp_path: Path
) -> None:
    files = write_magic_leap(tmp_path, load_keypoint_parts(transformers))
    file = files[name.startswith("conv")]
    changed = {each: value for each, value in torch.load(file).items() if each != name}
    torch.save(changed if tensor is None else changed | {name: tensor}, file)
    with pytest.raises(WeightsError, match=message):
        load_keypoint_parts(*files)


def test_one_file_of_each_is_needed(transformers: Path, tmp_path: Path) -> None:
    superglue, superpoint = write_magic_leap(tmp_path, load_keypoint_parts(transformers))
    with pytest.raises(WeightsError, match="SuperGlue checkpoint of Magic Leap without SuperPoint: give the file"):
        load_keypoint_parts(superglue)
    with pytest.raises(WeightsError, match="SuperPoint checkpoint of Magic Leap without SuperGlue: give the file"):
        load_keypoint_parts(superpoint)
    with pytest.raises(WeightsError, match=r"superpoint_v1\.pth is a second file of the same network"):
        load_keypoint_parts(transformers, superpoint)


def test_neither_is_a_network_that_finds_pictures(transformers: Path, tmp_path: Path) -> None:
    superglue, superpoint = write_magic_leap(tmp_path, load_keypoint_parts(transformers))
    for file in (transformers, superglue, superpoint):
        with pytest.raises(WeightsError, match=r"no features to find pictures by; put it behind .*--finder"):
            load_network(file)
    save_network(small_network("gem"), tmp_path / "gem.safetensors")
    save_network(small_network("superglue"), tmp_path / "whole.safetensors")
    for name in ("gem", "whole"):
        with pytest.raises(WeightsError, match="this needs SuperPoint and SuperGlue"):
            load_keypoint_parts(tmp_path / f"{name}.safetensors")


def test_they_are_put_behind_a_network_that_finds_pictures(transformers: Path, tmp_path: Path) -> None:
    expected = load_keypoint_parts(transformers)
    superglue, superpoint = write_magic_leap(tmp_path, expected)
    save_network(small_network("gem"), tmp_path / "gem.safetensors")
    cache, files = WeightsCache(tmp_path), KeypointFiles(tmp_path / "gem.safetensors", superpoint)
    imported = import_weights(superglue, cache, name="gem_superglue", keypoints=files)
    loaded = load_network(resolve_weights("gem_superglue", cache))
    assert isinstance(loaded, KeypointNetwork)
    assert (loaded.family, loaded.finder.family, loaded.global_dim) == ("superglue", "gem", 16)
    assert imported.is_new
    assert loaded.config.to_dict()["layers"] == 1
    own = loaded.parts.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in expected.state_dict().items())
    assert set(count_parameters(loaded)) == {"backbone", "aggregation", "detector", "matcher"}
    assert not import_weights(superglue, cache, name="gem_superglue", keypoints=files).is_new


def test_a_command_puts_them_behind_a_network(command: RunCommand, transformers: Path, tmp_path: Path) -> None:
    superglue, superpoint = write_magic_leap(tmp_path, load_keypoint_parts(transformers))
    save_network(small_network("gem"), tmp_path / "gem.safetensors")
    here = ("--cache", tmp_path / "cache")
    refused = command("weights", "import", superglue, "--superpoint", superpoint, *here)
    assert refused.returncode == 1
    assert "name the network that finds pictures, too, with --finder" in " ".join(refused.stderr.split())
    arguments = ("--superpoint", superpoint, "--finder", tmp_path / "gem.safetensors")
    done = command("weights", "import", superglue, *arguments, *here)
    assert done.returncode == 0, done.stderr
    loaded = load_network(resolve_weights("gem_superglue_outdoor", WeightsCache(tmp_path / "cache")))
    assert (loaded.family, loaded.global_dim) == ("superglue", 16)


def test_published_files_are_fetched_by_name_and_are_for_research_only(tmp_path: Path) -> None:
    whole = KeypointParts()
    superglue, superpoint = write_magic_leap(tmp_path, whole)
    folder = "/magicleap/SuperGluePretrainedNetwork/raw/ddcf11f42e7e0732a0c4607648f9448ea8d73590/models/weights"
    cache = WeightsCache(tmp_path / "cache")
    for name, file, part in (
        ("superpoint", superpoint, whole.detector),
        ("superglue_outdoor", superglue, whole.matcher),
    ):
        assert PUBLISHED[name].parameters == sum(each.numel() for each in part.parameters())
        with serving(file.read_bytes()) as server:
            known = catalogue(Hosts(github=server.address))
            fetch_weights(name, cache, catalogue=known)
            if name == "superpoint":
                with pytest.raises(DownloadFailed, match=r"another network than superglue_indoor: .* 1,300,865"):
                    fetch_weights("superglue_indoor", cache, catalogue=known)
        assert server.paths[0] == f"{folder}/{file.name}"
    load_keypoint_parts(resolve_weights("superglue_outdoor", cache), resolve_weights("superpoint", cache))
    licences = {PUBLISHED[name].licence for name in ("superpoint", "superglue_outdoor", "superglue_indoor")}
    assert licences == {"non-commercial research only"}
