"""Properties of all networks with only a global feature, and of single ones."""

import numpy as np
import pytest
import torch

from model.descriptors.boq import BoQ
from model.descriptors.mixvpr import MixVPR
from model.errors import InvalidInput
from model.plain_config import PlainConfig
from model.preprocess import Preprocessing
from tests.golden.peers.networks import make_network
from tests.golden.peers.recordings import LEAST_TOLERANCE, cut, read_arrays, read_recording
from tests.model.descriptors.small_networks import DESCRIPTORS, small_descriptor, small_size


def pictures(size: tuple[int, int], count: int = 2) -> torch.Tensor:
    return torch.randn(count, 3, *size, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("family", DESCRIPTORS)
def test_a_picture_has_one_descriptor_of_length_1_and_the_local_features_of_its_family(family: str) -> None:
    network = small_descriptor(family)
    with torch.inference_mode():
        features = network(pictures(small_size(family)))
    assert features.global_features.shape == (2, network.global_dim)
    torch.testing.assert_close(features.global_features.norm(dim=1), torch.ones(2))
    assert not torch.equal(features.global_features[0], features.global_features[1])
    assert (network.local_dim > 0) == (family in ("patchnetvlad", "transvpr", "r2former"))
    rows, columns = network.local_grid(small_size(family))
    assert features.local_features.shape == (2, rows * columns, network.local_dim)
    assert features.local_grid == (rows, columns)


@pytest.mark.parametrize("family", DESCRIPTORS)
def test_what_is_no_batch_of_pictures_is_refused(family: str) -> None:
    with pytest.raises(InvalidInput, match=r"pictures must be \(B, 3, H, W\), not \(1, 1, 56, 56\)"):
        small_descriptor(family)(torch.zeros(1, 1, 56, 56))


@pytest.mark.parametrize("family", DESCRIPTORS)
def test_each_value_of_a_configuration_is_checked(family: str) -> None:
    config = small_descriptor(family).config
    for name, value in config.to_dict().items():
        wrong = "swin" if isinstance(value, str) else -1
        with pytest.raises(InvalidInput, match=f"network configuration: {name} = "):
            type(config).from_dict(config.to_dict() | {name: wrong})
    with pytest.raises(InvalidInput, match="unexpected keyword argument 'colour'"):
        type(config).from_dict({"colour": 1})
    assert isinstance(config, PlainConfig)


@pytest.mark.parametrize("size", [(160, 640), (320, 321)])
def test_mixvpr_sees_320_pixels_alone(size: tuple[int, int]) -> None:
    network = small_descriptor("mixvpr")
    with pytest.raises(InvalidInput, match="takes pictures of 320x320 pixels"):
        network.preparation(size=size)
    with pytest.raises(InvalidInput, match=f"MixVPR takes pictures of 320 × 320 pixels, not {size[0]} × {size[1]}"):
        network(pictures(size, 1))


@pytest.mark.parametrize("family", ["salad", "megaloc"])
def test_a_picture_needs_more_patches_than_there_are_clusters(family: str) -> None:
    network = small_descriptor(family, clusters=64)
    with pytest.raises(InvalidInput, match=r"112 × 112 pixels have 64 patches.* than its 64 clusters.*--input-size"):
        network.preparation(size=(112, 112))
    with pytest.raises(InvalidInput, match="64 patches"):
        network(pictures((112, 112), 1))
    assert network.preparation(size=(112, 126)).size == (112, 126)


def test_megaloc_fits_pictures_to_patches_itself() -> None:
    network = small_descriptor("megaloc")
    uneven = pictures((50, 63))  # 50 / 14 is nearer to 4 than to 3; 63 / 14 = 4.5 becomes 4, the even one
    even = torch.nn.functional.interpolate(uneven, size=(56, 56), mode="bilinear", antialias=True)
    with torch.inference_mode():
        assert torch.equal(network.describe(uneven), network.describe(even))


def test_the_dustbin_of_salad_changes_nothing() -> None:
    network = small_descriptor("salad")
    with torch.inference_mode():
        before = network.describe(pictures((56, 56)))
        network.get_parameter("aggregator.dust_bin").fill_(9.0)
        torch.testing.assert_close(network.describe(pictures((56, 56))), before, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("method", "shape"), [("mixvpr_4096", (2, 1024, 20, 20)), ("boq_resnet50_16384", (2, 1024, 14, 20))]
)
def test_a_faint_map_shows_the_eps_of_layer_norms(method: str, shape: tuple[int, ...]) -> None:
    recording = read_recording(method)
    network = make_network(recording)
    faint = np.random.default_rng(recording.seed + 9).standard_normal(shape, np.float32) * np.float32(0.003)
    with torch.inference_mode():
        if isinstance(network, MixVPR):
            descriptors = network.aggregate(torch.from_numpy(faint))
        else:
            assert isinstance(network, BoQ)
            descriptors = network.aggregator(torch.from_numpy(faint))
    recorded = read_arrays("heads_small_amplitude")[f"{method}_head"]
    assert np.abs(cut(descriptors.numpy()) - recorded).max() <= LEAST_TOLERANCE


def test_a_descriptor_of_the_benchmark_has_not_the_length_1_until_it_is_searched() -> None:
    network = small_descriptor("gem", projected_dim=0)
    with torch.inference_mode():
        descriptors, features = network.describe(pictures((64, 64))), network(pictures((64, 64))).global_features
    assert not torch.allclose(descriptors.norm(dim=1), torch.ones(2), atol=1e-3)
    torch.testing.assert_close(features, torch.nn.functional.normalize(descriptors, dim=1))


@pytest.mark.parametrize("family", DESCRIPTORS)
def test_official_eval_antialiases_but_where_the_authors_did_not(family: str) -> None:
    prepared = small_descriptor(family).preparation(Preprocessing.OFFICIAL_EVAL)
    without = ("gem", "transvpr", "r2former")
    expected = Preprocessing.OFFICIAL_EVAL if family in without else Preprocessing.ANTIALIAS_WHOLE
    assert prepared.preprocessing is expected


@pytest.mark.parametrize("size", [(64, 96), (97, 131), (224, 320)])
def test_cosplace_pools_pictures_of_any_size_to_one_cell(size: tuple[int, int]) -> None:
    """The formulas are written out here; CosPlace and EigenPlaces are one network."""
    network = small_descriptor("cosplace")
    state = network.state_dict()
    power, weight, bias = (state[name].double() for name in ("pooling.p", "projection.weight", "projection.bias"))
    images = pictures(size)
    with torch.inference_mode():
        seen = network.backbone(images).double()
        cells = (seen / seen.norm(dim=1, keepdim=True)).clamp(min=1e-6).flatten(2)
        pooled = (cells**power).mean(dim=2) ** (1 / power)
        projected = pooled @ weight.T + bias
        expected = projected / projected.norm(dim=1, keepdim=True)
        torch.testing.assert_close(network.describe(images).double(), expected, atol=1e-6, rtol=0)
        alone = torch.cat([network.describe(image[None]) for image in images])
    torch.testing.assert_close(alone.double(), expected, atol=1e-6, rtol=0)
