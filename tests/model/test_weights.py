"""Checkpoints in every layout become the same network, and survive a round trip."""

import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.fingerprint import fingerprint
from model.selavpr.config import VIT_LARGE, SelaVPRConfig
from model.selavpr.initialisation import seeded_network
from model.selavpr.selavpr import SelaVPR
from model.weight_files.weight_file import Layout
from model.weights import describe_weights, load_selavpr, save_network
from model.weights_errors import WeightsError
from tests.golden.recordings import RELEASED, cut_layer, read_arrays, write_checkpoint
from tests.model.weight_file_factory import (
    TINY,
    backbone_state,
    random_network,
    reference_state,
    renamed,
    same_weights,
    write_reference,
)


@pytest.mark.parametrize("name", ["tiny224", "tiny224reg4"])
def test_reference_checkpoints_give_the_reference_features(tmp_path: Path, name: str) -> None:
    network = load_selavpr(write_checkpoint(name, tmp_path), num_heads=4)
    recorded = read_arrays(f"{name}_io")
    with torch.inference_mode():
        features = network(torch.from_numpy(recorded["input"]))
    np.testing.assert_allclose(features.global_features.numpy(), recorded["global"], rtol=0, atol=2e-6)
    local = cut_layer("local", features.local_features.unflatten(1, features.local_grid).numpy())
    np.testing.assert_allclose(local, recorded["local"], rtol=0, atol=2e-6)


def test_a_released_checkpoint_with_numpy_1_extras_is_the_same_network(tmp_path: Path) -> None:
    released = describe_weights(RELEASED, num_heads=4)
    plain = describe_weights(write_checkpoint("tiny224", tmp_path), num_heads=4)
    assert released.fingerprint == plain.fingerprint
    assert released.training.epoch == 3
    assert released.training.recalls_percent == pytest.approx((90.8, 96.4, 97.2, 98.0))
    assert released.training.best_recall_at_5_percent == pytest.approx(96.4)


def test_extras_of_the_installed_numpy_are_read(tmp_path: Path) -> None:
    path = write_reference(
        tmp_path / "a.pth",
        random_network(),
        epoch_num=7,
        recalls=np.array([50.0, 60.5, 70.0, 80.0], dtype=">f4"),
        best_r5=np.float64(61.25),
        not_improved_num=np.int64(2),
        optimizer_state_dict={"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1e-5}]},
    )
    training = describe_weights(path, num_heads=4).training
    assert training.epoch == 7
    assert training.recalls_percent == (50.0, 60.5, 70.0, 80.0)
    assert training.best_recall_at_5_percent == 61.25
    assert training.epochs_without_improvement == 2


def test_extras_that_are_no_numbers_do_not_keep_the_weights_from_loading(tmp_path: Path) -> None:
    extras: dict[str, Any] = {
        "recalls": np.array([None, "x"], dtype=object),
        "best_r5": np.array("text"),
        "epoch_num": "last",
    }
    description = describe_weights(write_reference(tmp_path / "a.pth", random_network(), **extras), num_heads=4)
    assert description.training.recalls_percent is None
    assert description.training.best_recall_at_5_percent is None
    assert description.training.epoch is None


@pytest.mark.parametrize(
    "layout", ["with prefix", "without prefix", "old up-convolutions", "bare", "legacy format", "half precision"]
)
def test_every_spelling_of_a_checkpoint_is_the_same_network(tmp_path: Path, layout: str) -> None:
    network = random_network()
    state = reference_state(network)
    path = tmp_path / "a.pth"
    match layout:
        case "with prefix":
            torch.save({"model_state_dict": state}, path)
        case "without prefix":
            torch.save({"model_state_dict": reference_state(network, prefix="")}, path)
        case "old up-convolutions":
            old = renamed(renamed(state, "LocalAdapt.upconv1", "upconv"), "LocalAdapt.upconv2", "upconv2")
            assert "module.upconv.weight" in old
            torch.save({"model_state_dict": old}, path)
        case "bare":
            torch.save(state, path)
        case "legacy format":
            torch.save({"model_state_dict": state}, path, _use_new_zipfile_serialization=False)
        case "half precision":
            network.half().float()
            torch.save({name: tensor.half() for name, tensor in reference_state(network).items()}, path)
    loaded = load_selavpr(path, num_heads=4)
    assert same_weights(loaded, network)
    assert loaded.config == TINY
    assert loaded.is_trained
    assert not loaded.training
    assert fingerprint(loaded) == fingerprint(network)


@pytest.mark.parametrize(
    "config",
    [
        replace(TINY, num_register_tokens=4),
        replace(
            TINY, embed_dim=128, num_heads=2, depth=3, mlp_dim=96, adapter_dim=16, local_hidden_dim=24, local_dim=8
        ),
        replace(TINY, position_side=1, patch_size=7),
    ],
)
def test_the_shape_is_read_from_the_tensors(tmp_path: Path, config: SelaVPRConfig) -> None:
    network = random_network(config)
    loaded = load_selavpr(write_reference(tmp_path / "a.pth", network), num_heads=config.num_heads)
    assert loaded.config == config
    assert same_weights(loaded, network)


def test_heads_are_one_for_every_64_channels_unless_given(tmp_path: Path) -> None:
    path = write_reference(tmp_path / "a.pth", random_network(replace(TINY, embed_dim=192, num_heads=3)))
    assert load_selavpr(path).config.num_heads == 3
    assert load_selavpr(path, num_heads=6).config.num_heads == 6


@pytest.mark.parametrize("registers", [0, 4])
def test_a_dinov2_backbone_becomes_an_untrained_network_that_equals_it(tmp_path: Path, registers: int) -> None:
    config = replace(TINY, num_register_tokens=registers)
    network = seeded_network(config, seed=3)
    torch.save(backbone_state(network), tmp_path / "dinov2.pth")
    loaded = load_selavpr(tmp_path / "dinov2.pth", num_heads=4)
    assert not loaded.is_trained
    assert loaded.config == replace(config, adapter_dim=32, local_hidden_dim=256, local_dim=128)
    images = torch.randn(1, 3, 28, 42, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        ours, bare = loaded(images), network(images)  # the adapters of a seeded network are the identity, too
    torch.testing.assert_close(ours.global_features, bare.global_features, rtol=0, atol=0)
    assert loaded.pooling is not None
    assert loaded.pooling.p.item() == 3.0
    lengths = ours.local_features.norm(dim=-1)
    torch.testing.assert_close(lengths, torch.ones_like(lengths))


def test_a_dinov2_backbone_is_the_same_network_every_time(tmp_path: Path) -> None:
    torch.save(backbone_state(random_network()), tmp_path / "dinov2.pth")
    first, second = (fingerprint(load_selavpr(tmp_path / "dinov2.pth", num_heads=4)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("is_trained", [True, False])
def test_our_own_file_gives_back_the_network_with_its_heads(tmp_path: Path, is_trained: bool) -> None:
    network = random_network(replace(TINY, num_register_tokens=2))
    network.is_trained = is_trained
    save_network(network, tmp_path / "new" / "a.safetensors")
    loaded = load_selavpr(str(tmp_path / "new" / "a.safetensors"))
    assert same_weights(loaded, network)
    assert loaded.config == network.config
    assert loaded.is_trained is is_trained
    assert fingerprint(loaded) == fingerprint(network)
    assert load_selavpr(tmp_path / "new" / "a.safetensors", num_heads=4).config.num_heads == 4


def test_converting_keeps_the_fingerprint(tmp_path: Path) -> None:
    original = write_reference(tmp_path / "a.pth", random_network())
    save_network(load_selavpr(original, num_heads=4), tmp_path / "a.safetensors")
    converted = describe_weights(tmp_path / "a.safetensors")
    assert converted.fingerprint == describe_weights(original, num_heads=4).fingerprint
    assert converted.kind == Layout.PLACEFIX


def test_half_precision_rounds_the_weights_and_states_the_rounded_fingerprint(tmp_path: Path) -> None:
    network = random_network()
    save_network(network, tmp_path / "full.safetensors")
    save_network(network, tmp_path / "half.safetensors", dtype="float16")
    loaded = load_selavpr(tmp_path / "half.safetensors")
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    assert same_weights(loaded, network.half().float())
    assert describe_weights(tmp_path / "half.safetensors").stored_as == "float16"
    assert (tmp_path / "half.safetensors").stat().st_size < 0.6 * (tmp_path / "full.safetensors").stat().st_size


def test_a_weight_beyond_half_precision_is_not_written(tmp_path: Path) -> None:
    network = random_network()
    with torch.no_grad():
        network.backbone.norm.weight[5] = 1e6
    with pytest.raises(WeightsError, match=r"backbone\.norm\.weight .*float16"):
        save_network(network, tmp_path / "a.safetensors", dtype="float16")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_the_network_does_not_depend_on_its_file_any_more(tmp_path: Path, suffix: str) -> None:
    network = random_network()
    path = tmp_path / f"a{suffix}"
    if suffix == ".pth":
        write_reference(path, network)
    else:
        save_network(network, path)
    loaded = load_selavpr(path, num_heads=4)
    with path.open("r+b") as file:  # in place: a mapped page would change with it
        file.write(b"\xff" * path.stat().st_size)
    path.unlink()
    assert same_weights(loaded, network)
    assert all(parameter.is_contiguous() for parameter in loaded.parameters())


def test_writing_replaces_a_file_in_one_step_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    networks = [random_network(seed=1), random_network(seed=2)]
    save_network(networks[0], path)
    wanted = {fingerprint(network) for network in networks}
    seen, done = set(), threading.Event()

    def read_again_and_again() -> None:
        while not done.is_set():
            seen.add(fingerprint(load_selavpr(path)))

    reader = threading.Thread(target=read_again_and_again)
    reader.start()
    for turn in range(20):
        save_network(networks[turn % 2], path)
    done.set()
    reader.join()
    assert seen <= wanted
    assert seen
    assert os.listdir(tmp_path) == ["a.safetensors"]  # noqa: PTH208


def test_a_written_file_may_be_read_by_whom_the_umask_allows(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    save_network(random_network(), tmp_path / "a.safetensors")
    assert (tmp_path / "a.safetensors").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_writing_where_nothing_can_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match="cannot be written"):
        save_network(random_network(), tmp_path / "file" / "a.safetensors")


def test_a_description_counts_the_parameters_of_each_part(tmp_path: Path) -> None:
    network = random_network()
    path = write_reference(tmp_path / "a.pth", network)
    description = describe_weights(path, num_heads=4)
    assert description.kind == Layout.SELAVPR
    assert description.size_bytes == path.stat().st_size
    assert sum(description.parameters.values()) == sum(parameter.numel() for parameter in network.parameters())
    assert description.parameters["local adaptation"] == 64 * 32 * 9 + 32 + 32 * 16 * 9 + 16
    assert description.parameters["adapters"] == 2 * 2 * (2 * 64 * 32 + 64 + 32)
    assert description.parameters["pooling"] == 1


def test_vit_large_has_the_parameters_of_the_paper() -> None:
    with torch.device("meta"):
        network = SelaVPR(VIT_LARGE, is_trained=True)
    assert sum(parameter.numel() for parameter in network.parameters()) == 357_428_609
    assert len(network.state_dict()) == 540


def test_equal_networks_give_equal_files(tiny_network: SelaVPR, tmp_path: Path) -> None:
    for number in range(8):
        save_network(seeded_network(tiny_network.config, seed=1), tmp_path / f"{number}.safetensors")
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1
