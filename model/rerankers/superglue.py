"""The re-ranker SuperPoint + SuperGlue (Sarlin et al., CVPR 2020): the number of keypoints that SuperGlue matches.

The published weights are for non-commercial research only.
"""

from typing import Self

import torch
from torch import Tensor, nn

from model.codes import as_features
from model.errors import InvalidInput
from model.keypoints.network import SUPERGLUE, grey_size
from model.keypoints.superpoint import Keypoints, as_keypoints
from model.matching import MutualMatches, matcher_name
from model.rerankers.reranker import LocalFeatures, LocalSource, Reranker, RerankSettings


class SuperGlueReranker(Reranker):
    """Count the keypoints of a query that SuperGlue matches with those of a candidate."""

    name = SUPERGLUE
    counts_pairs = True
    without_pairs = "keypoints lie anywhere, and in no grid of cells"

    def __init__(self, matcher: str, network: nn.Module, size: tuple[int, int]) -> None:
        super().__init__(matcher)
        self._network = network
        self._size = size

    @classmethod
    def of(cls, source: LocalSource, settings: RerankSettings) -> Self:  # noqa: ARG003
        """See ``Reranker.of``; the network must have SuperPoint and SuperGlue behind it.

        Raises:
            InvalidInput: The network is of another family.
        """
        if source.family != SUPERGLUE or source.pair_network is None:
            raise InvalidInput(
                f"the re-ranker {cls.name} needs the keypoints of SuperPoint, and the network of the family "
                f"{source.family} has none: leave --reranker out, or put SuperPoint and SuperGlue behind that network "
                "with: placefix weights import FILE --finder WEIGHTS"
            )
        matcher = matcher_name(source.device, source.local_dim, "exact")
        return cls(matcher, source.pair_network, grey_size(source.picture_size))

    @torch.inference_mode()
    def compare(self, query: LocalFeatures, candidates: LocalFeatures) -> Tensor:
        """Return the numbers of matches; see ``Reranker.compare``."""
        asked = self._keypoints(query)
        found = [len(self._network(asked, self._keypoints(candidate))) for candidate in candidates]
        return torch.tensor(found, dtype=torch.float64)[:, None]

    def pairs(self, query: LocalFeatures, candidate: LocalFeatures) -> MutualMatches | None:  # noqa: ARG002
        """Return None; see ``without_pairs``."""
        return None

    def _keypoints(self, local: LocalFeatures) -> Keypoints:
        """Return the keypoints of one picture.

        Raises:
            InvalidInput: There is nothing beside the features.
        """
        if local.extras is None:
            raise InvalidInput(f"the re-ranker {self.name} needs place and score of each keypoint, and there are none")
        return as_keypoints(as_features(local.features), local.extras, self._size)
