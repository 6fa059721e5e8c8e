"""The optimizer of each weight of the pre-training, and the size of its steps."""

from copy import deepcopy
from dataclasses import replace

import torch
from torch import nn

from demo.pretraining.config import PretrainingConfig
from demo.pretraining.optimizer import MuonAndAdamW
from demo.pretraining.shape import BACKBONE_CONFIG
from model.selavpr.initialisation import seeded_network
from model.selavpr.selavpr import SelaVPR

CONFIG = PretrainingConfig(matrix_learning_rate=4e-3, learning_rate=2e-3, weight_decay=0.5)
NARROW = replace(BACKBONE_CONFIG, embed_dim=32, depth=4, mlp_dim=64)  # Muon's products take long on a CPU
QUERIES_KEYS_VALUES = "backbone.blocks.3.attn.qkv.weight"
BIAS = "backbone.blocks.3.attn.qkv.bias"
PATCHES = "backbone.patch_embed.proj.weight"


def network_with_gradients() -> tuple[SelaVPR, nn.Parameter]:
    network, scale = seeded_network(NARROW, seed=1), nn.Parameter(torch.tensor(3.0))
    random = torch.Generator().manual_seed(2)
    for each in (*network.parameters(), scale):
        each.grad = torch.randn(each.shape, generator=random)
    return network, scale


def test_everything_moves_but_what_is_not_used() -> None:
    network, scale = network_with_gradients()
    before = {name: each.detach().clone() for name, each in network.named_parameters()}
    MuonAndAdamW(network, scale, CONFIG).step(share=1)
    still = {name for name, each in network.named_parameters() if torch.equal(each, before[name])}
    assert still == {"backbone.mask_token", "pooling.p"}
    assert scale != 3


def test_each_weight_moves_as_its_own_optimizer_would_move_it() -> None:
    network, scale = network_with_gradients()
    alone = {name: nn.Parameter(each.detach().clone()) for name, each in network.named_parameters()}
    for name, each in network.named_parameters():
        alone[name].grad = None if each.grad is None else each.grad.clone()
    MuonAndAdamW(network, scale, CONFIG).step(share=0.25)
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.Muon([alone[QUERIES_KEYS_VALUES]], lr=1e-3, weight_decay=0.5, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW([alone[BIAS]], lr=5e-4, weight_decay=0),
        torch.optim.AdamW([alone[PATCHES]], lr=5e-4, weight_decay=0.5),
    ]
    for optimizer in optimizers:
        optimizer.step()
    moved = dict(network.named_parameters())
    for name in (QUERIES_KEYS_VALUES, BIAS, PATCHES):
        torch.testing.assert_close(moved[name], alone[name], rtol=0, atol=0)


def test_it_continues_from_its_state() -> None:
    (network, scale), (other, other_scale) = network_with_gradients(), network_with_gradients()
    optimizer = MuonAndAdamW(network, scale, CONFIG)
    optimizer.step(share=1)
    other.load_state_dict(network.state_dict())
    other_scale.data.copy_(scale.data)
    continued = MuonAndAdamW(other, other_scale, CONFIG)
    continued.load_state_dict(deepcopy(optimizer.state_dict()))  # torch would share the tensors
    optimizer.step(share=0.5)
    continued.step(share=0.5)
    for (name, one), two in zip(network.named_parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two), name
