"""Properties of every family of networks, and the effects of a size of its input."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model.encoder import Encoder
from model.errors import InvalidInput
from model.families import FAMILIES, family_named
from model.fingerprint import fingerprint
from model.network import Network
from model.network_precision import choose_network_precision
from model.preprocess import Preparation, Preprocessing
from model.selavpr.initialisation import seeded_network
from model.starter.package_weights import load_starter
from model.weights import describe_weights, load_network, load_selavpr, save_network
from model.weights_errors import WeightsError
from tests.conftest import TINY_CONFIG
from tests.model.descriptors.small_networks import small_network, small_size

PATCHES_OF_14 = replace(TINY_CONFIG, patch_size=14)  # as those of all that are published


@pytest.fixture(scope="module", params=FAMILIES)
def network(request: pytest.FixtureRequest) -> Network:
    return small_network(request.param)


def small_encoder(network: Network) -> Encoder:
    return Encoder(network, preparation=network.preparation(size=small_size(network.family)))


def test_an_unknown_family_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"'resnet' is not a family .*selavpr, starter"):
        family_named("resnet")


def test_a_network_is_made_again_from_plain_values(network: Network) -> None:
    family = family_named(network.family)
    with torch.device("meta"):
        again = family.make(network.config.to_dict(), is_trained=network.is_trained)
    assert again.config == network.config
    assert again.state_dict().keys() == network.state_dict().keys()


def test_a_file_of_our_own_gives_the_same_network_back(network: Network, tmp_path: Path) -> None:
    save_network(network, tmp_path / "network.safetensors")
    loaded = load_network(tmp_path / "network.safetensors")
    assert type(loaded) is type(network)
    assert fingerprint(loaded) == fingerprint(network)
    assert loaded.is_trained == network.is_trained
    description = describe_weights(tmp_path / "network.safetensors")
    assert (description.family, description.config) == (network.family, network.config.to_dict())
    assert sum(description.parameters.values()) == sum(each.numel() for each in network.parameters())


def test_the_encoder_gives_the_features_of_the_network(network: Network) -> None:
    encoder = small_encoder(network)
    images = torch.randn(2, *encoder.picture_shape, generator=torch.Generator().manual_seed(3))
    encoded = encoder.encode(images)
    with torch.inference_mode():
        expected = network(images)
    size = encoder.preparation.size
    assert encoder.preparation == replace(network.needs, height=size[0], width=size[1])
    assert encoder.local_grid == expected.local_grid == encoded.local_grid == network.local_grid(size)
    assert encoded.global_features.shape == (2, network.global_dim) == (2, encoder.global_dim)
    assert encoded.local_features.shape == (2, encoder.local_grid[0] * encoder.local_grid[1], network.local_dim)
    torch.testing.assert_close(encoded.global_features, expected.global_features, atol=2e-6, rtol=0)
    torch.testing.assert_close(encoded.local_features, expected.local_features, atol=2e-5, rtol=0)


def test_a_picture_is_encoded_alike_with_and_without_others(network: Network) -> None:
    encoder = small_encoder(network)
    images = torch.randn(3, *encoder.picture_shape, generator=torch.Generator().manual_seed(4))
    together = encoder.encode(images)
    for row in range(3):
        alone = encoder.encode(images[row : row + 1])
        assert torch.equal(alone.global_features[0], together.global_features[row])
        assert torch.equal(alone.local_features[0], together.local_features[row])


def test_an_arithmetic_that_changes_the_features_is_refused_and_not_chosen() -> None:
    starter = load_starter()
    with pytest.raises(InvalidInput, match="family starter change too much in bfloat16"):
        Encoder(starter, precision="bfloat16")
    chosen = choose_network_precision("auto", torch.device("cpu"), of_network=starter.precisions)
    assert chosen.precision == "float32"


@pytest.mark.parametrize(("size", "grid"), [((28, 28), (5, 5)), ((70, 42), (17, 9)), ((322, 322), (89, 89))])
def test_selavpr_sees_pictures_of_another_size(size: tuple[int, int], grid: tuple[int, int]) -> None:
    network = seeded_network(PATCHES_OF_14, seed=7)
    preparation = network.preparation(size=size)
    assert preparation == replace(network.needs, height=size[0], width=size[1])
    encoder = Encoder(network, preparation=preparation)
    assert encoder.local_grid == grid
    assert encoder.fingerprint == fingerprint(network)
    images = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        expected = network(images)
    torch.testing.assert_close(encoder.encode(images).local_features, expected.local_features, atol=2e-5, rtol=0)


@pytest.mark.parametrize("size", [(0, 14), (13, 14), (224, 225), (-14, 14)])
def test_a_size_that_cannot_be_cut_into_patches_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput, match=r"--input-size .* multiples of 14, such as 224x224"):
        seeded_network(PATCHES_OF_14, seed=7).preparation(size=size)


def test_the_starter_sees_one_size() -> None:
    starter = load_starter()
    assert starter.preparation(size=(256, 256)) == starter.needs
    with pytest.raises(InvalidInput, match="takes pictures of 256x256 pixels, not 224x224"):
        starter.preparation(size=(224, 224))


def test_whole_pictures_become_the_same_pixels_by_preparations_that_differ_in_decoding_alone() -> None:
    own = Preparation()
    assert own.gives_the_pixels_of(Preparation(preprocessing=Preprocessing.ANTIALIAS_WHOLE))
    assert not own.gives_the_pixels_of(Preparation(preprocessing=Preprocessing.OFFICIAL_EVAL))
    assert not own.gives_the_pixels_of(Preparation(height=322, width=322))
    assert not own.gives_the_pixels_of(load_starter().needs)


def test_what_looks_at_the_layers_of_selavpr_says_so(tmp_path: Path) -> None:
    save_network(load_starter(), tmp_path / "starter.safetensors")
    with pytest.raises(WeightsError, match="a network of the family starter, and this needs one of selavpr"):
        load_selavpr(tmp_path / "starter.safetensors")
