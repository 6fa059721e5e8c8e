import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from model.codes import as_features


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@given(codes=arrays.arrays("int8", st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 200))))
def test_codes_stand_for_features_of_length_1(dtype: torch.dtype, codes: NDArray[np.int8]) -> None:
    stored = torch.from_numpy(codes)
    features = as_features(stored, dtype)
    assert features.dtype == dtype
    assert features.shape == stored.shape
    lengths = stored.double().norm(dim=-1, keepdim=True)
    expected = stored.double() / lengths.where(lengths > 0, 1.0)
    rounding = 1e-7 if dtype == torch.float32 else 5e-4
    assert torch.allclose(features.double(), expected, rtol=rounding, atol=1e-7)


@pytest.mark.parametrize("stored", [torch.float16, torch.float32, torch.float64])
def test_features_keep_their_length(stored: torch.dtype) -> None:
    features = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0)).to(stored)
    assert torch.equal(as_features(features), features.float())
    assert torch.equal(as_features(features, torch.float16), features.half())


def test_what_was_given_is_not_changed() -> None:
    for stored in (torch.int8, torch.float32):
        given_away = torch.full((1, 2), 3, dtype=stored)
        as_features(given_away)
        assert (given_away == 3).all()
