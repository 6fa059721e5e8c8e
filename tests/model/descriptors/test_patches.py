"""DINOv2's patches as local features: off by default, and what they are where they are on."""

from pathlib import Path

import pytest
import torch

from model.descriptors.patches import MATCH_FLOOR
from model.encoder import Encoder
from model.errors import InvalidInput
from model.weights import load_network, save_network
from model.weights_cache import WeightsCache
from model.weights_import import import_weights
from tests.model.descriptors.small_networks import small_descriptor

OVER_DINOV2 = ("salad", "megaloc", "boq")


@pytest.mark.parametrize("family", OVER_DINOV2)
def test_patches_are_the_tokens_of_the_backbone(family: str) -> None:
    network, plain = small_descriptor(family, local_features="patches"), small_descriptor(family)
    images = torch.randn(2, 3, 42, 56, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        features, tokens = network(images), network.backbone(images).patch_tokens
        expected = plain(images)
    assert features.local_grid == network.local_grid((42, 56)) == (3, 4)
    assert features.local_features.shape == (2, 12, network.local_dim)
    torch.testing.assert_close(features.local_features, tokens / tokens.norm(dim=-1, keepdim=True))
    assert torch.equal(features.global_features, expected.global_features)
    assert (plain.local_dim, plain.match_floor, expected.local_grid) == (0, None, (0, 0))
    assert network.match_floor == MATCH_FLOOR
    encoder = Encoder(network, preparation=network.preparation(size=(42, 56)))
    assert (encoder.local_grid, encoder.local_dim, encoder.match_floor) == ((3, 4), network.local_dim, MATCH_FLOOR)
    torch.testing.assert_close(encoder.encode(images).local_features, features.local_features, atol=2e-5, rtol=0)


def test_boq_over_resnet_has_none() -> None:
    with pytest.raises(InvalidInput, match="needs DINOv2, and this is resnet50"):
        small_descriptor("boq", backbone="resnet50", local_features="patches")


def test_an_import_turns_them_on(tmp_path: Path) -> None:
    network = small_descriptor("salad")
    save_network(network, tmp_path / "salad.safetensors")
    cache = WeightsCache(tmp_path / "cache")
    imported = import_weights(tmp_path / "salad.safetensors", cache, name="salad_patches", patches=True)
    loaded = load_network(imported.path)
    assert loaded.config.to_dict() == network.config.to_dict() | {"local_features": "patches"}
    assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in loaded.state_dict().items())
    assert loaded.facts()[-1] == ("features", f"global {network.global_dim}; local 23 × 23 of 384")


def test_a_network_without_patches_is_refused(tmp_path: Path) -> None:
    save_network(small_descriptor("gem"), tmp_path / "gem.safetensors")
    with pytest.raises(InvalidInput, match="family gem has no local features to add"):
        import_weights(tmp_path / "gem.safetensors", WeightsCache(tmp_path / "cache"), patches=True)
