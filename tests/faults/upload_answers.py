"""What may be answered to a broken upload, and how often it was."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from service.problems import PROBLEM_KINDS
from tests.service.asking import check_uncalibrated

_STATUSES = {400, 408, 413, 415, 422}
_STATUSES_OF_BROKEN_HTTP = _STATUSES | {404, 405, 431}  # a path, a method or a head may be what is damaged


@dataclass(frozen=True)
class Answer:
    """Of the server.

    Attributes:
        status: HTTP's.
        content_type: What it says that it is.
        body: What it is.
    """

    status: int
    content_type: str
    body: bytes


@dataclass
class Tally:
    """What was answered, and to what.

    Attributes:
        answers: Status and code → how often; ``closed`` where the connection was.
        broken: What was broken, such as the format of the picture → how often.
    """

    answers: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, answer: Answer | None) -> None:
        self.broken[kind.partition(":")[0]] += 1
        if answer is None:
            self.answers["closed"] += 1
        else:
            said = json.loads(answer.body or b"{}")
            self.answers[f"{answer.status} {said.get('status' if answer.status == 200 else 'code', '')}"] += 1


def check_answer(answer: Answer) -> None:
    """Asserts that it is what an upload may be answered with that arrived as HTTP."""
    if answer.status == 200:
        said = json.loads(answer.body)
        if said["status"] == "no_candidates":  # by a prior of nowhere
            assert (said["position"], said["candidates"], said["evidence"]) == (None, [], None)
        elif said["photos"] is None:
            check_uncalibrated(said)
        else:
            assert (said["status"], said["confidence"]) == ("uncalibrated", None)
            assert any(photo["candidate"] is not None for photo in said["photos"])
        return
    problem = _check_problem(answer)
    assert answer.status in _STATUSES
    assert PROBLEM_KINDS[problem["code"]].status == answer.status


def check_answer_to_broken_http(answer: Answer) -> None:
    """Asserts that it is what may be answered to bytes that are no HTTP, or other HTTP than was meant."""
    if answer.status == 200:
        return  # of another request than was meant, such as OPTIONS
    _check_problem(answer)
    assert answer.status in _STATUSES_OF_BROKEN_HTTP


def _check_problem(answer: Answer) -> dict[str, Any]:
    assert answer.content_type == "application/problem+json"
    problem: dict[str, Any] = json.loads(answer.body)
    assert problem["status"] == answer.status
    assert problem["code"]
    assert problem["detail"]
    return problem
