"""The benchmark of the page in a small size: its map and its measurement."""

from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.browser import find_chromium
from benchmarks.page.command import VIEWS, measure_page
from benchmarks.page.frames import Frames
from benchmarks.page.walks import PICTURES_OF_A_WALK, STEP_M, walk_records
from model.geo import distance_m


def test_walks_are_steps_with_times_and_the_same_for_the_same_seed() -> None:
    records = list(walk_records(PICTURES_OF_A_WALK + 3))
    assert len({record.id for record in records}) == len(records) == PICTURES_OF_A_WALK + 3
    assert records == list(walk_records(PICTURES_OF_A_WALK + 3))
    for before, after in pairwise(records[:PICTURES_OF_A_WALK]):
        assert distance_m(before.position, after.position) == pytest.approx(STEP_M, rel=0.01)
        assert before.time is not None
        assert after.time is not None
        assert before.time < after.time


def test_frames_are_summed_up() -> None:
    frames = Frames((10.0, 10.0, 10.0, 50.0))
    assert frames.per_s == 50
    assert (frames.quantile_ms(0.5), frames.quantile_ms(1)) == (10, 50)


def test_each_view_is_dragged_and_its_frames_are_counted(tmp_path: Path) -> None:
    if find_chromium() is None:
        pytest.skip("there is no browser")
    figures = measure_page(1000, 1, tmp_path, steps=4)
    assert [row["view"] for row in figures] == list(VIEWS)
    for row in figures:
        assert row["frames"] >= 4
        assert row["answers"] >= 2  # before and after the map was dragged
        assert row["largest_answer_bytes"] > 100
