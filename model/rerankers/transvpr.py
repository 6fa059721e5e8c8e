"""TransVPR's re-ranker (Wang et al., CVPR 2022): mutual matches of attended cells that one homography explains."""

from typing import Self

from torch import Tensor

from model.backbones.pyramid import CELL
from model.codes import as_features
from model.descriptors.transvpr import TRANSVPR, TransVPR
from model.errors import InvalidInput
from model.matching import MutualMatches, find_mutual_matches, matcher_name
from model.rerankers.ransac import RansacReranker
from model.rerankers.reranker import LocalFeatures, LocalSource, RerankSettings

_LEAST_MASK = 0.02  # cells with this mask or less have no say
_THRESHOLD_PX = 1.5 * CELL


class TransVPRReranker(RansacReranker):
    """Count the matches of attended cells that follow one homography from the query to the candidate.

    Features have their own lengths in a product, and cells without attention are zero. Products are computed in
    float32, because the fast kernels are for features of length 1.
    """

    name = TRANSVPR
    has_floor = False

    @classmethod
    def of(cls, source: LocalSource, settings: RerankSettings) -> Self:
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
        return cls(matcher, settings, source.cells.centres() * (width, height), _THRESHOLD_PX)

    def mutual_matches(self, query: LocalFeatures, candidate: LocalFeatures) -> MutualMatches:
        """Return the matches of attended cells; see ``RansacReranker.mutual_matches``."""
        return find_mutual_matches(attended(query), attended(candidate))


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
