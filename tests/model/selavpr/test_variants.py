"""The variants of the paper's ablations are configurations of one network."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import normalize

from model.encoder import Encoder
from model.errors import InvalidInput
from model.fingerprint import fingerprint
from model.selavpr.config import VIT_LARGE, SelaVPRConfig
from model.selavpr.initialisation import begin_adaptation, seeded_network
from model.selavpr.selavpr import SelaVPR
from model.weights import load_network, save_network

TINY = SelaVPRConfig(
    embed_dim=32, depth=2, num_heads=2, mlp_dim=48, adapter_dim=8, local_hidden_dim=8, local_dim=4, position_side=5
)


def busy_network(**change: Any) -> SelaVPR:
    """Make a network in which every part has an effect; shared parts of two variants have the same weights."""
    network = seeded_network(replace(TINY, **change))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim >= 2 or name.endswith("bias"):  # norms, scales and the power are not changed
                generator = torch.Generator().manual_seed(sum(name.encode()))
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return network


IMAGES = torch.randn(2, 3, 56, 42, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kept", ["serial", "parallel"])
def test_one_adapter_is_both_with_the_other_silenced(kept: str) -> None:
    both = busy_network()
    silenced = "parallel" if kept == "serial" else "serial"
    with torch.no_grad():
        for name, parameter in both.named_parameters():
            if f".{silenced}_adapter.up." in name:
                parameter.zero_()
    one = busy_network(adapters=kept)
    assert not any(f"{silenced}_adapter" in name for name in one.state_dict())
    with torch.inference_mode():
        expected, actual = both(IMAGES), one(IMAGES)
    torch.testing.assert_close(actual.global_features, expected.global_features)
    torch.testing.assert_close(actual.local_features, expected.local_features)


def test_no_adapters_is_the_backbone() -> None:
    without, silent = busy_network(adapters="none"), busy_network()
    begin_adaptation(silent)
    with torch.inference_mode():
        torch.testing.assert_close(without(IMAGES).global_features, silent(IMAGES).global_features)
        assert not torch.allclose(without(IMAGES).global_features, busy_network()(IMAGES).global_features)


def test_the_class_token_can_be_the_global_feature() -> None:
    network = busy_network(global_pooling="class_token")
    with torch.inference_mode():
        expected = normalize(busy_network().backbone(IMAGES).class_token, dim=-1)
        torch.testing.assert_close(network(IMAGES).global_features, expected)
    assert not any(name.startswith("pooling") for name in network.state_dict())


def test_coarse_local_features_are_the_patch_tokens() -> None:
    network = busy_network(local_features="coarse")
    with torch.inference_mode():
        features = network(IMAGES)
        expected = normalize(busy_network().backbone(IMAGES).patch_tokens, dim=-1)
    assert features.local_grid == (4, 3)
    torch.testing.assert_close(features.local_features, expected)
    encoder = Encoder(network)
    assert (encoder.local_grid, encoder.local_dim) == ((16, 16), 32)


def test_a_network_can_have_only_a_global_feature() -> None:
    network = busy_network(local_features="none")
    with torch.inference_mode():
        features = network(IMAGES)
        torch.testing.assert_close(features.global_features, busy_network()(IMAGES).global_features)
    assert features.local_grid == (0, 0)
    assert features.local_features.shape == (2, 0, 0)


@pytest.mark.parametrize(
    "change",
    [{"adapters": "serial"}, {"adapters": "none"}, {"global_pooling": "class_token"}, {"local_features": "coarse"}],
)
def test_a_variant_survives_its_file(change: dict[str, Any], tmp_path: Path) -> None:
    network = busy_network(**change)
    save_network(network, tmp_path / "variant.safetensors")
    loaded = load_network(tmp_path / "variant.safetensors")
    assert loaded.config == network.config
    assert fingerprint(loaded) == fingerprint(network)


def test_each_variant_of_a_network_has_its_own_fingerprint() -> None:
    """Coarse and dense tokens, or GeM and class token, could share all tensors: the configuration tells them apart."""
    variants = [
        replace(TINY, adapters="none", local_features=local, global_pooling=pooling)
        for local in ("coarse", "none")
        for pooling in ("gem", "class_token")
    ]
    assert len({fingerprint(seeded_network(config)) for config in variants}) == len(variants)


@pytest.mark.parametrize(
    ("change", "trainable"),
    [
        ({}, 50_405_376),
        ({"adapters": "serial"}, 25_202_688),
        ({"adapters": "parallel"}, 25_202_688),
        ({"adapters": "none"}, 0),
        ({"adapter_dim": 256}, 25_227_264),
    ],
)
def test_the_adapters_of_vit_large_have_their_size(change: dict[str, Any], trainable: int) -> None:
    with torch.device("meta"):
        network = SelaVPR(replace(VIT_LARGE, **change), is_trained=False)
    assert sum(p.numel() for name, p in network.named_parameters() if "_adapter." in name) == trainable


@pytest.mark.parametrize("name", ["adapters", "global_pooling", "local_features"])
def test_an_unknown_variant_is_refused_with_those_that_are_known(name: str) -> None:
    with pytest.raises(InvalidInput, match=rf"{name} = 'sparse' is not one of \w+, \w+"):
        SelaVPRConfig.from_dict(TINY.to_dict() | {name: "sparse"})
