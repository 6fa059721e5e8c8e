"""The parts that learn, the parts that are frozen, and the network at the beginning of training."""

import pytest
import torch

from model.selavpr.config import VIT_LARGE
from model.selavpr.initialisation import seeded_network
from model.selavpr.selavpr import SelaVPR
from model.training.config import NetworkStart
from model.training.errors import InvalidTrainingConfig
from model.training.trainable import freeze_the_rest, starting_network, trainable_parameters
from tests.conftest import TINY_CONFIG


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def test_vit_large_learns_what_the_paper_says() -> None:
    with torch.device("meta"):
        network = SelaVPR(VIT_LARGE, is_trained=False)
    assert sum(each.numel() for each in network.parameters()) == 357_428_609
    assert sum(each.numel() for _, each in trainable_parameters(network, full_fine_tuning=False)) == 53_059_969
    everything = dict(trainable_parameters(network, full_fine_tuning=True))
    assert set(dict(network.named_parameters())) - set(everything) == {"backbone.mask_token"}


def test_only_what_learns_has_gradients() -> None:
    network = seeded_network(TINY_CONFIG)
    trainable = freeze_the_rest(network, full_fine_tuning=False)
    features = network(noise(1, 3, 56, 56))
    (features.global_features.sum() + features.local_features.sum()).backward()
    assert {name for name, each in network.named_parameters() if each.grad is not None} == set(trainable)
    assert {name.split(".")[-3] for name in trainable if "adapter." in name} == {"serial_adapter", "parallel_adapter"}
    assert {"pooling.p", "local_adaptation.up1.weight", "local_adaptation.up2.bias"} <= set(trainable)


@pytest.mark.parametrize("adapters", ["both", "serial", "parallel"])
def test_step_0_equals_the_backbone(adapters: str) -> None:
    loaded = seeded_network(TINY_CONFIG, seed=3)
    start = NetworkStart("x", adapters=adapters, adapter_ratio=0.25)  # type: ignore[arg-type]
    network = starting_network(loaded, start, seed=5)
    bare = starting_network(loaded, NetworkStart("x", adapters="none"), seed=5)
    assert network.config.adapter_dim == 16
    assert not any("adapter." in name for name, _ in bare.backbone.named_parameters())
    images = noise(2, 3, 56, 56)
    with torch.inference_mode():
        torch.testing.assert_close(network(images).global_features, bare(images).global_features, atol=0, rtol=0)


def test_variants_begin_with_the_same_backbone() -> None:
    loaded = seeded_network(TINY_CONFIG, seed=3)
    start = NetworkStart("x", global_pooling="class_token", local_features="coarse")
    network = starting_network(loaded, start, seed=0)
    assert (network.config.global_pooling, network.config.local_features) == ("class_token", "coarse")
    for name, tensor in network.backbone.state_dict().items():
        if "adapter." not in name:
            torch.testing.assert_close(tensor, loaded.backbone.state_dict()[name], atol=0, rtol=0)


def test_the_beginning_depends_on_the_seed_alone() -> None:
    loaded = seeded_network(TINY_CONFIG, seed=3)
    weights = [
        starting_network(loaded, NetworkStart("x"), seed).state_dict()["local_adaptation.up1.weight"]
        for seed in (5, 5, 6)
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_trained_network_goes_on_as_it_is_or_not_at_all() -> None:
    trained = seeded_network(TINY_CONFIG, seed=3)
    trained.is_trained = True
    assert starting_network(trained, NetworkStart("x", adapters="both", adapter_ratio=0.5), seed=0) is trained
    for start, said in (
        (NetworkStart("w.pth", adapters="serial"), r"network\.adapters = 'serial' contradicts w\.pth"),
        (NetworkStart("w.pth", adapter_ratio=0.25), r"network\.adapter_ratio = 0\.25 contradicts.*adapter_dim = 32"),
        (NetworkStart("w.pth", local_features="none"), r"network\.local_features = 'none' contradicts"),
    ):
        with pytest.raises(InvalidTrainingConfig, match=said):
            starting_network(trained, start, seed=0)


def test_a_network_of_which_nothing_learns_is_refused() -> None:
    start = NetworkStart("x", adapters="none", global_pooling="class_token", local_features="coarse")
    network = starting_network(seeded_network(TINY_CONFIG), start, seed=0)
    with pytest.raises(InvalidTrainingConfig, match="nothing would learn"):
        freeze_the_rest(network, full_fine_tuning=False)
    assert freeze_the_rest(network, full_fine_tuning=True)


def test_local_features_can_be_learned_behind_adapters_that_stay() -> None:
    bare = starting_network(seeded_network(TINY_CONFIG, seed=3), NetworkStart("x", local_features="none"), seed=5)
    with torch.no_grad():
        for name, parameter in bare.named_parameters():
            if "adapter." in name:
                parameter.add_(0.1)
    bare.is_trained = True
    network = starting_network(bare, NetworkStart("x", local_features="dense"), seed=5)
    assert network.config.local_features == "dense"
    for name, tensor in bare.state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor), name
    same = starting_network(bare, NetworkStart("x", local_features="dense"), seed=5)
    other = starting_network(bare, NetworkStart("x", local_features="dense"), seed=6)
    assert network.local_adaptation is not None
    assert same.local_adaptation is not None
    assert other.local_adaptation is not None
    assert torch.equal(network.local_adaptation.up1.weight, same.local_adaptation.up1.weight)
    assert not torch.equal(network.local_adaptation.up1.weight, other.local_adaptation.up1.weight)
    learns = freeze_the_rest(network, full_fine_tuning=False, adapters_learn=False)
    assert {name.split(".")[0] for name in learns} == {"local_adaptation"}
    with pytest.raises(InvalidTrainingConfig, match="nothing would learn"):
        freeze_the_rest(bare, full_fine_tuning=False, adapters_learn=False)


def test_a_trained_network_cannot_get_adapters_with_its_local_features() -> None:
    trained = starting_network(seeded_network(TINY_CONFIG), NetworkStart("x", local_features="none"), seed=0)
    trained.is_trained = True
    with pytest.raises(InvalidTrainingConfig, match=r"network\.adapters = 'serial' contradicts x"):
        starting_network(trained, NetworkStart("x", local_features="dense", adapters="serial"), seed=0)
