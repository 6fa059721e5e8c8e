"""Answers of an interrupted run are not lost, and not taken for others."""

from pathlib import Path

import pytest

from model.errors import InvalidInput
from placefix.answers.journal import Journal, journal_path
from placefix.answers.outcome import Failure, Outcome
from tests.placefix.answers.answers import OUTCOMES, answer

ASKED = {"map": "maps/town"}


def test_answers_are_kept_in_the_order_that_is_asked_for(tmp_path: Path) -> None:
    path = journal_path(tmp_path / "answers.csv")
    with Journal(path, ASKED) as journal:
        for outcome in OUTCOMES:
            journal.add(outcome)
    with Journal(path, ASKED) as journal:
        assert len(journal) == len(OUTCOMES) - 1
        assert "a.jpg" in journal
        assert "broken.jpg" not in journal  # it failed, and is asked about again
        names = [outcome.photo for outcome in reversed(OUTCOMES)]
        assert tuple(journal.outcomes(names)) == OUTCOMES[::-1]
        journal.add(Outcome("broken.jpg", answer()))
        assert next(journal.outcomes(["broken.jpg"])).status == "localized"
        journal.remove()
    assert not path.exists()


@pytest.mark.parametrize("bytes_lost", [1, 30, 400])
def test_half_a_line_of_a_killed_run_is_dropped(bytes_lost: int, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path, ASKED) as journal:
        for outcome in OUTCOMES[:2]:
            journal.add(outcome)
    path.write_bytes(path.read_bytes()[:-bytes_lost])
    with Journal(path, ASKED) as journal:
        assert "a.jpg" in journal
        assert len(journal) == 1
        journal.add(OUTCOMES[1])
        assert tuple(journal.outcomes([OUTCOMES[1].photo, "a.jpg"])) == OUTCOMES[1::-1]


def test_a_run_that_was_killed_before_its_first_line_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b'{"asked"')
    with Journal(path, ASKED) as journal:
        journal.add(Outcome("a.jpg", Failure("not_an_image", "a.jpg is not a picture")))
    with Journal(path, ASKED) as journal:
        assert len(journal) == 0


def test_answers_to_another_question_are_not_mixed_in(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path, ASKED) as journal:
        journal.add(OUTCOMES[0])
    with pytest.raises(InvalidInput, match=r"with another question \(map was maps/town, is maps/city\)"):
        Journal(path, {"map": "maps/city"})
    with pytest.raises(InvalidInput, match=r"with another question \(rerank was None, is never\)"):
        Journal(path, {**ASKED, "rerank": "never"})


@pytest.mark.parametrize("content", [b"something else\n", b'{"asked": 3}\n', b"[]\n"])
def test_a_file_of_somebody_else_is_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match="is not a journal"):
        Journal(path, ASKED)
    assert path.read_bytes() == content


def test_damage_in_the_middle_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path, ASKED) as journal:
        journal.add(OUTCOMES[0])
    path.write_bytes(path.read_bytes() + b'{"answer": 3}\n')
    with pytest.raises(InvalidInput, match="is damaged"):
        Journal(path, ASKED)
