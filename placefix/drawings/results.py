"""Answers with their evidence: a query and its candidates, right or wrong (paper, figures 4 and 8 to 10)."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from placefix.drawings.canvas import contact_sheet, framed, scaled_into
from placefix.drawings.colours import FAINT, INK, MUTED, PAPER, RIGHT, UNKNOWN, WRONG, Colour
from placefix.drawings.text import CAPTION_PX, TITLE_PX, line_px, width_of, write

TILE_WIDTH_PX = 256
TILE_HEIGHT_PX = 192
FRAME_PX = 6
TILE_GAP_PX = 14
_LINES = 3
CELL_WIDTH_PX = TILE_WIDTH_PX + 2 * FRAME_PX
CELL_HEIGHT_PX = TILE_HEIGHT_PX + 2 * FRAME_PX + 4 + _LINES * line_px(CAPTION_PX)


@dataclass(frozen=True)
class ShownCandidate:
    """Hold a candidate to draw.

    Attributes:
        id: The id of its picture in the map.
        picture: The picture in mode RGB; None if the map keeps no thumbnails.
        off_m: Metres from the position of the query; None if this is unknown.
        is_right: Whether the candidate is right; None if this is unknown.
        mutual_matches: The number of mutual matches; None if the candidates were not re-ranked by it.
        global_distance: Euclidean distance of the global features, in [0, 2].
        score: The re-ranker's score; None if the candidates were not re-ranked.
    """

    id: str
    picture: Image.Image | None
    off_m: float | None
    is_right: bool | None
    mutual_matches: int | None
    global_distance: float
    score: float | None = None


@dataclass(frozen=True)
class ShownResult:
    """Hold a query and its candidates to draw.

    Attributes:
        name: The name of the query.
        photo: The upright photo, in mode RGB.
        truth: A note on its position, such as ``nearest in the map: 3 m``.
        candidates: The candidates, the best first.
    """

    name: str
    photo: Image.Image
    truth: str
    candidates: Sequence[ShownCandidate]


def draw_result(result: ShownResult) -> Image.Image:
    """Draw a row: the query, then its candidates, with green frames if right, red if wrong, grey if unknown."""
    cells = [_query_cell(result)]
    cells += [_candidate_cell(rank, candidate) for rank, candidate in enumerate(result.candidates, start=1)]
    row = Image.new("RGB", (len(cells) * (CELL_WIDTH_PX + TILE_GAP_PX) - TILE_GAP_PX, CELL_HEIGHT_PX), PAPER)
    for column, cell in enumerate(cells):
        row.paste(cell, (column * (CELL_WIDTH_PX + TILE_GAP_PX), 0))
    return row


def draw_sheet(rows: Sequence[Image.Image], title: str, note: str) -> Image.Image:
    """Draw rows below each other under a heading.

    Args:
        rows: Rows from ``draw_result``, at least one.
        title: The dark line at the top.
        note: The paler line below the title.
    """
    width = max(row.width for row in rows)
    heading = Image.new("RGB", (width, line_px(TITLE_PX) + line_px(CAPTION_PX)), PAPER)
    draw = ImageDraw.Draw(heading)
    write(draw, (0, 0), title, width_px=width, size_px=TITLE_PX)
    write(draw, (0, line_px(TITLE_PX)), note, width_px=width, colour=MUTED)
    return contact_sheet([heading, *rows])


def verdict_colour(is_right: bool | None) -> Colour:
    """Return the colour of a frame."""
    return UNKNOWN if is_right is None else RIGHT if is_right else WRONG


def _query_cell(result: ShownResult) -> Image.Image:
    cell = _cell(result.photo, PAPER)
    _write_lines(cell, [("query", INK)], [(result.truth, MUTED)], [(result.name, MUTED)])
    return cell


def _candidate_cell(rank: int, candidate: ShownCandidate) -> Image.Image:
    colour = verdict_colour(candidate.is_right)
    cell = _cell(candidate.picture, colour)
    verdict = [(f"{rank}", INK)]
    if candidate.is_right is not None:
        verdict.append(("right" if candidate.is_right else "wrong", colour))
    if candidate.off_m is not None:
        verdict.append((format_metres(candidate.off_m), INK))
    evidence = f"distance {candidate.global_distance:.3f}"
    if candidate.mutual_matches is not None:
        unit = "match" if candidate.mutual_matches == 1 else "matches"
        evidence = f"{candidate.mutual_matches} {unit}"
    elif candidate.score is not None:
        evidence = f"score {candidate.score:.4g}"
    _write_lines(cell, verdict, [(evidence, MUTED)], [(candidate.id, MUTED)])
    return cell


def _cell(picture: Image.Image | None, frame: Colour) -> Image.Image:
    """Draw a picture in its frame, at the left and directly above the room for lines."""
    cell = Image.new("RGB", (CELL_WIDTH_PX, CELL_HEIGHT_PX), PAPER)
    if picture is None:
        tile = Image.new("RGB", (TILE_WIDTH_PX, TILE_HEIGHT_PX), FAINT)
        text = "no thumbnail"
        corner = ((TILE_WIDTH_PX - width_of(text, CAPTION_PX)) // 2, (TILE_HEIGHT_PX - line_px(CAPTION_PX)) // 2)
        write(ImageDraw.Draw(tile), corner, text, width_px=TILE_WIDTH_PX, colour=MUTED)
    else:
        tile = scaled_into(picture, TILE_WIDTH_PX, TILE_HEIGHT_PX)
    tile = framed(tile, frame, FRAME_PX)
    cell.paste(tile, (0, TILE_HEIGHT_PX + 2 * FRAME_PX - tile.height))
    return cell


def _write_lines(cell: Image.Image, *lines: Sequence[tuple[str, Colour]]) -> None:
    draw = ImageDraw.Draw(cell)
    top = CELL_HEIGHT_PX - _LINES * line_px(CAPTION_PX)
    for line in lines:
        left = FRAME_PX
        for text, colour in line:
            end = write(draw, (left, top), text, width_px=CELL_WIDTH_PX - FRAME_PX - left, colour=colour)
            left = end + 10
        top += line_px(CAPTION_PX)


def format_metres(distance_m: float) -> str:
    """Return a distance for people: ``3 m``, ``1.2 km``, ``340 km``."""
    if distance_m < 999.5:
        return f"{distance_m:.0f} m"
    kilometres = distance_m / 1000
    return f"{kilometres:.1f} km" if kilometres < 99.95 else f"{kilometres:,.0f} km"
