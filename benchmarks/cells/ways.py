"""Ways of choosing the cells of a picture that are kept: each gives every cell a score, and the highest stay."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.cells.kept_features import KeptFeatures
from model.errors import InvalidInput
from model.matching import find_mutual_matches
from model.places import Place
from model.recall import DEFAULT_THRESHOLD_M, positives_within

Score = Callable[[Tensor, Tensor], Tensor]
"""Takes the features ``(N, C)`` of length 1 and their former lengths ``(N,)``; returns the scores ``(N,)``."""

_SAMPLE_PICTURES = 64
_SEED = 0
_RIDGE = 1e-3


def evenly(features: Tensor, lengths: Tensor) -> Tensor:  # noqa: ARG001
    """Spread the kept cells evenly over the picture: those that the golden section reaches first."""
    numbers = torch.arange(len(features), dtype=torch.float64)
    return -torch.remainder(numbers * (5**0.5 - 1) / 2, 1)


def longest(features: Tensor, lengths: Tensor) -> Tensor:  # noqa: ARG001
    """Keep the cells that were longest before the network divided them by their length."""
    return lengths


def unlike_the_mean(features: Tensor, lengths: Tensor) -> Tensor:  # noqa: ARG001
    """Keep the cells with the least product with the mean of the picture's cells."""
    return -(features @ features.mean(dim=0))


def unlike_others(features: Tensor, lengths: Tensor) -> Tensor:  # noqa: ARG001
    """Keep the cells whose mean of the squared products with all cells of the picture is least."""
    return -((features @ (features.T @ features)) * features).sum(dim=1)


def learn_weights(kept: KeptFeatures, places: Sequence[Place], *, less_elsewhere: bool) -> Tensor:
    """Learn by ridge regression which cells find a mutual neighbour in another picture of the same place.

    A sample of pictures is matched with the picture within 25 m that is nearest by the global features.

    Args:
        kept: The features of the database.
        places: Its pictures.
        less_elsewhere: Whether a match in a picture of another place, the nearest by global features, counts as -1.

    Returns:
        ``(C,)`` float32.

    Raises:
        InvalidInput: No two pictures of the sample tell anything.
    """
    near = positives_within(places, places, DEFAULT_THRESHOLD_M)
    channels = kept.local_features.shape[2]
    products, moments = torch.zeros(channels, channels, dtype=torch.float64), torch.zeros(channels, dtype=torch.float64)
    order = np.random.default_rng(_SEED).permutation(len(places))
    for row in order[:_SAMPLE_PICTURES].tolist():
        distances = np.linalg.norm(kept.global_features - kept.global_features[row], axis=1)
        is_near = np.isin(np.arange(len(places)), near[row])
        is_near[row] = False
        if not is_near.any() or is_near.sum() + 1 == len(places):
            continue
        features = kept.local(row)
        matched = torch.zeros(len(features), dtype=torch.float64)
        same = int(np.where(is_near, distances, np.inf).argmin())
        matched[find_mutual_matches(features, kept.local(same), precision="fast").query_cells] += 1
        if less_elsewhere:
            elsewhere = int(np.where(np.isin(np.arange(len(places)), near[row]), np.inf, distances).argmin())
            matched[find_mutual_matches(features, kept.local(elsewhere), precision="fast").query_cells] -= 1
        centred = features.double() - features.double().mean(dim=0)
        products += centred.T @ centred
        moments += centred.T @ matched
    if not moments.any():
        raise InvalidInput(
            f"no two pictures of the database are within {DEFAULT_THRESHOLD_M:g} m and match in some cells alone, so "
            "there is nothing to learn from: leave the ways `matched` out with --way"
        )
    ridge = _RIDGE * products.trace() / channels * torch.eye(channels, dtype=torch.float64)
    weights: Tensor = torch.linalg.solve(products + ridge, moments)
    return weights.float()


SCORES: Mapping[str, Score | None] = {
    "evenly": evenly,
    "longest": longest,
    "unlike the mean": unlike_the_mean,
    "unlike others": unlike_others,
    "matched": None,
    "matched here alone": None,
}
"""All ways; None for those that learn from the database."""


def ways_of(kept: KeptFeatures, places: Sequence[Place], names: Sequence[str]) -> Mapping[str, Score]:
    """Return ways by their names, after they have learned from a database.

    Args:
        kept: The features of the database.
        places: Its pictures.
        names: Names of ``SCORES``.
    """
    found: dict[str, Score] = {}
    for name in names:
        score = SCORES[name]
        if score is None:
            score = _by_weights(learn_weights(kept, places, less_elsewhere=name != "matched"))
        found[name] = score
    return found


def _by_weights(weights: Tensor) -> Score:
    return lambda features, lengths: features @ weights  # noqa: ARG005


def chosen(scores: Tensor, count: int) -> Tensor:
    """Return the cells with the highest scores, ascending; the first of equal ones."""
    return torch.sort(torch.argsort(scores, descending=True, stable=True)[:count]).values
