"""The candidates of an answer beside the query, with lines between the cells that match."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from placefix.drawings.canvas import contact_sheet
from placefix.drawings.colours import FAINT
from placefix.drawings.matches import MatchedPair, NamedPhoto, draw_matches
from service.schemas.evidence import CellGridAnswer, MatchedCandidateAnswer, MatchesAnswer

_LACKING_PX = (256, 192)


def draw_matched_candidates(
    query: NamedPhoto, matches: MatchesAnswer, thumbnail: Callable[[str], bytes | None]
) -> Image.Image:
    """Draw a panel for each candidate whose matches an answer has, the best candidate first.

    Args:
        query: The upright photo.
        matches: The matches of its answer.
        thumbnail: The function that returns the JPEG of a picture by its id; None if there is none, which is drawn
            grey.
    """
    return contact_sheet([_panel(query, matches.grid, each, thumbnail) for each in matches.candidates])


def _panel(
    query: NamedPhoto,
    grid: CellGridAnswer,
    matched: MatchedCandidateAnswer,
    thumbnail: Callable[[str], bytes | None],
) -> Image.Image:
    place_id, rank = matched.candidate.id, matched.candidate.rank
    pair = MatchedPair(points(grid, matched.query_cells), points(grid, matched.candidate_cells))
    where = "another place" if matched.is_elsewhere else "the best candidate" if rank == 1 else "the same place"
    title = f"{rank} · {where}: {matched.count} mutual {'match' if matched.count == 1 else 'matches'}"
    note = f"{grid.rows} × {grid.columns} cells"
    if len(pair) < matched.count:
        note += f" · the {len(pair)} most similar are drawn"
    return draw_matches(query, _photo(place_id, thumbnail(place_id)), pair, title, note)


def points(grid: CellGridAnswer, cells: list[int]) -> NDArray[np.float64]:
    """Return the places of cells ``(n, 2)``, in fractions of a picture's width and height."""
    rows, columns = np.divmod(np.array(cells, dtype=np.int64), grid.columns)
    return np.stack((np.array(grid.x)[columns], np.array(grid.y)[rows]), axis=1)


def _photo(place_id: str, thumbnail: bytes | None) -> NamedPhoto:
    if thumbnail is None:
        return NamedPhoto(f"{place_id} (no thumbnail is kept)", Image.new("RGB", _LACKING_PX, FAINT))
    with Image.open(BytesIO(thumbnail)) as picture:
        return NamedPhoto(place_id, picture.convert("RGB"))
