"""The share of a part in a global feature is the gain of the feature's logarithm by the logarithm of the part."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.encoder import Encoder
from model.network import Network
from model.selavpr.gem import GeM
from model.selavpr.selavpr import SelaVPR
from model.starter.package_weights import load_starter
from model.starter.pooling import cell_shares


def test_shares_of_tokens_are_the_derivative_of_the_length_of_their_mean() -> None:
    tokens = F.normalize(torch.rand(2, 12, 7, generator=torch.Generator().manual_seed(1)) + 0.01, dim=-1)
    logarithms, pooling = tokens.log().requires_grad_(), GeM()
    means = logarithms.exp().pow(pooling.p).mean(dim=1).pow(1 / pooling.p)
    [gains] = torch.autograd.grad(means.norm(dim=1).log().sum(), logarithms)
    torch.testing.assert_close(pooling.shares(tokens), gains.sum(dim=-1))


@pytest.mark.parametrize(("height", "bands"), [(8, 1), (8, 2), (7, 2), (9, 4)])
def test_shares_of_cells_are_the_derivative_of_their_means(height: int, bands: int) -> None:
    random = torch.Generator().manual_seed(height)
    maps, weights = torch.rand(2, 3, height, 5, generator=random) + 0.01, torch.rand(2, 3 * bands, generator=random)
    logarithms = maps.log().requires_grad_()
    means = F.adaptive_avg_pool2d(logarithms.exp().pow(3.0), (bands, 1)).squeeze(-1).pow(1 / 3)
    [gains] = torch.autograd.grad((means.log().transpose(1, 2).flatten(1) * weights).sum(), logarithms)
    shares = cell_shares(maps, 3.0, bands, weights)
    torch.testing.assert_close(shares, gains.sum(dim=1))
    torch.testing.assert_close(shares.sum(dim=(1, 2)), weights.sum(dim=1))


def image_for(network: Network) -> Tensor:
    return torch.rand(3, *network.needs.size, generator=torch.Generator().manual_seed(2)) * 2 - 1


@pytest.mark.parametrize("family", ["selavpr", "starter"])
def test_an_encoder_tells_the_shares_of_its_network(family: str, tiny_network: SelaVPR) -> None:
    network = tiny_network if family == "selavpr" else load_starter()
    image, encoder = image_for(network), Encoder(network)
    shares = encoder.shares(image)
    assert shares is not None
    with torch.inference_mode():
        expected = network.shares(image[None])
    assert expected is not None
    torch.testing.assert_close(shares, expected[0], rtol=1e-3, atol=1e-5)
    assert tuple(shares.shape) == encoder.cells.patches
    assert float(shares.sum()) == pytest.approx(1)
    assert float(shares.min()) >= 0
