"""The kernel of a linear layer against sums of whole numbers; loops stand for instructions that are missing."""

import logging

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from model.frozen import kernels as choice
from model.frozen.amx_linear import AmxLinear
from model.frozen.rounded_linear import RoundedLinear, linear
from model.frozen.row_codes import Codes, round_rows_plainly
from model.frozen.target import Target
from model.frozen.weight_codes import WeightCodes
from tests.model.threads import threads

if choice.encoding_kernels() is None:
    pytest.skip("there are no kernels for this processor", allow_module_level=True)

from model.cpu_kernels import encoding
from model.cpu_kernels.amx_tiles import PlainTiles
from model.cpu_kernels.compiled import host_amx_tile
from model.cpu_kernels.encoding import EncodingKernels, encoding_kernels_for, wrong_outputs
from model.cpu_kernels.tiles import AmxTile

CPU = torch.device("cpu")
FORMS = [AmxTile(is_plain=True)] + [each for each in [host_amx_tile()] if each is not None]


@pytest.fixture(params=FORMS, ids=["loops", "instructions"][: len(FORMS)])
def kernels(request: pytest.FixtureRequest) -> EncodingKernels:
    return encoding_kernels_for(request.param)


def noise(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def plainly(weight: Tensor, bias: Tensor, factors: Codes) -> Tensor:
    """Multiply codes as 64-bit numbers, and end the sums as the kernel does, in float32."""
    codes = WeightCodes.of(weight)
    sums = (factors.values.long() - 128) @ codes.values.long().T
    return bias + sums.float() * codes.units * factors.units


@pytest.mark.parametrize("rows", [1, 31, 32, 33, 63, 64, 65, 257, 700])
@pytest.mark.parametrize(("inner", "outer"), [(64, 32), (192, 96)])
@pytest.mark.parametrize("count", [1, 3])
def test_outputs_are_those_of_whole_sums(
    kernels: EncodingKernels, rows: int, inner: int, outer: int, count: int
) -> None:
    weight, bias = noise(outer, inner, seed=1), noise(outer, seed=2)
    layer = AmxLinear(weight, bias, kernels)
    factors = round_rows_plainly(noise(rows, inner, seed=3))
    expected, tokens = plainly(weight, bias, factors), noise(rows, outer, seed=4)
    with threads(count):
        assert torch.equal(layer(factors), expected)
        added = tokens.clone()
        layer.add_to(added, factors)
    assert torch.equal(added, tokens + expected)


@pytest.mark.parametrize(("activation", "plain"), [("relu", torch.nn.ReLU()), ("gelu", torch.nn.GELU())])
def test_the_activation_is_last(kernels: EncodingKernels, activation: str, plain: torch.nn.Module) -> None:
    weight, bias = noise(32, 64, seed=1), noise(32, seed=2)
    factors = round_rows_plainly(noise(2, 40, 64, seed=3))
    found = AmxLinear(weight, bias, kernels, activation)(factors)  # type: ignore[arg-type]
    assert found.shape == (2, 40, 32)
    torch.testing.assert_close(found, plain(plainly(weight, bias, factors)), rtol=0, atol=0)


@given(st.sampled_from([1, 255]), st.sampled_from([-63, 63]))
def test_the_greatest_sums_are_exact(code: int, weight: int) -> None:
    codes = Codes(torch.full((40, 4096), code, dtype=torch.uint8), torch.ones(40, 1))
    layer = AmxLinear(torch.full((32, 4096), float(weight)), torch.zeros(32), encoding_kernels_for(FORMS[-1]))
    assert torch.equal(layer(codes), torch.full((40, 32), float((code - 128) * weight * 4096)))


def test_a_row_that_is_not_finite_stays_so(kernels: EncodingKernels) -> None:
    inputs = noise(40, 64, seed=1)
    inputs[3, 5], inputs[39, 0] = torch.nan, torch.inf
    for activation in ("none", "relu"):
        layer = AmxLinear(noise(32, 64, seed=2), noise(32, seed=3), kernels, activation)
        outputs = layer(round_rows_plainly(inputs))
        assert not outputs[3].isfinite().any()
        assert outputs[0].isfinite().all()
    assert (
        not AmxLinear(noise(32, 64, seed=2), noise(32, seed=3), kernels)(round_rows_plainly(inputs))[39]
        .isfinite()
        .any()
    )


@pytest.mark.parametrize(
    ("outer", "inner", "fits"), [(32, 64, True), (33, 64, False), (32, 32, False), (96, 192, True)]
)
def test_whole_tiles_fit(outer: int, inner: int, fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.frozen.rounded_linear.amx_kernels", lambda: encoding_kernels_for(FORMS[0]))
    layer = linear(noise(outer, inner, seed=1), noise(outer, seed=2), Target(CPU, "int8"), 40)
    assert AmxLinear.fits(noise(outer, inner, seed=1)) == fits
    assert isinstance(layer, AmxLinear if fits else RoundedLinear)


def test_both_ways_to_multiply_agree(kernels: EncodingKernels) -> None:
    weight, bias = noise(96, 128, seed=1), noise(96, seed=2)
    factors = round_rows_plainly(noise(257, 128, seed=3))
    ours, onednn = AmxLinear(weight, bias, kernels), RoundedLinear(weight, bias, Target(CPU, "int8"), 257)
    torch.testing.assert_close(ours(factors), onednn(factors), rtol=1e-6, atol=1e-5)


def test_kernels_that_attend_wrongly_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    multiply = PlainTiles.multiply_bfloat16

    def twice(self: PlainTiles, sums: int, left: int, right: int) -> None:
        multiply(self, sums, left, right)
        multiply(self, sums, left, right)

    monkeypatch.setattr(PlainTiles, "multiply_bfloat16", twice)
    wrong = wrong_outputs(encoding_kernels_for.__wrapped__(AmxTile(is_plain=True)))
    assert wrong is not None
    assert wrong[0] > 500


def test_right_kernels_pass_the_trial(kernels: EncodingKernels) -> None:
    assert wrong_outputs(kernels) is None


def test_kernels_that_multiply_wrongly_are_not_chosen(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    multiply = PlainTiles.multiply
    assert wrong_outputs(encoding_kernels_for(AmxTile(is_plain=True))) is None

    def all_signed(self: PlainTiles, sums: int, left: int, right: int, **_: str) -> None:
        multiply(self, sums, left, right, signs="ss")

    monkeypatch.setattr(PlainTiles, "multiply", all_signed)
    monkeypatch.setattr(encoding, "host_amx_tile", lambda: AmxTile(is_plain=True))
    monkeypatch.setattr(encoding, "encoding_kernels_for", encoding_kernels_for.__wrapped__)  # keep no wrong kernels
    with caplog.at_level(logging.WARNING):
        kernels = choice.encoding_kernels.__wrapped__()
    assert kernels is not None
    assert not kernels.linear
    assert "AMX computes" in caplog.text
