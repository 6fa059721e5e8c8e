"""Tables of answers for people."""

import io
from collections import Counter

import pytest
from rich.console import Console

from placefix.answers.outcome import Outcome
from placefix.answers.tables import print_answer, print_outcomes, summary
from tests.placefix.answers.answers import OUTCOMES, answer


def console(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, highlight=False)


def printed(to: Console) -> str:
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


@pytest.mark.parametrize(
    ("confidence", "sure"),
    [(1.0, ">99.9%"), (0.9996, ">99.9%"), (0.9994, "99.9%"), (0.0, "0.0%"), (None, "nobody knows")],
)
def test_nobody_is_sure_to_the_last(confidence: float | None, sure: str) -> None:
    to = console(80)
    print_answer(answer(confidence=confidence), to)
    assert sure in printed(to).splitlines()[0]


def test_a_narrow_terminal_leaves_out_where_a_photo_was_recognised() -> None:
    for width, is_told in ((80, False), (120, True)):
        to = console(width)
        print_outcomes(OUTCOMES, to)
        assert ("lund/ö 1.jpg" in printed(to)) == is_told
        assert max(map(len, printed(to).splitlines())) <= width
        assert "broken.jpg: broken.jpg cannot be decoded" in printed(to)


def test_candidates_fit_into_eighty_columns() -> None:
    to = console(80)
    print_answer(answer(), to)
    lines = printed(to).splitlines()
    assert "rank" in lines[2]
    assert "matches" in lines[2]
    assert max(map(len, lines)) <= 80
    assert any("lund/ö 1.jpg" in line and "55.700000, -13.200000" in line for line in lines)


def test_kinds_of_answers_are_counted_in_their_order() -> None:
    statuses = Counter(outcome.status for outcome in (*OUTCOMES, Outcome("b.jpg", answer())))
    statuses["of a later release"] = 1200
    assert summary(statuses) == (
        "1,206 photos: 2 localized, 1 uncalibrated, 1 not found, 1 no candidates, 1 failed, 1,200 of a later release"
    )
