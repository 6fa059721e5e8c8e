"""Products of codes are exact; only the factors are rounded."""

import pytest
import torch
from torch import Tensor

from model.frozen.rounded_linear import RoundedLinear
from model.frozen.row_codes import round_rows
from model.frozen.target import Target
from model.network_precision import can_pack

CPU = torch.device("cpu")
TARGET = Target(CPU, "int8")

pytestmark = pytest.mark.skipif(not can_pack(CPU), reason="this processor has no products of eight bits")


def whole(*shape: int, most: int, seed: int = 0) -> Tensor:
    """Return whole numbers from -most to most; each row has one of the limits, so its unit is 1."""
    numbers = torch.randint(-most, most + 1, shape, generator=torch.Generator().manual_seed(seed)).float()
    numbers[..., seed] = most
    return numbers


def multiply(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    layer = RoundedLinear(weight, torch.zeros(len(weight)) if bias is None else bias, TARGET, len(inputs))
    return layer(layer.factors(inputs))


@pytest.mark.parametrize(("rows", "inner", "outer"), [(257, 1024, 96), (257, 96, 160), (1, 588, 33), (961, 7, 5)])
@torch.inference_mode()
def test_sums_of_codes_are_those_of_whole_numbers_in_64_bits(rows: int, inner: int, outer: int) -> None:
    inputs, weight, bias = whole(rows, inner, most=127), whole(outer, inner, most=63, seed=1), whole(outer, most=9)
    expected = inputs.long() @ weight.long().T + bias.long()
    assert torch.equal(multiply(inputs, weight, bias).long(), expected)


@pytest.mark.parametrize("inner", [2, 8, 64, 1024])
@pytest.mark.parametrize("sign", [-1, 1])
@torch.inference_mode()
def test_no_sum_of_the_greatest_codes_overflows(inner: int, sign: int) -> None:
    inputs, weight = torch.full((257, inner), 127.0), torch.full((32, inner), 63.0 * sign)
    assert torch.equal(multiply(inputs, weight), torch.full((257, 32), 127.0 * 63 * sign * inner))
    assert torch.equal(multiply(-inputs, weight), torch.full((257, 32), -127.0 * 63 * sign * inner))


@torch.inference_mode()
def test_each_row_and_each_output_has_its_own_unit() -> None:
    inputs, weight = whole(9, 40, most=127), whole(6, 40, most=63, seed=1)
    of_rows = 2.0 ** torch.arange(-4, 5)[:, None]  # powers of two change no digit
    of_outputs = 2.0 ** torch.arange(-3, 3)[:, None]
    scaled = multiply(of_rows * inputs, of_outputs * weight)
    assert torch.equal(scaled, of_rows * multiply(inputs, weight) * of_outputs.T)


@torch.inference_mode()
def test_a_number_moves_by_half_a_unit_at_most() -> None:
    numbers = torch.randn(50, 300, generator=torch.Generator().manual_seed(1)) * torch.logspace(-6, 6, 50)[:, None]
    codes = round_rows(numbers)
    restored = (codes.values.double() - 128) * codes.units.double()
    assert ((restored - numbers.double()).abs() <= 0.5001 * codes.units.double()).all()
    assert torch.equal((codes.values.int() - 128).abs().amax(dim=1), torch.full((50,), 127, dtype=torch.int32))


@torch.inference_mode()
def test_zeros_stay_zeros_and_what_is_not_a_number_is_not_hidden() -> None:
    weight, bias = whole(6, 40, most=63), whole(6, most=9)
    weight[2] = 0
    inputs = whole(4, 40, most=127)
    inputs[0], inputs[1, 3], inputs[2, 3] = 0, torch.nan, torch.inf
    outputs = multiply(inputs, weight, bias)
    assert torch.equal(outputs[0], bias)
    assert not outputs[1].isfinite().any()
    assert not outputs[2].isfinite().any()
    assert outputs[3, 2] == bias[2]


@pytest.mark.parametrize(("activation", "plain"), [("relu", torch.nn.ReLU()), ("gelu", torch.nn.GELU())])
@torch.inference_mode()
def test_the_activation_follows_the_bias(activation: str, plain: torch.nn.Module) -> None:
    inputs, weight, bias = whole(5, 40, most=127) / 500, whole(6, 40, most=63) / 100, whole(6, most=3)
    layer = RoundedLinear(weight, bias, TARGET, 5, activation)  # type: ignore[arg-type]
    assert torch.equal(layer(layer.factors(inputs)), plain(multiply(inputs, weight, bias)))


@torch.inference_mode()
def test_inputs_have_any_number_of_dimensions_and_may_lie_apart() -> None:
    weight, inputs = whole(6, 40, most=63), whole(40, 3, 8, most=127).transpose(0, 2)[::2]
    assert torch.equal(multiply(inputs, weight), multiply(inputs.reshape(-1, 40), weight).view(4, 3, 6))
