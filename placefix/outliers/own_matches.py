"""Questions to a map with each of its own pictures, to find the pictures that resemble them. Nothing is encoded."""

import numpy as np
from numpy.typing import NDArray

from model.errors import InvalidInput
from model.progress import SILENT, Progress
from placefix.outliers.suspects import OwnMatches
from service.localizer import Localizer
from service.query_options import QueryOptions

DEFAULT_CANDIDATES = 20
MAX_CANDIDATES = 100  # for 10,000 pictures, ``is_together`` of all pairs of candidates takes 100 MB


def ask_own_pictures(
    localizer: Localizer, candidates: int, contents: NDArray[np.int64], progress: Progress = SILENT
) -> OwnMatches:
    """Ask a map with every picture of it, by its stored features.

    The answers leave out the picture itself and all pictures of the same file: these show nothing new, and would
    confirm a wrong position that they share.

    Args:
        localizer: The localizer of the map.
        candidates: The number of pictures to compare each picture with, if the map has enough.
        contents: Numbers ``(n,)`` that are equal for pictures of the same file.
        progress: The display of the progress, by pictures.

    Raises:
        InvalidInput: The network has no local features, the map's re-ranker counts no matches, or ``candidates`` is
            out of its range.
    """
    if localizer.reranker is None:
        raise InvalidInput("the network of the map has no local features, and so its pictures have no matches to count")
    if not localizer.reranker.counts_pairs:
        raise InvalidInput(
            f"the map is re-ranked by {localizer.reranker.name}, which counts no matches: build it with "
            "--reranker mutual-matches to find pictures with wrong positions"
        )
    options = QueryOptions(candidates, candidates, "always")
    count = len(localizer.place_map)
    width = min(candidates, count - 1)
    rows = np.repeat(np.arange(count)[:, None], width, axis=1)
    matches = np.zeros((count, width), dtype=np.int64)
    progress.started(count, 0)
    for row in range(count):
        copies = np.flatnonzero(contents == contents[row])
        found = localizer.localize(localizer.stored_query(row), options, without=copies).candidates
        rows[row, : len(found)] = [candidate.row for candidate in found]
        matches[row, : len(found)] = [candidate.score or 0 for candidate in found]
        progress.advanced(1)
    return OwnMatches(rows, matches)
