"""The maps that are drawn are those that are matched."""

import pytest
import torch

from model.cell_grid import CellGrid
from model.encoder import Encoder
from model.selavpr.selavpr import SelaVPR
from placefix.drawings.feature_maps import FeatureKind, feature_map


def test_the_maps_are_what_the_encoder_matches(tiny_network: SelaVPR, tiny_encoder: Encoder) -> None:
    image = torch.randn(3, 224, 224, generator=torch.Generator().manual_seed(1))
    dense = feature_map(tiny_network, image, FeatureKind.DENSE)
    assert dense.grid == CellGrid((29, 29), (8, 8))
    torch.testing.assert_close(dense.local_features, tiny_encoder.encode(image[None]).local_features[0])
    coarse = feature_map(tiny_network, image, FeatureKind.COARSE)
    assert coarse.grid == CellGrid((8, 8), (8, 8))
    assert coarse.values.shape == (64, tiny_encoder.global_dim)
    assert coarse.local_features.norm(dim=1).tolist() == pytest.approx([1.0] * 64)
