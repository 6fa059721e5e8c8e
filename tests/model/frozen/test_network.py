"""The whole frozen network gives the features of the network, in every precision."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from model.encoder import Encoder
from model.features import Features
from model.images import open_image
from model.network_precision import NetworkPrecision
from model.preprocess import preprocess
from model.selavpr.config import VIT_LARGE
from model.selavpr.selavpr import SelaVPR
from model.weights import load_selavpr
from tests.model.frozen.busy_network import BUSY_CONFIG, busy_network, pictures

DEMO = Path(__file__).parents[3] / "demo" / "town"
# Between global features in a rounded precision and float32, and on average between local ones.
LEAST_COSINES: dict[NetworkPrecision, tuple[float, float]] = {"bfloat16": (0.9995, 0.9995), "int8": (0.999, 0.995)}
ROUNDED = pytest.mark.parametrize("precision", LEAST_COSINES)


@torch.inference_mode()
def plain(network: SelaVPR, images: Tensor) -> Features:
    features: Features = network(images)
    return features


def cosines(some: Tensor, others: Tensor) -> Tensor:
    return torch.nn.functional.cosine_similarity(some.double(), others.double(), dim=-1)


@pytest.mark.parametrize(
    "variant",
    [
        {},
        {"num_register_tokens": 0},
        {"adapters": "none"},
        {"adapters": "serial"},
        {"adapters": "parallel"},
        {"global_pooling": "class_token"},
        {"local_features": "coarse"},
        {"local_features": "none"},
        {"position_side": 16},
    ],
    ids=str,
)
def test_every_variant_is_encoded(variant: dict[str, Any]) -> None:
    network = busy_network(replace(BUSY_CONFIG, **variant))
    images = pictures(2)
    expected = plain(network, images)
    exact = Encoder(network).encode(images)
    assert exact.local_grid == expected.local_grid
    torch.testing.assert_close(exact.global_features, expected.global_features, atol=2e-6, rtol=0)
    torch.testing.assert_close(exact.local_features, expected.local_features, atol=1e-5, rtol=0)
    for precision, (least, _) in LEAST_COSINES.items():
        rounded = Encoder(network, precision=precision).encode(images)
        assert rounded.global_features.dtype == rounded.local_features.dtype == torch.float32
        assert cosines(rounded.global_features, expected.global_features).min() >= least
        assert not torch.equal(rounded.global_features, exact.global_features)


@ROUNDED
def test_the_width_of_vit_large(precision: NetworkPrecision) -> None:
    network = busy_network(replace(VIT_LARGE, depth=2))
    images = pictures(2)
    expected = plain(network, images)
    actual = Encoder(network, precision=precision).encode(images)
    least, least_local = LEAST_COSINES[precision]
    assert cosines(actual.global_features, expected.global_features).min() >= least
    assert cosines(actual.local_features, expected.local_features).mean() >= least_local


def test_the_demos_network_on_its_own_pictures() -> None:
    files = sorted((DEMO / "pictures" / "database").glob("*.jpg"))[::20]
    assert files
    images = torch.stack([preprocess(open_image(file)) for file in files])
    network = load_selavpr(DEMO / "weights.safetensors")
    expected = plain(network, images)
    exact = Encoder(network).encode(images)
    torch.testing.assert_close(exact.global_features, expected.global_features, atol=2e-6, rtol=0)
    torch.testing.assert_close(exact.local_features, expected.local_features, atol=1e-5, rtol=0)
    for precision, (least, least_local) in LEAST_COSINES.items():
        rounded = Encoder(network, precision=precision).encode(images)
        assert cosines(rounded.global_features, expected.global_features).min() >= least
        # Cells of a flat surface have short vectors before the normalisation, and lose more than others.
        assert cosines(rounded.local_features, expected.local_features).mean() >= least_local


def test_large_channels_do_not_spoil_the_others_in_int8() -> None:
    files = sorted((DEMO / "pictures" / "database").glob("*.jpg"))[::40]
    images = torch.stack([preprocess(open_image(file)) for file in files])
    network = load_selavpr(DEMO / "weights.safetensors")
    with torch.no_grad():
        typical = network.backbone.embed(images, (16, 16)).square().mean().sqrt()
        network.backbone.pos_embed[:, :, 50:52] += 30 * typical
        network.backbone.pos_embed[:, [0, 5, 77], 100] += 100 * typical  # in a few tokens alone
    expected, rounded = Encoder(network).encode(images), Encoder(network, precision="int8").encode(images)
    least, least_local = LEAST_COSINES["int8"]
    assert cosines(rounded.global_features, expected.global_features).min() >= least
    assert cosines(rounded.local_features, expected.local_features).mean() >= least_local
