"""The answers to questions, and a file in which they survive an interruption."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from service.localization import Candidate


@dataclass(frozen=True)
class Answer:
    """Hold all candidates of a question.

    Attributes:
        rows: Rows of the candidates ``(k,)``, by global distance.
        distances: Distances of the global features ``(k,)``.
        scores: The re-ranker's scores ``(k,)``; ``(0,)`` if no candidate was compared.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.float32]
    scores: NDArray[np.float64]

    @classmethod
    def of(cls, candidates: Sequence[Candidate]) -> Self:
        """Return the answer that consists of candidates in any order."""
        ordered = sorted(candidates, key=lambda each: (each.global_distance, each.row))
        return cls(
            np.array([each.row for each in ordered], dtype=np.int64),
            np.array([each.global_distance for each in ordered], dtype=np.float32),
            np.array([each.score for each in ordered if each.score is not None], dtype=np.float64),
        )

    def without(self, rows: NDArray[np.int64]) -> Self:
        """Return the answer without some rows ``(m,)``."""
        stays = ~np.isin(self.rows, rows)
        return type(self)(
            self.rows[stays], self.distances[stays], self.scores[stays] if len(self.scores) else self.scores
        )

    def followed_by(self, more: Self) -> Self:
        """Return the answer with more candidates behind its own."""
        return type(self)(
            np.concatenate([self.rows, more.rows]),
            np.concatenate([self.distances, more.distances]),
            np.concatenate([self.scores, more.scores]),
        )


class AnswerLog:
    """Keep answers by their questions, one a line of a file."""

    def __init__(self, path: Path, about: str) -> None:
        """Read the answers of an interrupted run.

        Args:
            path: The file, which is made if it does not exist.
            about: A description of the run; answers of a run with another description are thrown away.
        """
        self._path = path
        self._answers: dict[str, Answer] = {}
        head = json.dumps(about)
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        if lines and lines[0] == head:
            for line in lines[1:]:
                if (read := _read(line)) is None:  # the run was killed while it wrote this line
                    break
                self._answers[read[0]] = read[1]
        whole = [head, *(_line(key, answer) for key, answer in self._answers.items())]
        path.write_text("".join(f"{line}\n" for line in whole), "utf-8")

    def find(self, key: str) -> Answer | None:
        """Return the answer to a question; None if it was not asked."""
        return self._answers.get(key)

    def add(self, key: str, answer: Answer) -> None:
        """Keep the answer to a question."""
        self._answers[key] = answer
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_line(key, answer) + "\n")

    def remove(self) -> None:
        """Remove the file when its answers are no longer needed."""
        self._path.unlink(missing_ok=True)


def _line(key: str, answer: Answer) -> str:
    return json.dumps([key, answer.rows.tolist(), answer.distances.tolist(), answer.scores.tolist()])


def _read(line: str) -> tuple[str, Answer] | None:
    try:
        key, rows, distances, scores = json.loads(line)
    except ValueError:
        return None
    arrays = np.array(rows, np.int64), np.array(distances, np.float32), np.array(scores, np.float64)
    return key, Answer(*arrays)
