"""The contrastive loss against its definition, and the pairs that it must not compare."""

from math import exp, log

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.errors import InvalidInput
from model.training.contrastive_loss import contrastive_loss


def groups_of(count: int, negatives: int) -> Tensor:
    generator = torch.Generator().manual_seed(count)
    return F.normalize(torch.randn(count, 2 + negatives, 5, generator=generator), dim=-1)


def written_out(groups: Tensor, comparable: Tensor, temperature: float) -> float:
    candidates = [row for group in groups for row in group[1:]]
    losses = []
    for number, group in enumerate(groups):
        weights = [
            exp(float(group[0] @ each) / temperature) if comparable[number, column] else 0.0
            for column, each in enumerate(candidates)
        ]
        losses.append(-log(weights[number * (len(group) - 1)] / sum(weights)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize(("count", "negatives"), [(1, 1), (3, 2), (4, 1)])
def test_it_is_the_cross_entropy_of_the_positive(count: int, negatives: int) -> None:
    groups = groups_of(count, negatives)
    comparable = torch.ones(count, count * (1 + negatives), dtype=torch.bool)
    assert float(contrastive_loss(groups, comparable, temperature=0.2)) == pytest.approx(
        written_out(groups, comparable, 0.2), rel=1e-5
    )
    if count > 1:
        comparable[0, -1] = False
        assert float(contrastive_loss(groups, comparable, temperature=0.2)) == pytest.approx(
            written_out(groups, comparable, 0.2), rel=1e-5
        )


def test_what_may_not_be_compared_gets_no_gradient() -> None:
    groups = groups_of(2, 1).requires_grad_()
    comparable = torch.tensor([[True, True, False, False], [False, False, True, True]])
    contrastive_loss(groups[:, :], comparable, temperature=0.1).backward()  # type: ignore[no-untyped-call]
    alone = groups_of(2, 1)[:1].requires_grad_()
    contrastive_loss(alone, torch.ones(1, 2, dtype=torch.bool), temperature=0.1).backward()  # type: ignore[no-untyped-call]
    assert groups.grad is not None
    assert alone.grad is not None
    torch.testing.assert_close(groups.grad[0] * 2, alone.grad[0])


@pytest.mark.parametrize(
    ("comparable", "said"),
    [(torch.ones(2, 3, dtype=torch.bool), "must be"), (torch.zeros(2, 4, dtype=torch.bool), "its own positive")],
)
def test_masks_that_make_no_sense_are_refused(comparable: Tensor, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        contrastive_loss(groups_of(2, 1), comparable, temperature=0.1)
