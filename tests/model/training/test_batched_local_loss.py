"""The batched local loss against its reference, with its gradients."""

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import model.training.batched_local_loss as batched_local_loss_module
from model.training.batched_local_loss import batched_local_loss
from model.training.correspondence_loss import MOST_PAIRS
from model.training.losses import local_loss

CASES = list(product((1, 3), (1, 2), (7, 40), (0.0, 0.5)))


def leaf_of(groups: int, negatives: int, cells: int, device: str = "cpu") -> Tensor:
    generator = torch.Generator().manual_seed(groups * 100 + cells)
    picture = torch.randn(groups, 1, cells, 16, generator=generator)
    noise = torch.randn(groups, 2 + negatives, cells, 16, generator=generator)
    return (picture + noise).to(device).requires_grad_()


def both(leaf: Tensor, weight: float) -> list[tuple[Tensor, Tensor]]:
    """Return loss and gradient of the batched form, and of the reference."""
    negatives = leaf.shape[1] - 2
    results = []
    for batched in (True, False):
        features = F.normalize(leaf, dim=-1)
        if batched:
            loss = batched_local_loss(
                features, margin=0.2, correspondence_weight=weight, correspondence_temperature=0.1
            )
        else:
            loss = local_loss(features.flatten(0, 1), negatives=negatives, margin=0.2, correspondence_weight=weight)
        (gradient,) = torch.autograd.grad(loss, leaf)
        results.append((loss, gradient))
    return results


@pytest.fixture(params=[True, False], ids=["kernels", "plain"])
def _with_and_without_kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.setattr(batched_local_loss_module, "can_count", lambda _: False)


@pytest.mark.usefixtures("_with_and_without_kernels")
@pytest.mark.parametrize(("groups", "negatives", "cells", "weight"), CASES)
def test_it_is_the_reference(groups: int, negatives: int, cells: int, weight: float) -> None:
    (loss, gradient), (expected, expected_gradient) = both(leaf_of(groups, negatives, cells), weight)
    torch.testing.assert_close(loss, expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(gradient, expected_gradient, atol=1e-6, rtol=1e-4)
    assert float(expected_gradient.abs().max()) > 1e-4


def test_it_thins_out_the_same_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    """This is float32, because one match more or less would shift all later ones."""
    monkeypatch.setattr(batched_local_loss_module, "can_count", lambda _: False)
    (loss, gradient), (expected, expected_gradient) = both(leaf_of(2, 1, 3 * MOST_PAIRS), 1.0)
    torch.testing.assert_close(loss, expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(gradient, expected_gradient, atol=1e-6, rtol=1e-4)


@pytest.mark.gpu
def test_on_a_gpu_it_is_near_the_reference() -> None:
    """Matches are found in float16: a few near ties turn over.

    With more than ``MOST_PAIRS`` matches a single one would shift the choice of all later ones, so gradients are
    compared with fewer cells.
    """
    (loss, _), (expected, _) = both(leaf_of(3, 2, 3721, "cuda"), 0.5)
    torch.testing.assert_close(loss, expected, atol=1e-3, rtol=1e-3)
    (_, gradient), (_, expected_gradient) = both(leaf_of(3, 2, 300, "cuda"), 0.5)
    assert float((gradient - expected_gradient).norm() / expected_gradient.norm()) < 0.05
