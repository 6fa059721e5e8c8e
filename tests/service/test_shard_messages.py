"""Check that pairs of cells survive the way between a shard and a front end, and that impossible ones are refused."""

from dataclasses import replace

import numpy as np
import pytest

from service.errors import MalformedBody
from service.matches import MatchedCells
from service.shard_messages import pack_matches, unpack_matches
from service.words import MOST_PAIRS

CELLS = 100
TOO_MANY = np.zeros(MOST_PAIRS + 1, np.int64)
PAIRS = MatchedCells(7, np.array([5, 99, 0]), np.array([1, 2, 3]), np.array([0.9, 1 / 3, -0.25]))


def test_pairs_arrive_as_they_were_sent() -> None:
    none = MatchedCells(0, np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    found = unpack_matches(pack_matches([PAIRS, none]), 2, CELLS)
    assert found is not None
    for sent, arrived in zip((PAIRS, none), found, strict=True):
        assert arrived.count == sent.count
        for name in ("query_cells", "candidate_cells", "similarities"):
            assert getattr(arrived, name).tobytes() == getattr(sent, name).tobytes()
    assert unpack_matches(pack_matches(None), 2, CELLS) is None


@pytest.mark.parametrize(
    "wrong",
    [
        replace(PAIRS, count=2),
        replace(PAIRS, query_cells=np.array([5, 100, 0])),
        replace(PAIRS, candidate_cells=np.array([-1, 2, 3])),
        replace(PAIRS, candidate_cells=np.array([1, 2])),
        replace(PAIRS, similarities=np.array([0.9, np.nan, 0.1])),
        replace(PAIRS, similarities=np.array([0.9, 0.5, 0.1], np.float32)),
        replace(PAIRS, query_cells=np.array([5.0, 9.0, 0.0])),
        MatchedCells(500, TOO_MANY, TOO_MANY.copy(), np.zeros(len(TOO_MANY))),
    ],
    ids=range(8),
)
def test_impossible_pairs_are_refused(wrong: MatchedCells) -> None:
    with pytest.raises(MalformedBody):
        unpack_matches(pack_matches([wrong]), 1, CELLS)


def test_an_answer_about_fewer_pictures_is_refused() -> None:
    with pytest.raises(MalformedBody, match=r"has no '1\.count'"):
        unpack_matches(pack_matches([PAIRS]), 2, CELLS)
