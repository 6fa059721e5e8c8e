"""The kernel rounds rows to the same codes as steps of torch."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.frozen.kernels import encoding_kernels
from model.frozen.row_codes import round_rows, round_rows_plainly
from tests.model.threads import threads

pytestmark = pytest.mark.skipif(encoding_kernels() is None, reason="there are no kernels for this processor")


@given(st.integers(1, 70), st.sampled_from([16, 32, 48, 512]), st.integers(-30, 30), st.integers(1, 4))
def test_codes_and_units_equal_those_of_torch(rows: int, inner: int, power: int, count: int) -> None:
    generator = torch.Generator().manual_seed(rows * inner)
    numbers = torch.randn(rows, inner, generator=generator) * torch.logspace(power, -power, rows)[:, None]
    numbers[rows // 2] = 0
    with threads(count):
        found = round_rows(numbers)
    plain = round_rows_plainly(numbers)
    assert torch.equal(found.values, plain.values)
    assert torch.equal(found.units, plain.units)


def test_numbers_halfway_between_codes_go_to_the_even_one() -> None:
    numbers = (torch.arange(-126.5, 127)[:, None] * torch.eye(16)[0] + 127 * torch.eye(16)[1]).float()
    codes = round_rows(numbers)
    assert torch.equal(codes.values, round_rows_plainly(numbers).values)
    assert (codes.values[:, 0] % 2 == 0).all()
    assert (codes.units == 1).all()


@pytest.mark.parametrize("hidden", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("place", [0, 15, 16, 31])
def test_a_number_that_is_not_finite_is_in_the_unit(hidden: float, place: int) -> None:
    numbers = torch.ones(3, 32)
    numbers[1, place] = hidden
    for codes in (round_rows(numbers), round_rows_plainly(numbers)):
        assert codes.units[:, 0].isfinite().tolist() == [True, False, True]


def test_rows_may_lie_apart_and_have_any_length() -> None:
    numbers = torch.randn(40, 3, 64, generator=torch.Generator().manual_seed(0)).transpose(0, 2)[::2]
    assert torch.equal(round_rows(numbers).values, round_rows_plainly(numbers.contiguous()).values)
    few = torch.randn(5, 7, generator=torch.Generator().manual_seed(1))
    assert torch.equal(round_rows(few).values, round_rows_plainly(few).values)
    assert round_rows(torch.empty(0, 16)).values.shape == (0, 16)
