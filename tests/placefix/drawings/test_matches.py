"""Lines begin and end where the matches are."""

import numpy as np
import pytest
import torch
from PIL import Image

from model.cell_grid import CellGrid
from model.matching import count_mutual_matches
from placefix.drawings.colours import Colour, place_colour
from placefix.drawings.feature_maps import FeatureMap
from placefix.drawings.matches import (
    GAP_PX,
    HEADER_PX,
    MAX_LINES,
    MatchedPair,
    NamedPhoto,
    draw_matches,
    even_sample,
    match,
)

BLACK = NamedPhoto("left.jpg", Image.new("RGB", (640, 480)))
WIDE = NamedPhoto("right.jpg", Image.new("RGB", (640, 320)))


def pair_of(*ends: tuple[tuple[float, float], tuple[float, float]]) -> MatchedPair:
    starts, stops = zip(*ends, strict=True)
    return MatchedPair(np.array(starts, dtype=np.float64), np.array(stops, dtype=np.float64))


def colour_at(panel: Image.Image, x: float, y: float) -> Colour:
    colour = panel.getpixel((round(x), round(y)))
    assert isinstance(colour, tuple)
    return colour[0], colour[1], colour[2]


def is_near(colour: Colour, other: Colour, tolerance: int = 30) -> bool:
    return max(abs(a - b) for a, b in zip(colour, other, strict=True)) <= tolerance


def test_a_line_leads_from_the_place_in_the_query_to_the_place_in_the_candidate() -> None:
    panel = draw_matches(BLACK, WIDE, pair_of(((0.25, 0.5), (0.75, 0.25))), "1 mutual match", "")
    start, end = (160, HEADER_PX + 240), (640 + GAP_PX + 480, HEADER_PX + 80)
    colour = place_colour(0.25, 0.5)
    assert is_near(colour_at(panel, *start), colour, 3)
    assert is_near(colour_at(panel, *end), colour, 3)
    for share in np.linspace(0.03, 0.4, 20):
        x, y = (round(a + share * (b - a)) for a, b in zip(start, end, strict=True))
        assert np.asarray(panel.crop((x, y - 1, x + 1, y + 2))).max() > 100
    assert colour_at(panel, start[0], start[1] - 60) == (0, 0, 0)
    beyond = end[0] + 20, end[1] - 3
    assert colour_at(panel, *beyond) == (0, 0, 0)


def test_each_match_has_its_own_line() -> None:
    panel = draw_matches(BLACK, BLACK, pair_of(((0.1, 0.2), (0.3, 0.2)), ((0.1, 0.8), (0.3, 0.8))), "", "")
    for y in (0.2, 0.8):
        colour = place_colour(0.1, y)
        assert is_near(colour_at(panel, 500, HEADER_PX + 480 * y), (colour[0], colour[1], colour[2]), 60)
    assert colour_at(panel, 500, HEADER_PX + 240) == (0, 0, 0)


def test_of_many_matches_all_have_dots_and_a_sample_has_lines() -> None:
    centres = CellGrid((16, 16), (16, 16)).centres()
    panel = draw_matches(BLACK, BLACK, MatchedPair(centres, centres), "", "")
    for x, y in centres:
        for left in (0, 640 + GAP_PX):
            assert max(colour_at(panel, left + 640 * x, HEADER_PX + 480 * y)) > 100
    between = np.asarray(panel.crop((644, HEADER_PX, 640 + GAP_PX - 4, HEADER_PX + 480))).min(axis=(1, 2)) < 250
    assert 8 <= np.diff(between.astype(int)).clip(min=0).sum() <= 16  # parallel lines: at most one for each row


@pytest.mark.parametrize("count", [1, MAX_LINES, 300])
def test_a_sample_lies_evenly_among_all(count: int) -> None:
    points = CellGrid((20, 20), (20, 20)).centres()
    rows = even_sample(points, count)
    assert len(rows) == min(count, 400)
    assert len(set(rows.tolist())) == len(rows)
    if count == MAX_LINES:
        to_sample = np.linalg.norm(points[:, None] - points[rows][None], axis=2).min(axis=1)
        assert to_sample.max() < 1.6 / MAX_LINES**0.5
    assert even_sample(points[:5], 8).tolist() == [0, 1, 2, 3, 4]


def test_matches_are_those_that_re_ranking_counts() -> None:
    grid = CellGrid((4, 4), (4, 4))
    generator = torch.Generator().manual_seed(2)
    features = torch.randn(16, 8, generator=generator)
    order = torch.randperm(16, generator=generator)
    pair = match(FeatureMap(features, grid), FeatureMap(3 * features[order], grid))
    assert len(pair) == 16
    centres = grid.centres()
    place_of = {cell: place for place, cell in enumerate(order.tolist())}
    for cell in range(16):
        assert pair.query_points[cell].tolist() == centres[cell].tolist()
        assert pair.candidate_points[cell].tolist() == centres[place_of[cell]].tolist()
    other = FeatureMap(torch.randn(16, 8, generator=generator), grid)
    counted = count_mutual_matches(FeatureMap(features, grid).local_features, other.local_features[None])
    assert len(match(FeatureMap(features, grid), other)) == int(counted[0]) < 16


def test_the_header_is_never_cut_by_narrow_pictures() -> None:
    narrow = NamedPhoto("n.jpg", Image.new("RGB", (48, 480)))
    panel = draw_matches(narrow, narrow, pair_of(((0.5, 0.5), (0.5, 0.5))), "a title of some length", "note " * 30)
    assert panel.width > 800
