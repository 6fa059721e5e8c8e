"""Each frozen layer computes the same as the layer of the network, in float32 nearly to the last bit."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from model.frozen.attention import FrozenAttention
from model.frozen.block import FrozenBlock, FrozenLayerNorm
from model.frozen.linear import Activation, FrozenLinear
from model.frozen.local_adaptation import FrozenLocalAdaptation
from model.frozen.patch_embedding import FrozenPatchEmbedding
from model.frozen.target import Target
from model.frozen.up_convolution import FrozenUpConvolution
from model.network_precision import NetworkPrecision
from model.selavpr.block import Block
from tests.model.frozen.busy_network import BUSY_CONFIG, busy_network, pictures

GRID = (16, 16)
TOKENS = 257

# Shares of the largest value. A factor rounded to bfloat16 is wrong by 2⁻⁹ at most; the errors of a sum mostly cancel
# out. In int8 it is wrong by half a unit, which is the 127th part of the greatest factor of a row.
TOLERANCES: dict[NetworkPrecision, float] = {"float32": 2e-6, "bfloat16": 1e-2, "int8": 3e-2}
ACTIVATIONS: dict[Activation, nn.Module] = {"none": nn.Identity(), "relu": nn.ReLU(), "gelu": nn.GELU()}


@pytest.fixture(autouse=True)
def _seed() -> Iterator[None]:
    """Seed torch, so that its layers are the same in every run."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture(params=["float32", "bfloat16", "int8"])
def precision(request: pytest.FixtureRequest) -> NetworkPrecision:
    chosen: NetworkPrecision = request.param
    return chosen


@pytest.fixture
def target(precision: NetworkPrecision) -> Target:
    return Target(torch.device("cpu"), precision)


def assert_same(actual: Tensor, expected: Tensor, precision: NetworkPrecision) -> None:
    tolerance = TOLERANCES[precision] * float(expected.abs().max())
    torch.testing.assert_close(actual.float(), expected, atol=tolerance, rtol=0)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("rows", "inner", "outer"), [(257, 96, 160), (1, 588, 33), (961, 7, 5)])
@torch.inference_mode()
def test_linear(
    target: Target, precision: NetworkPrecision, activation: Activation, rows: int, inner: int, outer: int
) -> None:
    layer = nn.Linear(inner, outer)
    frozen = FrozenLinear(layer.weight, layer.bias, target, 257, activation)
    inputs = noise(2, rows, inner)
    assert_same(frozen(inputs.to(target.dtype)), ACTIVATIONS[activation](layer(inputs)), precision)


@torch.inference_mode()
def test_linear_takes_inputs_that_lie_apart(target: Target, precision: NetworkPrecision) -> None:
    layer = nn.Linear(48, 24)
    frozen = FrozenLinear(layer.weight, layer.bias, target, 48)
    inputs = noise(2, 48, 48).transpose(1, 2)[:, ::2]
    assert_same(frozen(inputs.to(target.dtype)), layer(inputs), precision)


@torch.inference_mode()
def test_a_frozen_layer_does_not_change_with_the_one_it_came_from(target: Target) -> None:
    layer = nn.Linear(32, 16)
    frozen = FrozenLinear(layer.weight, layer.bias, target, 8)
    inputs = noise(8, 32).to(target.dtype)
    before = frozen(inputs).clone()
    layer.weight.zero_()
    layer.bias.zero_()
    assert torch.equal(frozen(inputs), before)


@torch.inference_mode()
def test_layer_norm(target: Target, precision: NetworkPrecision) -> None:
    norm = busy_network().backbone.norm
    frozen = FrozenLayerNorm(norm, target)
    tokens = 5 * noise(2, TOKENS, BUSY_CONFIG.embed_dim) + 1
    assert frozen(tokens).dtype == target.dtype
    assert_same(frozen(tokens), norm(tokens), precision)


@torch.inference_mode()
def test_attention(target: Target, precision: NetworkPrecision) -> None:
    attention = Block(BUSY_CONFIG).attn
    attention.proj.weight.copy_(torch.eye(BUSY_CONFIG.embed_dim))
    attention.proj.bias.zero_()
    tokens = noise(2, TOKENS, BUSY_CONFIG.embed_dim)
    frozen = FrozenAttention(attention, target, TOKENS)
    assert_same(frozen(tokens.to(target.dtype)), attention(tokens), precision)


@pytest.mark.parametrize("adapters", ["both", "serial", "parallel", "none"])
@torch.inference_mode()
def test_block(target: Target, precision: NetworkPrecision, adapters: str) -> None:
    block = busy_network(replace(BUSY_CONFIG, adapters=adapters)).backbone.blocks[1]  # type: ignore[arg-type]
    assert isinstance(block, Block)
    tokens = 0.05 * noise(2, TOKENS, BUSY_CONFIG.embed_dim)  # smaller than the contribution of the block
    expected = block(tokens)
    actual = FrozenBlock(block, target, TOKENS)(tokens.clone())
    assert actual.dtype == torch.float32
    assert_same(actual, expected, precision)
    assert_same(actual - tokens, expected - tokens, precision)  # the contribution of the block, without the skip


@pytest.mark.parametrize("registers", [0, 4])
@torch.inference_mode()
def test_patch_embedding(target: Target, precision: NetworkPrecision, registers: int) -> None:
    backbone = busy_network(replace(BUSY_CONFIG, num_register_tokens=registers)).backbone
    images = pictures(2)
    actual = FrozenPatchEmbedding(backbone, GRID, target, 256)(images)
    assert actual.dtype == torch.float32
    assert_same(actual, backbone.embed(images, GRID), precision)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (3, 5), (1, 4), (4, 1), (1, 1)])
@pytest.mark.parametrize("activation", ["none", "relu"])
@torch.inference_mode()
def test_up_convolution(
    target: Target, precision: NetworkPrecision, height: int, width: int, activation: Activation
) -> None:
    convolution = nn.ConvTranspose2d(24, 10, kernel_size=3, stride=2, padding=1)
    cells = noise(2, height, width, 24)
    expected = ACTIVATIONS[activation](convolution(cells.permute(0, 3, 1, 2))).permute(0, 2, 3, 1)
    frozen = FrozenUpConvolution(convolution, target, height * width, activation)
    assert_same(frozen(cells.to(target.dtype)), expected, precision)


@torch.inference_mode()
def test_local_adaptation(target: Target, precision: NetworkPrecision) -> None:
    adaptation = busy_network().local_adaptation
    assert adaptation is not None
    tokens = noise(2, 256, BUSY_CONFIG.embed_dim)
    actual = FrozenLocalAdaptation(adaptation, GRID, target, 1)(tokens)
    assert actual.dtype == torch.float32
    assert_same(actual, adaptation(tokens, GRID), precision)
    torch.testing.assert_close(actual.norm(dim=-1), torch.ones(2, 3721))
