"""Check that answers survive the way between a shard and a front end, and that impossible ones are refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import torch as safetensors

from place_map.proposals import NO_PROPOSALS, Proposals
from service.errors import MalformedBody
from service.matches import MatchedCells
from service.shard_answers import pack_matches, pack_shortlist, unpack_matches, unpack_shortlist
from service.shortlist import ProposedShortlist
from service.words import MOST_PAIRS

CELLS = 100
TOO_MANY = np.zeros(MOST_PAIRS + 1, np.int64)
PAIRS = MatchedCells(7, np.array([5, 99, 0]), np.array([1, 2, 3]), np.array([0.9, 1 / 3, -0.25]))


def test_pairs_arrive_as_they_were_sent() -> None:
    none = MatchedCells(0, np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    every_second = MatchedCells(7, np.arange(6)[::2], np.arange(6)[1::2], np.arange(6.0)[::2] / 8)
    found = unpack_matches(pack_matches([PAIRS, none, every_second]), 3, CELLS)
    assert found is not None
    for sent, arrived in zip((PAIRS, none, every_second), found, strict=True):
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


def proposals(**changes: object) -> Proposals:
    nothing = {"rows": [4, 1, 9], "code_distances": [0.5, 0.5, 1 / 3], "distances": [0.7, 0.2, 0.3]} | changes
    return Proposals(
        np.array(nothing["rows"], np.int64),
        np.array(nothing["code_distances"], np.float32),
        np.array(nothing["distances"], np.float32),
        most=int(str(changes.get("most", 3))),
    )


def test_proposals_arrive_as_they_were_sent() -> None:
    exact = Proposals.exact(proposals().nearest(3), most=4)
    for sent in (
        ProposedShortlist(proposals()),
        ProposedShortlist(proposals(most=5), proposals(most=20)),
        ProposedShortlist(exact, proposals()),
        ProposedShortlist(exact, exact),
    ):
        arrived = unpack_shortlist(pack_shortlist(sent), 2)
        for one, other in ((sent.answers, arrived.answers), (sent.rivals, arrived.rivals)):
            assert one.most == other.most
            for name in ("rows", "code_distances", "distances"):
                assert getattr(one, name).tobytes() == getattr(other, name).tobytes()
                assert getattr(one, name).dtype == getattr(other, name).dtype


@pytest.mark.parametrize(
    "wrong",
    [
        proposals(most=2),
        proposals(most=-1),
        proposals(most=16 * 2 + 16 + 1),
        proposals(rows=[4, 1]),
        proposals(distances=[0.7, 0.2]),
        proposals(code_distances=[0.5, 0.5]),
        proposals(code_distances=[0.5, np.nan, 0.2]),
        proposals(distances=[0.5, np.inf, 0.2]),
        replace(proposals(), distances=np.zeros(3)),  # type: ignore[arg-type]
        replace(proposals(), rows=np.zeros(3, np.int32)),
    ],
    ids=range(10),
)
def test_impossible_proposals_are_refused(wrong: Proposals) -> None:
    with pytest.raises(MalformedBody):
        unpack_shortlist(pack_shortlist(ProposedShortlist(wrong)), 2)
    with pytest.raises(MalformedBody):
        unpack_shortlist(pack_shortlist(ProposedShortlist(NO_PROPOSALS, wrong)), 2)


def test_an_answer_without_proposals_is_refused() -> None:
    body = safetensors.save({"answers.rows": torch.zeros(1, dtype=torch.int64)})
    with pytest.raises(MalformedBody, match=r"has no 'answers\.most'"):
        unpack_shortlist(body, 2)


def test_an_answer_about_fewer_pictures_is_refused() -> None:
    with pytest.raises(MalformedBody, match=r"has no '1\.count'"):
        unpack_matches(pack_matches([PAIRS]), 2, CELLS)
