"""The list of all re-rankers."""

from collections.abc import Mapping

from model.errors import InvalidInput
from model.rerankers.mutual_matches import MutualMatchReranker
from model.rerankers.patch_netvlad import PatchRansacReranker, RapidSpatialReranker
from model.rerankers.r2former import R2FormerReranker
from model.rerankers.ransac import RansacReranker
from model.rerankers.reranker import LocalSource, Reranker, RerankSettings
from model.rerankers.superglue import SuperGlueReranker
from model.rerankers.transvpr import TransVPRReranker

RERANKERS: Mapping[str, type[Reranker]] = {
    each.name: each
    for each in (
        MutualMatchReranker,
        RansacReranker,
        RapidSpatialReranker,
        PatchRansacReranker,
        TransVPRReranker,
        R2FormerReranker,
        SuperGlueReranker,
    )
}


def reranker_named(name: str) -> type[Reranker]:
    """Return the re-ranker of a name.

    Raises:
        InvalidInput: This release has no re-ranker of that name.
    """
    if name not in RERANKERS:
        raise InvalidInput(f"{name!r} is not a re-ranker that this release knows ({', '.join(RERANKERS)})")
    return RERANKERS[name]


def make_reranker(name: str, source: LocalSource, settings: RerankSettings) -> Reranker:
    """Make a re-ranker for a network.

    Args:
        name: Its name.
        source: The network.
        settings: Its parameters.

    Raises:
        InvalidInput: The name is unknown, the network lacks features that the re-ranker needs, or it has no floor and
            one is given.
    """
    kind = reranker_named(name)
    if settings.floor is not None and not kind.has_floor:
        raise InvalidInput(f"the re-ranker {name} has no match floor: leave --match-floor out")
    return kind.of(source, settings)
