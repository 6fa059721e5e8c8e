"""The maps that are drawn are those that are matched."""

import pytest
import torch

from model.cell_grid import CellGrid
from model.encoder import Encoder
from model.families import FAMILIES
from model.selavpr.selavpr import SelaVPR
from placefix.drawings.feature_maps import FeatureKind, feature_map
from placefix.drawings.heatmap import Heat
from tests.model.descriptors.small_networks import small_network, small_size


def test_the_maps_are_what_the_encoder_matches(tiny_network: SelaVPR, tiny_encoder: Encoder) -> None:
    image = torch.randn(3, 224, 224, generator=torch.Generator().manual_seed(1))
    dense = feature_map(tiny_network, image, FeatureKind.DENSE)
    assert dense.grid == CellGrid((29, 29), (8, 8))
    torch.testing.assert_close(dense.local_features, tiny_encoder.encode(image[None]).local_features[0])
    coarse = feature_map(tiny_network, image, FeatureKind.COARSE)
    assert coarse.grid == CellGrid((8, 8), (8, 8))
    assert coarse.values.shape == (64, tiny_encoder.global_dim)
    assert coarse.local_features.norm(dim=1).tolist() == pytest.approx([1.0] * 64)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_a_map_of_cells_that_is_drawn(family: str) -> None:
    network, size = small_network(family), small_size(family)
    with torch.no_grad():  # the mean of a cell is zero behind a normalisation that was never trained
        for part in network.modules():
            if isinstance(part, torch.nn.LayerNorm):
                part.weight.copy_(torch.linspace(0.1, 2, len(part.weight)))
    image = torch.randn(3, *size, generator=torch.Generator().manual_seed(2))
    found = feature_map(network, image, FeatureKind.COARSE)
    rows, columns = found.grid.cells
    assert rows * columns == len(found.values) >= 4
    assert abs(columns / rows - size[1] / size[0]) < 0.5  # as high and as wide as the picture
    heat = Heat.of(found).over(width=30, height=20)
    assert (heat.shape, heat.min() >= 0, heat.max() <= 1) == ((20, 30), True, True)
    assert heat.std() > 0


@pytest.mark.parametrize("family", ["starter", "transvpr"])
def test_local_features_that_are_cells_of_the_map_are_matched_where_they_are_drawn(family: str) -> None:
    network = small_network(family)
    image = torch.randn(3, *small_size(family), generator=torch.Generator().manual_seed(3))
    found = feature_map(network, image, FeatureKind.COARSE)
    with torch.inference_mode():
        expected = network(image[None])
    assert found.grid.cells == expected.local_grid
    torch.testing.assert_close(found.local_features, expected.local_features[0], atol=1e-6, rtol=0)
