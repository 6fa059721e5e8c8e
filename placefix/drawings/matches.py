"""Mutual matches between two pictures, drawn as lines (paper, figure 6)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from model.matching import find_mutual_matches
from placefix.drawings.canvas import scaled_into
from placefix.drawings.colours import MUTED, PAPER, Colour, place_colour
from placefix.drawings.feature_maps import FeatureMap
from placefix.drawings.text import CAPTION_PX, TITLE_PX, line_px, width_of, write

PICTURE_WIDTH_PX = 640
PICTURE_HEIGHT_PX = 480
MAX_LINES = 64
GAP_PX = 32
HEADER_PX = line_px(TITLE_PX) + line_px(CAPTION_PX) + 6
FOOTER_PX = line_px(CAPTION_PX) + 4

_OVERSAMPLING = 3  # Pillow's lines have steps, which disappear when they are drawn larger and scaled down
_LINE_OPACITY = 215
_DIM = 0.72  # brightness of the pictures below the lines


@dataclass(frozen=True)
class MatchedPair:
    """Hold the mutual matches of two pictures by one network.

    Attributes:
        query_points: The ends in the query ``(n, 2)``, in fractions of its width and height.
        candidate_points: The ends in the candidate ``(n, 2)``, in fractions of its width and height.
    """

    query_points: NDArray[np.float64]
    candidate_points: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.query_points)


def match(query: FeatureMap, candidate: FeatureMap, floor: float | None = None) -> MatchedPair:
    """Find the mutual matches of two pictures (Eq. 7), and their places.

    Args:
        query: The feature map of the query.
        candidate: The feature map of the candidate.
        floor: The least cosine of a match; None if there is none.
    """
    found = find_mutual_matches(query.local_features, candidate.local_features, floor=floor)
    return MatchedPair(
        query.grid.centres()[found.query_cells.cpu().numpy()],
        candidate.grid.centres()[found.candidate_cells.cpu().numpy()],
    )


@dataclass(frozen=True)
class NamedPhoto:
    """Hold an upright picture in mode RGB, and the name that is written below it."""

    name: str
    photo: Image.Image


def draw_matches(query: NamedPhoto, candidate: NamedPhoto, pair: MatchedPair, title: str, note: str) -> Image.Image:
    """Draw a panel: two pictures beside each other, and lines between the places that match.

    If there are more than ``MAX_LINES`` matches, an even sample has lines, and all have a dot at either end. A dot and
    its line have the colour of their place in the query, so that the candidate shows the query's colours rearranged.

    Args:
        query: The picture on the left.
        candidate: The picture on the right.
        pair: Their matches.
        title: The dark line at the top.
        note: The paler line below the title; the number of lines is added if they are a sample.
    """
    left = scaled_into(query.photo, PICTURE_WIDTH_PX, PICTURE_HEIGHT_PX)
    right = scaled_into(candidate.photo, PICTURE_WIDTH_PX, PICTURE_HEIGHT_PX)
    width, height = left.width + GAP_PX + right.width, max(left.height, right.height)
    pictures = Image.new("RGB", (width, height), PAPER)
    pictures.paste(left.point(_dimmed), (0, 0))
    pictures.paste(right.point(_dimmed), (left.width + GAP_PX, 0))
    starts = pair.query_points * left.size
    ends = pair.candidate_points * right.size + (left.width + GAP_PX, 0)
    lines = even_sample(pair.query_points, MAX_LINES)
    _draw_over(pictures, pair, starts, ends, lines)
    if len(lines) < len(pair):
        note += f" · an even sample of {len(lines)} has lines, all {len(pair)} have dots"
    width = max(width, width_of(title, TITLE_PX), width_of(note, CAPTION_PX))
    panel = Image.new("RGB", (width, HEADER_PX + height + FOOTER_PX), PAPER)
    draw = ImageDraw.Draw(panel)
    write(draw, (0, 0), title, width_px=width, size_px=TITLE_PX)
    write(draw, (0, line_px(TITLE_PX)), note, width_px=width, colour=MUTED)
    panel.paste(pictures, (0, HEADER_PX))
    for named, start_px, photo in ((query, 0, left), (candidate, left.width + GAP_PX, right)):
        corner = (start_px, HEADER_PX + photo.height + 4)
        write(draw, corner, named.name, width_px=photo.width, colour=MUTED)
    return panel


def even_sample(points: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Choose points that are evenly spread: each next point is the farthest from those chosen before.

    Args:
        points: Points ``(n, 2)``.
        count: Greatest number of points to choose.

    Returns:
        Ascending rows of the chosen points, ``min(n, count)`` of them.
    """
    if len(points) <= count:
        return np.arange(len(points))
    chosen = [0]
    distances = np.linalg.norm(points - points[0], axis=1)
    while len(chosen) < count:
        chosen.append(int(distances.argmax()))
        distances = np.minimum(distances, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.sort(np.array(chosen))


def _draw_over(
    pictures: Image.Image,
    pair: MatchedPair,
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    lines: NDArray[np.int64],
) -> None:
    """Draw lines and dots onto the pictures; ``starts`` and ``ends`` are ``(n, 2)`` in pixels."""
    is_sample = len(lines) < len(pair)
    layer = Image.new("RGBA", (pictures.width * _OVERSAMPLING, pictures.height * _OVERSAMPLING))
    draw = ImageDraw.Draw(layer)
    colours = [place_colour(x, y) for x, y in pair.query_points.tolist()]
    starts, ends = starts * _OVERSAMPLING, ends * _OVERSAMPLING
    for row in lines.tolist():
        line = (*starts[row].tolist(), *ends[row].tolist())
        draw.line(line, fill=(*colours[row], _LINE_OPACITY), width=round((1.2 if is_sample else 1.6) * _OVERSAMPLING))
    lined = set(lines.tolist())
    # Dots with lines are drawn last, above their neighbours.
    for row in sorted(range(len(pair)), key=lambda each: each in lined):
        radius = (4.0 if row in lined else 2.5) * _OVERSAMPLING
        for x, y in (starts[row].tolist(), ends[row].tolist()):
            _draw_dot(draw, x, y, radius, colours[row], is_outlined=row in lined)
    small = layer.resize(pictures.size, Image.Resampling.BOX)
    pictures.paste(small, (0, 0), small)


def _draw_dot(
    draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: Colour, *, is_outlined: bool
) -> None:
    box = (x - radius, y - radius, x + radius, y + radius)
    draw.ellipse(box, fill=(*colour, 255), outline=(*PAPER, 255) if is_outlined else None, width=_OVERSAMPLING)


def _dimmed(value: int) -> float:
    return value * _DIM
