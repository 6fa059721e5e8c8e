"""The losses against recordings of the reference implementation, and against the equations written out."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.errors import InvalidInput
from model.features import Features
from model.matching import find_mutual_matches
from model.training.config import LossConfig
from model.training.correspondence_loss import correspondence_loss
from model.training.losses import batch_losses, global_loss, local_loss, similarity
from tests.golden.recordings import read_arrays


def mutual_similarity(query: Tensor, candidate: Tensor) -> Tensor:
    return similarity(query, candidate, find_mutual_matches(query, candidate))


def assert_recorded(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-6, rtol=0.0)


@pytest.fixture(scope="module")
def recorded() -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in read_arrays("losses").items()}


def normalised_features(recorded: dict[str, Tensor], *, from_raw: bool) -> tuple[Features, tuple[Tensor, Tensor]]:
    """Return the recorded features, and the tensors for the gradients."""
    suffix = "raw" if from_raw else "feat"
    leaves = tuple(recorded[f"{kind}_{suffix}"].clone().requires_grad_() for kind in ("global", "local"))
    global_features, local_features = (F.normalize(leaf, dim=-1) for leaf in leaves) if from_raw else leaves
    return Features(global_features, local_features.flatten(1, 2), (13, 13)), (leaves[0], leaves[1])


@pytest.mark.parametrize("from_raw", [True, False])
def test_recorded_losses_and_gradients(recorded: dict[str, Tensor], from_raw: bool) -> None:
    features, (global_leaf, local_leaf) = normalised_features(recorded, from_raw=from_raw)
    losses = batch_losses(features, negatives=2, loss=LossConfig())
    assert_recorded(losses.global_loss, recorded["loss_global"])
    assert_recorded(losses.local_loss, recorded["loss_local"])
    assert_recorded(losses.total, recorded["loss_total"])
    losses.total.backward()  # type: ignore[no-untyped-call]
    suffix = "raw" if from_raw else "feat"
    for leaf, kind in ((global_leaf, "global"), (local_leaf, "local")):
        expected = recorded[f"grad_{kind}_{suffix}"]
        assert leaf.grad is not None
        assert expected.abs().max() > 1e-4  # otherwise the tolerance would accept a missing gradient
        assert_recorded(leaf.grad, expected)


def test_recorded_similarities(recorded: dict[str, Tensor]) -> None:
    cells = recorded["local_feat"].flatten(1, 2)
    for negative, triplets in enumerate(recorded["triplets_by_neg"].tolist()):
        for row, (query, positive, other) in enumerate(triplets):
            for expected, candidate in (("simP", positive), ("simN", other)):
                similarity = mutual_similarity(cells[query], cells[candidate])
                assert_recorded(similarity, recorded[expected][negative, row])


def test_one_mutual_match_is_a_mean_of_one() -> None:
    """Eq. 10 as written gives 1; the reference falls back to features of equal position, which gives 0.7."""
    arrays = read_arrays("loss_one_match_fallback")
    query = torch.from_numpy(arrays["q"]).reshape(4, 2)
    candidate = torch.from_numpy(arrays["c"]).reshape(4, 2)
    assert float(arrays["sim"][0]) == pytest.approx(0.7)
    assert float(mutual_similarity(query, candidate)) == 1.0


def test_the_sum_is_weighted_by_lambda(recorded: dict[str, Tensor]) -> None:
    features, _ = normalised_features(recorded, from_raw=False)
    losses = batch_losses(features, negatives=2, loss=LossConfig(local_weight=0.25))
    assert_recorded(losses.total, recorded["loss_global"] + recorded["loss_local"] / 4)


@pytest.mark.parametrize("negatives", [1, 2, 5])
def test_against_the_equations_written_out(negatives: int) -> None:
    generator = torch.Generator().manual_seed(negatives)
    groups, margin = 3, 0.3
    count = groups * (2 + negatives)
    global_features = F.normalize(torch.randn(count, 8, generator=generator), dim=-1)
    local_features = F.normalize(torch.randn(count, 11, 4, generator=generator), dim=-1)
    expected_global, expected_local = 0.0, 0.0
    for first in range(0, count, 2 + negatives):
        for negative in range(first + 2, first + 2 + negatives):
            distances = [
                float((global_features[first] - global_features[row] + 1e-6).pow(2).sum().sqrt())
                for row in (first + 1, negative)
            ]
            expected_global += max(0.0, distances[0] - distances[1] + margin)
            similarities = [
                brute_force_similarity(local_features[first], local_features[row]) for row in (first + 1, negative)
            ]
            expected_local += max(0.0, similarities[1] - similarities[0])
    triplets = groups * negatives
    assert float(global_loss(global_features, negatives=negatives, margin=margin)) == pytest.approx(
        expected_global / triplets, abs=1e-6
    )
    assert float(local_loss(local_features, negatives=negatives)) == pytest.approx(expected_local / triplets, abs=1e-6)
    assert expected_local > 0


def brute_force_similarity(query: Tensor, candidate: Tensor) -> float:
    products = [[float(a @ b) for b in candidate] for a in query]
    mutual = []
    for row, of_row in enumerate(products):
        column = of_row.index(max(of_row))
        of_column = [line[column] for line in products]
        if of_column.index(max(of_column)) == row:
            mutual.append(of_row[column])
    return sum(mutual) / len(mutual)


def test_without_local_features_the_local_loss_is_zero() -> None:
    features = Features(torch.eye(4), torch.zeros(4, 0, 0), (0, 0))
    losses = batch_losses(features, negatives=2, loss=LossConfig())
    assert float(losses.local_loss) == 0
    assert_recorded(losses.total, losses.global_loss)


def test_a_margin_asks_for_more_of_the_local_features(recorded: dict[str, Tensor]) -> None:
    cells = recorded["local_feat"].flatten(1, 2)
    assert float(local_loss(cells, negatives=2, margin=3.0)) == pytest.approx(
        float((recorded["simN"] - recorded["simP"] + 3.0).mean()), abs=1e-6
    )


def test_what_is_not_the_papers_takes_part_when_asked_for(recorded: dict[str, Tensor]) -> None:
    features, _ = normalised_features(recorded, from_raw=False)
    papers = batch_losses(features, negatives=2, loss=LossConfig())
    contrastive = batch_losses(features, negatives=2, loss=LossConfig(global_loss="contrastive"))
    assert float(contrastive.global_loss.detach()) != pytest.approx(float(papers.global_loss.detach()))
    assert_recorded(contrastive.local_loss, papers.local_loss)
    with_correspondences = batch_losses(features, negatives=2, loss=LossConfig(correspondence_weight=0.5))
    groups = features.local_features.reshape(-1, 4, *features.local_features.shape[1:])
    expected = [
        correspondence_loss(group[0], group[1], find_mutual_matches(group[0], group[1]), temperature=0.1)
        for group in groups
    ]
    assert_recorded(with_correspondences.local_loss, papers.local_loss + torch.stack(expected).mean() / 2)


def test_identical_pictures_have_finite_gradients() -> None:
    """A query that is its own positive has the distance 0, where a norm without an epsilon has no gradient."""
    leaf = torch.ones(4, 3, requires_grad=True)
    global_loss(F.normalize(leaf, dim=-1), negatives=2, margin=0.1).backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    assert leaf.grad.isfinite().all()


@pytest.mark.parametrize(("rows", "negatives"), [(0, 2), (5, 2), (4, 0), (4, 3)])
def test_rows_that_are_no_groups_are_refused(rows: int, negatives: int) -> None:
    with pytest.raises(InvalidInput, match=f"{rows} pictures are not groups"):
        global_loss(torch.zeros(rows, 3), negatives=negatives, margin=0.1)
    with pytest.raises(InvalidInput, match=f"{rows} pictures are not groups"):
        local_loss(torch.zeros(rows, 3, 2), negatives=negatives)
