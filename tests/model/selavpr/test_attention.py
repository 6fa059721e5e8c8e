"""Attention in training: on a CPU it uses plain products, with the same result."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.selavpr.attention import Attention, attend_in_plain_products

DIM, HEADS = 128, 2


def learned(attention: Attention, tokens: Tensor, wanted: Tensor, *, bfloat16: bool) -> tuple[Tensor, Tensor]:
    """Return the output, and the gradient of the tokens."""
    leaf = tokens.clone().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
        output = attention(leaf)
    output.float().backward(wanted)
    assert leaf.grad is not None
    return output.detach(), leaf.grad


def apart(value: Tensor, reference: Tensor) -> float:
    return float((value.detach().float() - reference.detach()).norm() / reference.detach().norm())


# With a spread of 3 the scores reach 40; rounding to bfloat16 would change the result by 1 %, gradients by 2 %.
@pytest.mark.parametrize("spread", [1.0, 3.0])
def test_plain_products_in_bfloat16_are_as_near_to_float32_as_the_fused_attention(spread: float) -> None:
    random = torch.Generator().manual_seed(0)
    shape = (4, 65, 3, HEADS, DIM // HEADS)
    rounded = (torch.randn(shape, generator=random) * spread).bfloat16()
    wanted = torch.randn((4, HEADS, 65, DIM // HEADS), generator=random).bfloat16()
    exact = rounded.float().requires_grad_()
    output = F.scaled_dot_product_attention(*exact.permute(2, 0, 3, 1, 4))
    output.backward(wanted.float())  # type: ignore[no-untyped-call]
    leaf = rounded.clone().requires_grad_()
    plain = attend_in_plain_products(*leaf.permute(2, 0, 3, 1, 4))
    plain.backward(wanted)  # type: ignore[no-untyped-call]
    assert plain.dtype == torch.bfloat16
    assert leaf.grad is not None
    assert exact.grad is not None
    assert apart(plain, output) < 0.004
    assert apart(leaf.grad, exact.grad) < 0.004


def test_learning_under_autocast_is_learning_in_float32_but_for_rounding() -> None:
    torch.manual_seed(0)
    attention = Attention(DIM, HEADS)
    tokens, wanted = torch.randn(4, 65, DIM), torch.randn(4, 65, DIM)
    output, gradient = learned(attention, tokens, wanted, bfloat16=True)
    exact_output, exact_gradient = learned(attention, tokens, wanted, bfloat16=False)
    assert output.dtype == torch.bfloat16
    assert apart(output, exact_output) < 0.02
    assert apart(gradient, exact_gradient) < 0.02


def test_without_gradients_attention_is_torchs_own() -> None:
    torch.manual_seed(0)
    attention = Attention(DIM, HEADS)
    tokens = torch.randn(2, 65, DIM)
    with torch.no_grad():
        qkv = attention.qkv(tokens).view(2, 65, 3, HEADS, DIM // HEADS)
        fused = F.scaled_dot_product_attention(*qkv.permute(2, 0, 3, 1, 4))
        expected = attention.proj(fused.transpose(1, 2).reshape(2, 65, DIM))
        assert torch.equal(attention(tokens), expected)
