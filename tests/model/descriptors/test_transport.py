"""Shares of patches in clusters, against plain loops in float64."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.descriptors.transport import ITERATIONS, log_shares


def plain_log_shares(scores: NDArray[np.float64], dustbin: float, iterations: int) -> NDArray[np.float64]:
    clusters, patches = scores.shape
    matrix = np.vstack([scores, np.full(patches, dustbin)])
    taken = np.full(clusters + 1, 1 / (patches + clusters))
    taken[-1] = (patches - clusters) / (patches + clusters)
    given = 1 / (patches + clusters)
    rows, columns = np.ones(clusters + 1), np.ones(patches)
    weights = np.exp(matrix)
    for _ in range(iterations):
        rows = taken / (weights @ columns)
        columns = given / (rows @ weights)
    shares: NDArray[np.float64] = np.log(rows[:, None] * weights * columns * (patches + clusters))
    return shares


@pytest.mark.parametrize(("clusters", "patches"), [(2, 3), (8, 20), (64, 65)])
def test_shares_are_those_of_plain_loops(clusters: int, patches: int) -> None:
    scores = np.random.default_rng(5).standard_normal((2, clusters, patches)) * 3
    shares = log_shares(torch.from_numpy(scores), torch.tensor(1.0, dtype=torch.float64)).numpy()
    for picture in range(2):
        np.testing.assert_allclose(shares[picture], plain_log_shares(scores[picture], 1.0, ITERATIONS), atol=1e-12)
    assert np.abs(shares[0] - plain_log_shares(scores[0], 1.0, ITERATIONS + 1)).max() > 1e-4


def test_each_patch_gives_one_part() -> None:
    shares = log_shares(torch.randn(1, 4, 9, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64)).exp()
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(1, 9, dtype=torch.float64))
