"""Candidates are drawn with the pairs that an answer tells."""

import numpy as np
from PIL import Image

from placefix.drawings.colours import FAINT
from placefix.drawings.matched_candidates import draw_matched_candidates, points
from placefix.drawings.matches import NamedPhoto
from service.schemas.candidate import CandidateAnswer
from service.schemas.evidence import CellGridAnswer, MatchedCandidateAnswer, MatchesAnswer

GRID = CellGridAnswer(rows=2, columns=4, x=[0.125, 0.375, 0.625, 0.875], y=[0.25, 0.75])


def matched(count: int) -> MatchedCandidateAnswer:
    candidate = CandidateAnswer(
        rank=1, id="a.jpg", latitude=0, longitude=0, heading_deg=None, mutual_matches=None, global_distance=0.5
    )
    return MatchedCandidateAnswer(
        candidate=candidate,
        is_elsewhere=False,
        count=count,
        query_cells=[0],
        candidate_cells=[7],
        similarities=[0.9],
    )


def test_cells_are_counted_row_by_row() -> None:
    assert points(GRID, [0, 5, 7]).tolist() == [[0.125, 0.25], [0.375, 0.75], [0.875, 0.75]]


def test_a_candidate_without_a_thumbnail_is_grey_and_has_its_dots() -> None:
    photo = NamedPhoto("photo.jpg", Image.new("RGB", (400, 300)))
    asked: list[str] = []
    drawn = draw_matched_candidates(photo, MatchesAnswer(grid=GRID, candidates=[matched(1)]), asked.append)
    assert asked == ["a.jpg"]
    colours = {tuple(colour) for colour in np.asarray(drawn).reshape(-1, 3).tolist()}
    assert tuple(round(0.72 * channel) for channel in FAINT) in colours
    assert any(max(colour) > 250 > min(colour) + 60 for colour in colours)  # a bright line


def test_each_candidate_has_a_panel() -> None:
    photo = NamedPhoto("photo.jpg", Image.new("RGB", (400, 300)))
    one, two = (
        draw_matched_candidates(photo, MatchesAnswer(grid=GRID, candidates=[matched(3)] * count), lambda _: None)
        for count in (1, 2)
    )
    assert two.width == one.width
    assert two.height > 1.8 * one.height
