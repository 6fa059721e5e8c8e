"""Check the answers to broken uploads, and count them."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from service.problems import PROBLEM_KINDS
from tests.service.asking import check_uncalibrated

_STATUSES = {400, 408, 413, 415, 422}
_STATUSES_OF_BROKEN_HTTP = _STATUSES | {404, 405, 431}  # a path, a method or a head may be damaged


@dataclass(frozen=True)
class Answer:
    """Return the errors of the server.

    Attributes:
        status: HTTP's.
        content_type: The declared type.
        body: The bytes of the body.
    """

    status: int
    content_type: str
    body: bytes


@dataclass
class Tally:
    """Count the answers by the kinds of damage.

    Attributes:
        answers: Status and code → how often; ``closed`` where the connection was.
        broken: The broken part, such as the format of the picture → the number of uploads.
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
    """Assert that an upload which arrived as HTTP may get this answer."""
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
    """Assert that bytes which are not HTTP, or other HTTP than intended, may get this answer."""
    if answer.status == 200:
        return  # the answer to another request than intended, such as OPTIONS
    _check_problem(answer)
    assert answer.status in _STATUSES_OF_BROKEN_HTTP


def _check_problem(answer: Answer) -> dict[str, Any]:
    assert answer.content_type == "application/problem+json"
    problem: dict[str, Any] = json.loads(answer.body)
    assert problem["status"] == answer.status
    assert problem["code"]
    assert problem["detail"]
    return problem
