"""Patch-NetVLAD's re-rankers (Hausler et al., CVPR 2021): rapid spatial scoring (-s) and RANSAC (-p) over patches.

Scores have the opposite sign of the authors', whose scores are distances.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.descriptors.patchnetvlad import (
    PATCH_NETVLAD_P,
    PATCH_NETVLAD_S,
    STRIDE_PX,
    PatchNetVLAD,
    read_patch_sizes,
)
from model.errors import InvalidInput
from model.homography import RansacSettings, find_inliers
from model.matching import MatchingPrecision, MutualMatches, find_mutual_matches, matcher_name
from model.rerankers.reranker import LocalFeatures, LocalSource, Reranker, RerankSettings

_WEIGHTS = {(5,): (1.0,), (2, 5, 8): (0.45, 0.15, 0.4)}  # size by size, in the authors' settings
_RANSAC = RansacSettings(1.5 * STRIDE_PX)  # the authors' threshold, for all sizes of patches


@dataclass(frozen=True)
class PatchGrid:
    """Lay the patches of one size over the map.

    Attributes:
        side: The side of a patch, in cells of the map.
        rows: Rows of patches.
        columns: Columns of patches.
    """

    side: int
    rows: int
    columns: int

    def places(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return column and row of patches, ``(n, 2)``."""
        return np.stack((cells % self.columns, cells // self.columns), axis=1)

    def centres_px(self, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the whole pixels of the centres of patches, ``(n, 2)``: x and y."""
        half = STRIDE_PX // 2
        return (STRIDE_PX * self.places(cells) + half - 1 + half * (self.side - 1)).astype(np.float64)


class PatchReranker(Reranker):
    """Match patches of each size, and score the matches by where they lie."""

    without_pairs = "patches overlap, and their features lie in no grid of cells"

    def __init__(
        self, matcher: str, precision: MatchingPrecision, sizes: tuple[int, ...], cells: tuple[int, int]
    ) -> None:
        super().__init__(matcher)
        self._precision = precision
        self._grids = [PatchGrid(side, cells[0] - side + 1, cells[1] - side + 1) for side in sizes]
        self._weights = np.array(_WEIGHTS[sizes])
        self.parts = len(sizes)
        self.is_listwise = len(sizes) > 1

    @classmethod
    def of(cls, source: LocalSource, settings: RerankSettings) -> Self:
        """See ``Reranker.of``; the local features must be Patch-NetVLAD's.

        Raises:
            InvalidInput: The network is of another family.
        """
        if source.family != PatchNetVLAD.family:
            raise InvalidInput(
                f"the re-ranker {cls.name} compares patches of the family {PatchNetVLAD.family}, and the network "
                f"is of the family {source.family}: leave --reranker out, or take weights of Patch-NetVLAD"
            )
        sizes = read_patch_sizes(source.config.to_dict()["patch_sizes"])
        matcher = matcher_name(source.device, source.local_dim, settings.precision)
        return cls(matcher, settings.precision, sizes, source.cells.patches)

    def compare(self, query: LocalFeatures, candidates: LocalFeatures) -> Tensor:
        """Return the scores for each size of patches; see ``Reranker.compare``."""
        parts = [self._compare_pair(query.features, candidate) for candidate in candidates.features]
        return torch.tensor(parts, dtype=torch.float64).reshape(len(parts), self.parts)

    def scores(self, parts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores of all compared candidates.

        With several sizes, the values of a size are standardised over the candidates, weighted and summed. A score is
        the exponential of the sum, which is positive and in the same order. If the values of a size are all equal, the
        size has no say (the authors' code divides by 0 then).
        """
        if len(self._grids) == 1:
            return parts[:, 0]
        spread = parts.std(axis=0)
        standard = (parts - parts.mean(axis=0)) / np.where(spread > 0, spread, 1)
        found: NDArray[np.float64] = np.exp(standard @ self._weights)
        return found

    def pairs(self, query: LocalFeatures, candidate: LocalFeatures) -> MutualMatches | None:  # noqa: ARG002
        """Return None; see ``without_pairs``."""
        return None

    def _compare_pair(self, query: Tensor, candidate: Tensor) -> list[float]:
        found, start = [], 0
        for grid in self._grids:
            patches = slice(start, start + grid.rows * grid.columns)
            start = patches.stop
            matches = find_mutual_matches(query[patches], candidate[patches], precision=self._precision)
            cells = matches.query_cells.cpu().numpy(), matches.candidate_cells.cpu().numpy()
            found.append(self.score_matches(grid, *cells) / (grid.rows * grid.columns))
        return found

    @staticmethod
    @abstractmethod
    def score_matches(grid: PatchGrid, query_cells: NDArray[np.int64], candidate_cells: NDArray[np.int64]) -> float:
        """Return the score of the matches of one size of patches, before it is divided by the number of patches.

        Args:
            grid: The patches of that size.
            query_cells: ``(n,)``, the matching patches of the query.
            candidate_cells: ``(n,)``, the candidate's.
        """


class RapidSpatialReranker(PatchReranker):
    """Add up how alike the matches are displaced: each counts the more, the nearer it is to the mean displacement."""

    name = PATCH_NETVLAD_S

    @staticmethod
    def score_matches(grid: PatchGrid, query_cells: NDArray[np.int64], candidate_cells: NDArray[np.int64]) -> float:
        """See ``PatchReranker.score_matches``; 0 without matches."""
        if not len(query_cells):
            return 0.0
        moved = (grid.places(candidate_cells) - grid.places(query_cells)).astype(np.float64)
        off = np.abs(moved - moved.mean(axis=0))
        return float(np.square((grid.columns - 1, grid.rows - 1) - off).sum())


class PatchRansacReranker(PatchReranker):
    """Count the matches that follow one homography from the candidate to the query."""

    name = PATCH_NETVLAD_P

    @staticmethod
    def score_matches(grid: PatchGrid, query_cells: NDArray[np.int64], candidate_cells: NDArray[np.int64]) -> float:
        """See ``PatchReranker.score_matches``; 0 with fewer than four matches."""
        inliers = find_inliers(grid.centres_px(candidate_cells), grid.centres_px(query_cells), _RANSAC)
        return float(inliers.sum())
