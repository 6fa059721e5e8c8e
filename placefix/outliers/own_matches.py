"""Ask a map with each of its own pictures: which others of it they resemble. Nothing is encoded."""

import numpy as np
from numpy.typing import NDArray

from model.errors import InvalidInput
from model.progress import SILENT, Progress
from placefix.outliers.suspects import OwnMatches
from service.localizer import Localizer
from service.query_options import QueryOptions

DEFAULT_CANDIDATES = 20
MAX_CANDIDATES = 100  # of 10,000 pictures, which of each one's candidates lie together takes 100 MB


def ask_own_pictures(
    localizer: Localizer, candidates: int, contents: NDArray[np.int64], progress: Progress = SILENT
) -> OwnMatches:
    """Ask a map with every picture of it, by its stored features.

    A picture is asked without itself and without all pictures of the same file: these show nothing that it does not
    show, and would confirm a wrong position that they share.

    Args:
        localizer: Of the map.
        candidates: Pictures that each one is compared with, if the map has so many.
        contents: ``(n,)``, equal for pictures of the same file.
        progress: Told about every picture.

    Raises:
        InvalidInput: The network has no local features, or the number is out of its range.
    """
    if not localizer.encoder.local_dim:
        raise InvalidInput("the network of the map has no local features, and so its pictures have no matches to count")
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
        matches[row, : len(found)] = [candidate.mutual_matches or 0 for candidate in found]
        progress.advanced(1)
    return OwnMatches(rows, matches)
