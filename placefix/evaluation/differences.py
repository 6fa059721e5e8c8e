"""The effect of rounding the stored features: the same queries, asked of two maps of the same pictures."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import InvalidInput
from service.evaluate import QueryResult


@dataclass(frozen=True)
class Answer:
    """Hold the answer to one query.

    Attributes:
        rows: Rows of the candidates ``(k,)``, best first.
        scores: Their scores ``(k,)``; None without re-ranking.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float64] | None


class AnswerRecorder:
    """Keep the answers of an evaluation: ``evaluate(…, on_result=recorder.record)``.

    Attributes:
        answers: The answers, one for each query.
    """

    def __init__(self) -> None:
        self.answers: list[Answer] = []

    def record(self, result: QueryResult) -> None:
        """Keep one answer."""
        scores = [candidate.score for candidate in result.final if candidate.score is not None]
        self.answers.append(
            Answer(
                rows=np.array([candidate.row for candidate in result.final], dtype=np.int64),
                scores=None if result.after is None else np.array(scores, dtype=np.float64),
            )
        )


@dataclass(frozen=True)
class Differences:
    """Sum up the differences of two evaluations.

    Attributes:
        queries: The number of queries.
        other_first: Queries with another first candidate.
        other_order: Queries with other candidates, or with the same in another order.
        compared_counts: Pairs of a query and a candidate with a score in both evaluations.
        other_counts: Pairs with different scores.
        mean_count_change: Mean of the absolute change of a score; 0 if none was compared.
        largest_count_change: Largest absolute change of a score.
    """

    queries: int
    other_first: int
    other_order: int
    compared_counts: int
    other_counts: int
    mean_count_change: float
    largest_count_change: float

    @classmethod
    def between(cls, exact: list[Answer], rounded: list[Answer]) -> "Differences":
        """Compare answers query by query.

        Raises:
            InvalidInput: The two have different numbers of queries.
        """
        if len(exact) != len(rounded):
            raise InvalidInput(f"answers to {len(exact)} and to {len(rounded)} queries cannot be compared")
        pairs = list(zip(exact, rounded, strict=True))
        changes = np.concatenate([np.empty(0), *(_count_changes(one, other) for one, other in pairs)])
        return cls(
            queries=len(pairs),
            other_first=sum(not np.array_equal(one.rows[:1], other.rows[:1]) for one, other in pairs),
            other_order=sum(not np.array_equal(one.rows, other.rows) for one, other in pairs),
            compared_counts=len(changes),
            other_counts=int(np.count_nonzero(changes)),
            mean_count_change=float(changes.mean()) if len(changes) else 0.0,
            largest_count_change=float(changes.max(initial=0)),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the differences as plain values."""
        return asdict(self)

    def to_lines(self, store: str) -> list[str]:
        """Return the differences as lines for people."""
        return [
            f"{store} against float32, of {self.queries:,} queries:",
            f"  another first candidate  {self.other_first:,}",
            f"  another order            {self.other_order:,}",
            f"  another count            {self.other_counts:,} of {self.compared_counts:,} pairs, by "
            f"{self.mean_count_change:.2f} on average and {self.largest_count_change:,g} at most",
        ]


def _count_changes(one: Answer, other: Answer) -> NDArray[np.float64]:
    """Return the absolute changes of the scores of the candidates that both answers have."""
    if one.scores is None or other.scores is None:
        return np.empty(0, np.int64)
    _, mine, theirs = np.intersect1d(one.rows, other.rows, assume_unique=True, return_indices=True)
    changes: NDArray[np.float64] = np.abs(one.scores[mine] - other.scores[theirs])
    return changes
