"""The paper's re-ranker: the number of mutual nearest neighbours (Eq. 8), with a floor if there is one."""

from typing import Self

import torch
from torch import Tensor

from model.errors import InvalidInput
from model.matching import MutualMatches, count_mutual_matches, find_mutual_matches, matcher_name
from model.network import MUTUAL_MATCHES
from model.rerankers.reranker import LocalFeatures, LocalSource, Reranker, RerankSettings


class MutualMatchReranker(Reranker):
    """Count mutual nearest neighbours."""

    name = MUTUAL_MATCHES
    counts_pairs = True
    has_floor = True

    def __init__(self, matcher: str, settings: RerankSettings, *, can_be_shown: bool = True) -> None:
        super().__init__(matcher)
        self.without_pairs = None if can_be_shown else "the local features lie in no grid of cells"
        self._settings = settings

    @classmethod
    def of(cls, source: LocalSource, settings: RerankSettings) -> Self:
        """See ``Reranker.of``; any local features of length 1 do.

        Raises:
            InvalidInput: The network has no local features.
        """
        if not source.local_dim:
            raise InvalidInput(f"the network of the family {source.family} has no local features to match")
        matcher = matcher_name(source.device, source.local_dim, settings.precision)
        return cls(matcher, settings, can_be_shown=source.cells.covers_patches)

    def compare(self, query: LocalFeatures, candidates: LocalFeatures) -> Tensor:
        """Return the numbers of mutual matches; see ``Reranker.compare``."""
        counts = count_mutual_matches(
            query.features, candidates.features, precision=self._settings.precision, floor=self._settings.floor
        )
        return counts[:, None].to(torch.float64)

    def pairs(self, query: LocalFeatures, candidate: LocalFeatures) -> MutualMatches | None:
        """Return the mutual matches if their cells lie in a grid; see ``Reranker.pairs``."""
        if self.without_pairs is not None:
            return None
        return find_mutual_matches(
            query.features, candidate.features, precision=self._settings.precision, floor=self._settings.floor
        )
