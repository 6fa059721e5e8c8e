"""Two networks have one fingerprint exactly if they give the same features."""

from dataclasses import replace

import torch

from model.fingerprint import fingerprint
from model.selavpr.block import Block
from model.selavpr.initialisation import seeded_network
from model.selavpr.selavpr import SelaVPR


def test_equal_networks_have_equal_fingerprints(tiny_network: SelaVPR) -> None:
    again = seeded_network(tiny_network.config, seed=7)
    assert fingerprint(again) == fingerprint(tiny_network)
    assert len(fingerprint(again)) == 64


def test_one_bit_of_one_weight_changes_it(tiny_network: SelaVPR) -> None:
    network = seeded_network(tiny_network.config, seed=7)
    with torch.no_grad():
        network.backbone.norm.bias[0] = torch.nextafter(network.backbone.norm.bias[0], torch.tensor(1.0))
    assert fingerprint(network) != fingerprint(tiny_network)


def test_the_number_of_heads_changes_it_though_no_tensor_does(tiny_network: SelaVPR) -> None:
    network = SelaVPR(replace(tiny_network.config, num_heads=2), is_trained=False)
    network.load_state_dict(tiny_network.state_dict())
    assert fingerprint(network) != fingerprint(tiny_network)


def test_the_order_of_tensors_in_memory_does_not(tiny_network: SelaVPR) -> None:
    network = seeded_network(tiny_network.config, seed=7)
    block = network.backbone.blocks[0]
    assert isinstance(block, Block)
    qkv = block.attn.qkv
    qkv.weight = torch.nn.Parameter(qkv.weight.detach().T.contiguous().T)
    assert not qkv.weight.is_contiguous()
    assert fingerprint(network) == fingerprint(tiny_network)
