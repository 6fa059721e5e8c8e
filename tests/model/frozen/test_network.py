"""The whole frozen network gives the features of the network, in both precisions."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from model.encoder import Encoder
from model.features import Features
from model.images import open_image
from model.preprocess import preprocess
from model.selavpr.config import VIT_LARGE
from model.selavpr.selavpr import SelaVPR
from model.weights import load_selavpr
from tests.model.frozen.busy_network import BUSY_CONFIG, busy_network, pictures

DEMO = Path(__file__).parents[3] / "demo" / "town"
LEAST_COSINE = 0.9995  # between global features in bfloat16 and float32


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
    rounded = Encoder(network, precision="bfloat16").encode(images)
    assert rounded.global_features.dtype == rounded.local_features.dtype == torch.float32
    assert cosines(rounded.global_features, expected.global_features).min() >= LEAST_COSINE
    assert not torch.equal(rounded.global_features, exact.global_features)


def test_the_width_of_vit_large_in_bfloat16() -> None:
    network = busy_network(replace(VIT_LARGE, depth=2))
    images = pictures(2)
    expected = plain(network, images)
    actual = Encoder(network, precision="bfloat16").encode(images)
    assert cosines(actual.global_features, expected.global_features).min() >= LEAST_COSINE
    assert cosines(actual.local_features, expected.local_features).mean() >= LEAST_COSINE


def test_the_demos_network_on_its_own_pictures() -> None:
    files = sorted((DEMO / "pictures" / "database").glob("*.jpg"))[::20]
    assert files
    images = torch.stack([preprocess(open_image(file)) for file in files])
    network = load_selavpr(DEMO / "weights.safetensors")
    expected = plain(network, images)
    exact = Encoder(network).encode(images)
    torch.testing.assert_close(exact.global_features, expected.global_features, atol=2e-6, rtol=0)
    torch.testing.assert_close(exact.local_features, expected.local_features, atol=1e-5, rtol=0)
    rounded = Encoder(network, precision="bfloat16").encode(images)
    assert cosines(rounded.global_features, expected.global_features).min() >= LEAST_COSINE
    # Cells of a flat surface have short vectors before the normalisation, and lose more than others.
    assert cosines(rounded.local_features, expected.local_features).mean() >= LEAST_COSINE
