"""The loss of correspondences: low for distinct matches, high for similar cells."""

from math import log

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.matching import find_mutual_matches
from model.training.correspondence_loss import MOST_PAIRS, correspondence_loss


def loss_of(query: Tensor, positive: Tensor, temperature: float) -> Tensor:
    matches = find_mutual_matches(query.detach(), positive.detach())
    return correspondence_loss(query, positive, matches, temperature=temperature)


def test_features_that_are_all_alike_cost_the_logarithm_of_their_number() -> None:
    same = torch.ones(50, 4) / 2
    assert float(loss_of(same, same, 0.1)) == pytest.approx(log(50), rel=1e-5)


def test_features_that_stand_out_cost_nothing() -> None:
    cells = torch.eye(50)
    assert float(loss_of(cells, cells.flip(0), 0.05)) < 1e-6


def test_learning_it_makes_matches_stand_out() -> None:
    generator = torch.Generator().manual_seed(0)
    query, noise = torch.randn(30, 8, generator=generator), torch.randn(30, 8, generator=generator)
    leaf = (query + 1.5 * noise).requires_grad_()
    optimizer = torch.optim.Adam([leaf], lr=0.05)
    losses = []
    for _ in range(50):
        optimizer.zero_grad()
        loss = loss_of(F.normalize(query, dim=1), F.normalize(leaf, dim=1), 0.1)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 2


def test_many_matches_are_thinned_out_evenly() -> None:
    cells = torch.eye(2 * MOST_PAIRS + 1)
    every_third = torch.arange(0, len(cells), 3)
    similarities = cells / 0.2
    expected = F.cross_entropy(similarities[every_third], every_third)
    assert float(loss_of(cells, cells, 0.2)) == pytest.approx(float(expected), rel=1e-5)
