"""TransVPR's re-ranker (Wang et al., CVPR 2022): mutual matches of attended cells that one homography explains."""

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.backbones.pyramid import CELL
from model.codes import as_features
from model.descriptors.transvpr import TRANSVPR, TransVPR
from model.errors import InvalidInput
from model.homography import RansacSettings, find_inliers
from model.matching import MutualMatches, find_mutual_matches, matcher_name
from model.rerankers.reranker import LocalFeatures, LocalSource, Reranker, RerankSettings

_LEAST_MASK = 0.02  # cells with this mask or less have no say
_RANSAC = RansacSettings(1.5 * CELL)


class TransVPRReranker(Reranker):
    """Count the matches of attended cells that follow one homography from the query to the candidate.

    Features have their own lengths in a product, and cells without attention are zero. Products are computed in
    float32, because the fast kernels are for features of length 1.
    """

    name = TRANSVPR
    counts_pairs = True

    def __init__(self, matcher: str, centres_px: NDArray[np.float64]) -> None:
        self._matcher = matcher
        self._centres_px = centres_px

    @classmethod
    def of(cls, source: LocalSource, settings: RerankSettings) -> Self:  # noqa: ARG003
        """See ``Reranker.of``; the local features must be TransVPR's.

        Raises:
            InvalidInput: The network is of another family.
        """
        if source.family != TransVPR.family:
            raise InvalidInput(
                f"the re-ranker {cls.name} compares cells of the family {TransVPR.family}, and the network is of the "
                f"family {source.family}: leave --reranker out, or take weights of TransVPR"
            )
        height, width = source.picture_size
        matcher = matcher_name(source.device, source.local_dim, "exact")
        return cls(matcher, source.cells.centres() * (width, height))

    @property
    def matcher(self) -> str:
        """Return the instructions and numbers that find mutual matches."""
        return self._matcher

    def compare(self, query: LocalFeatures, candidates: LocalFeatures) -> Tensor:
        """Return the numbers of inliers; see ``Reranker.compare``."""
        found = [len(self.pairs(query, candidate)) for candidate in candidates]
        return torch.tensor(found, dtype=torch.float64)[:, None]

    def pairs(self, query: LocalFeatures, candidate: LocalFeatures) -> MutualMatches:
        """Return the inliers; see ``Reranker.pairs``."""
        found = find_mutual_matches(attended(query), attended(candidate))
        query_px, candidate_px = (
            self._centres_px[cells.cpu().numpy()] for cells in (found.query_cells, found.candidate_cells)
        )
        inliers = torch.from_numpy(find_inliers(query_px, candidate_px, _RANSAC)).to(found.query_cells.device)
        return MutualMatches(found.query_cells[inliers], found.candidate_cells[inliers])


def attended(local: LocalFeatures) -> Tensor:
    """Return the features ``(N, C)`` of one picture with their lengths, and zeros for cells without attention.

    Args:
        local: Features of length 1, or codes, with length and mask of each beside it.

    Raises:
        InvalidInput: There is nothing beside the features.
    """
    if local.extras is None:
        raise InvalidInput(f"the re-ranker {TRANSVPR} needs length and mask of each feature, and there are none")
    lengths, mask = local.extras.unbind(dim=-1)
    return as_features(local.features) * (lengths * (mask > _LEAST_MASK))[:, None]
