"""The frozen network on a device."""

from dataclasses import replace

import pytest
import torch

from model.encoder import Encoder
from model.errors import DeviceUnavailable, InvalidInput, ModelOutputInvalid
from model.fingerprint import fingerprint
from model.network_precision import NetworkPrecision
from model.selavpr.config import VIT_LARGE, SelaVPRConfig
from model.selavpr.initialisation import seeded_network
from model.selavpr.selavpr import SelaVPR
from model.starter.package_weights import PACKAGE, load_starter
from tests.conftest import TINY_CELLS
from tests.model.frozen.busy_network import BUSY_CONFIG, busy_network, pictures


def test_it_says_what_it_is(tiny_network: SelaVPR, tiny_encoder: Encoder) -> None:
    assert tiny_encoder.fingerprint == fingerprint(tiny_network)
    assert (tiny_encoder.global_dim, tiny_encoder.local_dim, tiny_encoder.local_grid) == (64, 16, (29, 29))
    assert tiny_encoder.is_trained is False
    assert tiny_encoder.preparation == SelaVPR.needs


def test_features_are_the_networks(tiny_network: SelaVPR, tiny_encoder: Encoder) -> None:
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = tiny_network(images)
    actual = tiny_encoder.encode(images)
    torch.testing.assert_close(actual.global_features, expected.global_features, atol=1e-6, rtol=0)
    torch.testing.assert_close(actual.local_features, expected.local_features, atol=3e-6, rtol=0)
    assert not actual.global_features.requires_grad


@pytest.mark.parametrize("shape", [(1, 3, 224, 238), (3, 224, 224), (1, 1, 224, 224)])
def test_only_pictures_of_the_input_size_are_taken(tiny_encoder: Encoder, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match=r"\(B, 3, 224, 224\)"):
        tiny_encoder.encode(torch.zeros(shape))


@pytest.mark.parametrize(("tensor", "kind"), [("backbone.norm.bias", "global"), ("local_adaptation.up2.bias", "local")])
def test_nan_is_never_passed_on(tiny_network: SelaVPR, tensor: str, kind: str) -> None:
    network = seeded_network(tiny_network.config)
    with torch.no_grad():
        network.get_parameter(tensor)[0] = torch.nan
    with pytest.raises(ModelOutputInvalid, match=kind):
        Encoder(network).encode(torch.zeros(1, 3, 224, 224))


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize("config", [BUSY_CONFIG, replace(VIT_LARGE, depth=1)], ids=["small", "width of ViT-L"])
def test_features_do_not_depend_on_what_else_is_encoded(config: SelaVPRConfig, precision: NetworkPrecision) -> None:
    encoder = Encoder(busy_network(config), precision=precision)
    images = pictures(5)
    alone = [encoder.encode(image[None]) for image in images]
    for rows in ([0, 1, 2, 3, 4], [4, 2], [3, 3, 1], [1, 4, 3, 0]):
        together = encoder.encode(images[rows])
        for position, row in enumerate(rows):
            assert torch.equal(together.global_features[position], alone[row].global_features[0])
            assert torch.equal(together.local_features[position], alone[row].local_features[0])


def test_int8_is_refused_where_it_cannot_be_had(tiny_network: SelaVPR, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    with pytest.raises(DeviceUnavailable, match=r"x86 processor with AVX2.*--network-precision float32"):
        Encoder(tiny_network, precision="int8")


def test_nothing_is_encoded_as_nothing(tiny_encoder: Encoder) -> None:
    features = tiny_encoder.encode(torch.zeros(0, 3, 224, 224))
    assert (features.global_features.shape, features.local_features.shape) == ((0, 64), (0, TINY_CELLS, 16))


def test_an_encoder_does_not_change_with_the_network_it_came_from(tiny_network: SelaVPR) -> None:
    network = seeded_network(tiny_network.config, seed=7)
    encoder = Encoder(network)
    images = pictures(1)
    before = encoder.encode(images)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.5)
    assert torch.equal(encoder.encode(images).global_features, before.global_features)
    assert torch.equal(encoder.encode(images).local_features, before.local_features)


@pytest.mark.gpu
def test_the_gpu_agrees_with_the_cpu(tiny_network: SelaVPR) -> None:
    images = torch.randn(3, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    on_cpu = Encoder(seeded_network(tiny_network.config, seed=7)).encode(images)
    on_gpu = Encoder(seeded_network(tiny_network.config, seed=7), "cuda").encode(images).to("cpu")
    torch.testing.assert_close(on_gpu.global_features, on_cpu.global_features, atol=1e-4, rtol=0)
    torch.testing.assert_close(on_gpu.local_features, on_cpu.local_features, atol=1e-3, rtol=0)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_features_on_the_gpu_do_not_depend_on_what_else_is_encoded(precision: NetworkPrecision) -> None:
    network = busy_network(replace(VIT_LARGE, depth=2))
    encoder = Encoder(network, "cuda", precision=precision)
    images = pictures(9)
    with torch.inference_mode():
        expected = network(images).global_features
    alone = torch.cat([encoder.encode(image[None]).global_features for image in images]).cpu()
    together = encoder.encode(images).global_features.cpu()
    assert torch.equal(together, alone)
    assert torch.nn.functional.cosine_similarity(together, expected).min() >= 0.9995


@pytest.mark.gpu
def test_the_gpu_agrees_with_the_cpu_on_the_starter() -> None:
    pytest.importorskip(PACKAGE, reason="the starter's weights were not carried to this machine")
    starter = load_starter()
    images = torch.randn(3, *Encoder(starter).picture_shape, generator=torch.Generator().manual_seed(0))
    on_cpu, on_gpu = Encoder(starter).encode(images), Encoder(starter, "cuda").encode(images).to("cpu")
    torch.testing.assert_close(on_gpu.global_features, on_cpu.global_features, atol=1e-4, rtol=0)
    torch.testing.assert_close(on_gpu.local_features, on_cpu.local_features, atol=1e-3, rtol=0)
