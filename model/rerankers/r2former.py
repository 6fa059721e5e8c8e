"""R2Former's re-ranker (Zhu et al., CVPR 2023): a network tells how likely two pictures show one place."""

from typing import Self

import torch
from torch import Tensor, nn

from model.codes import as_features
from model.descriptors.r2former import R2FORMER, R2Former
from model.descriptors.r2former_pairs import NEAREST
from model.errors import InvalidInput
from model.matching import MutualMatches, matcher_name
from model.rerankers.reranker import LocalFeatures, LocalSource, Reranker, RerankSettings


class R2FormerReranker(Reranker):
    """Ask R2Former's network for pairs how probably two pictures show one place, from 0 to 1."""

    name = R2FORMER
    without_pairs = "the network for pairs weighs five neighbours of every patch, and decides by no pairs of cells"

    def __init__(self, matcher: str, network: nn.Module) -> None:
        super().__init__(matcher)
        self._network = network

    @classmethod
    def of(cls, source: LocalSource, settings: RerankSettings) -> Self:  # noqa: ARG003
        """See ``Reranker.of``; the network must be R2Former's, with its part for pairs.

        Raises:
            InvalidInput: The network is of another family, has no part for pairs, or sees too few patches.
        """
        if source.family != R2Former.family or source.pair_network is None:
            raise InvalidInput(
                f"the re-ranker {cls.name} needs a network for pairs of the family {R2Former.family}, and the network "
                f"of the family {source.family} has none: leave --reranker out, or take weights of R2Former's second "
                "stage of training"
            )
        patches = source.cells.cells[0]
        if patches < NEAREST:
            height, width = source.picture_size
            raise InvalidInput(
                f"--input-size {height}x{width}: pictures have {patches} patches, and the re-ranker {cls.name} needs "
                f"at least {NEAREST}"
            )
        return cls(matcher_name(source.device, source.local_dim, "exact"), source.pair_network)

    @torch.inference_mode()
    def compare(self, query: LocalFeatures, candidates: LocalFeatures) -> Tensor:
        """Return the probabilities; see ``Reranker.compare``.

        One pair goes through the network at a time, so a score does not depend on the other candidates.
        """
        asked = joined(query)[None]
        logits = [self._network(asked, joined(candidate)[None]) for candidate in candidates]
        return torch.cat(logits).to(torch.float64).softmax(dim=1)[:, 1:] if logits else torch.empty(0, 1)

    def pairs(self, query: LocalFeatures, candidate: LocalFeatures) -> MutualMatches | None:  # noqa: ARG002
        """Return None; see ``without_pairs``."""
        return None


def joined(local: LocalFeatures) -> Tensor:
    """Return the patches ``(N, 3 + C)`` of one picture as the network for pairs takes them.

    Args:
        local: Features of length 1, or codes, with place and attention of each beside it.

    Raises:
        InvalidInput: There is nothing beside the features.
    """
    if local.extras is None:
        raise InvalidInput(f"the re-ranker {R2FORMER} needs place and attention of each feature, and there are none")
    return torch.cat((local.extras, as_features(local.features)), dim=-1)
