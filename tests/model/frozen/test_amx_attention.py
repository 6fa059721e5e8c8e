"""The kernel of attention against products in float32; loops stand for its instructions where they are missing."""

import ctypes

import numpy as np
import pytest
import torch
from torch import Tensor

from model.frozen.amx_attention import attend, can_attend
from model.frozen.kernels import encoding_kernels
from tests.model.threads import threads

if encoding_kernels() is None:
    pytest.skip("there are no kernels for this processor", allow_module_level=True)

from llvmlite import ir

from model.cpu_kernels.code import FLOAT, I64, POINTER, Loop, element
from model.cpu_kernels.compiled import compiled, host_amx_tile
from model.cpu_kernels.encoding import EncodingKernels, encoding_kernels_for
from model.cpu_kernels.exponential import write_exponential
from model.cpu_kernels.tiles import AmxTile

FORMS = [AmxTile(is_plain=True)] + [each for each in [host_amx_tile()] if each is not None]
SHAPES = [(1, 1, 1, 32), (2, 5, 3, 32), (1, 32, 1, 64), (1, 33, 2, 64), (3, 64, 2, 96), (2, 70, 4, 32)]


@pytest.fixture(params=FORMS, ids=["loops", "instructions"][: len(FORMS)])
def kernels(request: pytest.FixtureRequest) -> EncodingKernels:
    return encoding_kernels_for(request.param)


def inputs(pictures: int, tokens: int, heads: int, width: int, kind: torch.dtype) -> Tensor:
    """Return queries, keys and values whose scores differ by some units."""
    numbers = torch.randn(pictures, tokens, 3, heads, width, generator=torch.Generator().manual_seed(tokens))
    numbers[:, :, 0] *= 2 * width**-0.5
    return numbers.to(kind)


def plainly(qkv: Tensor) -> Tensor:
    query, key, value = qkv.double().permute(2, 0, 3, 1, 4)
    attended: Tensor = (query @ key.transpose(-1, -2)).softmax(dim=-1) @ value
    return attended.transpose(1, 2).flatten(2)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [1, 3])
def test_attention_differs_by_the_rounding_of_its_factors(
    kernels: EncodingKernels, shape: tuple[int, int, int, int], kind: torch.dtype, count: int
) -> None:
    qkv = inputs(*shape, kind)
    with threads(count):
        found = attend(qkv, kernels)
    # The kernel rounds its inputs to bfloat16. The weights and the outputs then have errors of 2⁻⁸ at most.
    expected = plainly(qkv.bfloat16())
    assert found.dtype is kind
    assert found.shape == expected.shape
    torch.testing.assert_close(found.double(), expected, rtol=2**-8, atol=2**-8)


def test_one_key_far_above_the_others_takes_all_weight(kernels: EncodingKernels) -> None:
    qkv = torch.zeros(1, 40, 3, 1, 32)
    qkv[:, :, 0, :, 0] = 30.0
    qkv[:, :, 1, :, 0] = torch.linspace(-8, -4, 40)[:, None]  # all scores are far below 0, where the padding's are
    qkv[:, 17, 1, :, 0] = -1.0
    qkv[:, :, 2] = torch.arange(40.0)[:, None, None]
    torch.testing.assert_close(attend(qkv, kernels), torch.full((1, 40, 32), 17.0))


def test_equal_scores_give_the_mean(kernels: EncodingKernels) -> None:
    qkv = torch.zeros(1, 257, 3, 1, 32)
    qkv[:, :128, 2] = 1.0
    torch.testing.assert_close(attend(qkv, kernels), torch.full((1, 257, 32), 128 / 257))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_number_that_is_none_is_not_hidden(kernels: EncodingKernels, part: int) -> None:
    qkv = inputs(1, 40, 2, 32, torch.float32)
    qkv[0, 3, part, 1, 7] = torch.nan
    found = attend(qkv, kernels).view(1, 40, 2, 32)
    assert found[0, 3, 1].isnan().any()
    assert found[:, :, 0].isfinite().all()


def test_heads_of_whole_tiles_can_be_attended() -> None:
    assert [width for width in range(1, 130) if can_attend(width)] == [32, 64, 96, 128]


def test_the_exponential_function() -> None:
    module = ir.Module(name="exponential")
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, POINTER, I64]), name="exponential")
    source, target, count = function.args
    build = ir.IRBuilder(function.append_basic_block("entry"))
    exponential = write_exponential(build, 16)
    floats = ir.VectorType(FLOAT, 16)
    with Loop(build, count, 16, "numbers") as at:
        numbers = build.load(element(build, source, at.index, FLOAT), typ=floats, align=4)
        build.store(exponential(numbers), element(build, target, at.index, FLOAT), align=4)
    build.ret_void()
    engine = compiled(str(module))
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(
        engine.get_function_address("exponential")
    )
    numbers = np.linspace(-87, 0, 16_000, dtype=np.float32)
    numbers[:3] = -np.inf, -1e30, np.nan
    found = np.empty_like(numbers)
    call(numbers.ctypes.data, found.ctypes.data, len(numbers))
    np.testing.assert_allclose(found[3:], np.exp(numbers[3:].astype(np.float64)), rtol=4e-6)
    assert (found[:2] < 1e-37).all()
    assert np.isnan(found[2])
    assert found[-1] == 1
