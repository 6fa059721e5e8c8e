"""Features hold together or are refused."""

import pytest
import torch

from model.features import Features


def test_rows_can_be_cut_out() -> None:
    features = Features(torch.randn(5, 4), torch.randn(5, 6, 3), (2, 3))
    part = features[1:3]
    assert (len(features), len(part)) == (5, 2)
    assert torch.equal(part.global_features, features.global_features[1:3])
    assert torch.equal(part.local_features, features.local_features[1:3])
    assert part.local_grid == (2, 3)


def test_another_number_of_cells_than_the_grids_is_refused() -> None:
    with pytest.raises(ValueError, match="7 local features are not 2 × 3"):
        Features(torch.randn(5, 4), torch.randn(5, 7, 3), (2, 3))


def test_another_number_of_axes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(B, D\) and \(B, N, C\)"):
        Features(torch.randn(5), torch.randn(5, 6, 3), (2, 3))
