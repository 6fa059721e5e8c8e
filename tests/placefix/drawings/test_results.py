"""Frames tell right from wrong."""

from dataclasses import replace

import pytest
from PIL import Image

from placefix.drawings.canvas import MARGIN_PX
from placefix.drawings.colours import FAINT, PAPER, RIGHT, UNKNOWN, WRONG
from placefix.drawings.results import (
    CELL_HEIGHT_PX,
    CELL_WIDTH_PX,
    FRAME_PX,
    TILE_GAP_PX,
    TILE_HEIGHT_PX,
    ShownCandidate,
    ShownResult,
    draw_result,
    draw_sheet,
    format_metres,
)

BLUE = (0, 0, 200)
PHOTO = Image.new("RGB", (640, 480), BLUE)
CANDIDATE = ShownCandidate("a.jpg", PHOTO, 3.0, is_right=True, mutual_matches=12, global_distance=0.5)
COLUMN_PX = CELL_WIDTH_PX + TILE_GAP_PX


def result_of(*candidates: ShownCandidate) -> ShownResult:
    return ShownResult("q.jpg", PHOTO, "nearest in the map: 3 m", candidates)


def test_frames_are_green_red_or_grey_and_the_query_has_none() -> None:
    row = draw_result(
        result_of(
            CANDIDATE,
            replace(CANDIDATE, is_right=False, off_m=80.0),
            replace(CANDIDATE, is_right=None, off_m=None),
        )
    )
    assert row.size == (4 * COLUMN_PX - TILE_GAP_PX, CELL_HEIGHT_PX)
    middle = TILE_HEIGHT_PX // 2
    colours = [row.getpixel((column * COLUMN_PX + FRAME_PX // 2, middle)) for column in range(4)]
    assert colours == [PAPER, RIGHT, WRONG, UNKNOWN]
    assert {row.getpixel((column * COLUMN_PX + FRAME_PX, middle)) for column in range(4)} == {BLUE}


def test_narrow_pictures_stand_left_and_wide_ones_right_above_their_caption() -> None:
    narrow, wide = (replace(CANDIDATE, picture=Image.new("RGB", size, BLUE)) for size in ((300, 600), (512, 128)))
    row = draw_result(result_of(narrow, wide))
    width = TILE_HEIGHT_PX // 2
    at_left = [row.getpixel((COLUMN_PX + x, 100)) for x in (0, FRAME_PX, FRAME_PX + width - 1, FRAME_PX + width)]
    assert at_left == [RIGHT, BLUE, BLUE, RIGHT]
    assert row.getpixel((COLUMN_PX + 2 * FRAME_PX + width, 100)) == PAPER
    bottom, height = FRAME_PX + TILE_HEIGHT_PX, 64
    x = 2 * COLUMN_PX + 100
    from_below = [row.getpixel((x, bottom - y)) for y in (0, 1, height, height + 1, height + FRAME_PX + 1)]
    assert from_below == [RIGHT, BLUE, BLUE, RIGHT, PAPER]


def test_a_map_without_thumbnails_leaves_a_place_in_its_frame() -> None:
    row = draw_result(result_of(replace(CANDIDATE, picture=None)))
    assert row.getpixel((COLUMN_PX + FRAME_PX + 5, 20)) == FAINT
    assert row.getpixel((COLUMN_PX + 2, 20)) == RIGHT


@pytest.mark.parametrize(
    "other",
    [
        replace(CANDIDATE, mutual_matches=13),
        replace(CANDIDATE, mutual_matches=None),
        replace(CANDIDATE, off_m=4.0),
        replace(CANDIDATE, id="b.jpg"),
    ],
)
def test_captions_tell_matches_metres_and_names(other: ShownCandidate) -> None:
    below = (COLUMN_PX, TILE_HEIGHT_PX + 2 * FRAME_PX, COLUMN_PX + CELL_WIDTH_PX, CELL_HEIGHT_PX)
    assert draw_result(result_of(CANDIDATE)).crop(below) != draw_result(result_of(other)).crop(below)


def test_a_sheet_has_all_rows_below_its_heading() -> None:
    rows = [draw_result(result_of(CANDIDATE)), draw_result(result_of(CANDIDATE, CANDIDATE))]
    sheet = draw_sheet(rows, "map town", "green is right")
    assert sheet.width == rows[1].width + 2 * MARGIN_PX
    assert sheet.height > 2 * CELL_HEIGHT_PX
    bottom = sheet.height - MARGIN_PX - CELL_HEIGHT_PX
    assert sheet.crop((MARGIN_PX, bottom, sheet.width - MARGIN_PX, sheet.height - MARGIN_PX)) == rows[1]


@pytest.mark.parametrize(
    ("distance_m", "text"),
    [(0.4, "0 m"), (24.6, "25 m"), (999.4, "999 m"), (999.6, "1.0 km"), (99_900, "99.9 km"), (5_340_000, "5,340 km")],
)
def test_distances_are_short(distance_m: float, text: str) -> None:
    assert format_metres(distance_m) == text
