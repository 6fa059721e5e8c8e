"""Spatial verification over mutual matches: the number of those that one plane explains."""

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.errors import InvalidInput
from model.homography import RansacSettings, find_inliers
from model.matching import MutualMatches, find_mutual_matches, matcher_name
from model.rerankers.reranker import LocalFeatures, LocalSource, Reranker, RerankSettings


class RansacReranker(Reranker):
    """Count the mutual matches that follow one homography from the query to the candidate.

    An inlier is off by at most the side of a patch, because a token has no position inside of its patch.
    """

    name = "ransac"
    counts_pairs = True
    has_floor = True

    def __init__(
        self, matcher: str, settings: RerankSettings, centres_px: NDArray[np.float64], threshold_px: float
    ) -> None:
        super().__init__(matcher)
        self._settings = settings
        self._centres_px = centres_px
        self._ransac = RansacSettings(threshold_px)

    @classmethod
    def of(cls, source: LocalSource, settings: RerankSettings) -> Self:
        """See ``Reranker.of``; the local features must lie in a grid over the picture.

        Raises:
            InvalidInput: The network has no local features, or they lie in no grid of cells.
        """
        if not source.local_dim:
            raise InvalidInput(f"the network of the family {source.family} has no local features to match")
        if not source.cells.covers_patches:
            raise InvalidInput(
                f"the local features of the family {source.family} lie in no grid of cells, which the re-ranker "
                f"{cls.name} needs: leave --reranker out"
            )
        height, width = source.picture_size
        rows, columns = source.cells.patches
        return cls(
            matcher_name(source.device, source.local_dim, settings.precision),
            settings,
            source.cells.centres() * (width, height),
            max(height / rows, width / columns),
        )

    def compare(self, query: LocalFeatures, candidates: LocalFeatures) -> Tensor:
        """Return the numbers of inliers; see ``Reranker.compare``."""
        found = [len(self.pairs(query, candidate)) for candidate in candidates]
        return torch.tensor(found, dtype=torch.float64)[:, None]

    def pairs(self, query: LocalFeatures, candidate: LocalFeatures) -> MutualMatches:
        """Return the inliers; see ``Reranker.pairs``."""
        found = self.mutual_matches(query, candidate)
        query_px, candidate_px = (
            self._centres_px[cells.cpu().numpy()] for cells in (found.query_cells, found.candidate_cells)
        )
        inliers = torch.from_numpy(find_inliers(query_px, candidate_px, self._ransac)).to(found.query_cells.device)
        return MutualMatches(found.query_cells[inliers], found.candidate_cells[inliers])

    def mutual_matches(self, query: LocalFeatures, candidate: LocalFeatures) -> MutualMatches:
        """Return the matches of two pictures, ``(L, C)`` and ``(M, C)``, among which the inliers are found."""
        return find_mutual_matches(
            query.features, candidate.features, precision=self._settings.precision, floor=self._settings.floor
        )
