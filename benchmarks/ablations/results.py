"""The stored results of all finished cells."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ablations.bootstrap import Interval, bootstrap, bootstrap_difference
from benchmarks.ablations.cells import Cell
from benchmarks.ablations.conditions import Conditions
from benchmarks.ablations.outcome import Outcome


@dataclass(frozen=True)
class Result:
    """Hold a finished cell with one seed.

    Attributes:
        summary: The settings of training and measurement.
        outcome: The outcome.
    """

    summary: Mapping[str, Any]
    outcome: Outcome


@dataclass(frozen=True)
class Results:
    """Hold all results in a folder of outcomes.

    Attributes:
        by_name: Name of a cell → runs of the cell, by seed.
        conditions: The conditions of the queries.
    """

    by_name: Mapping[str, Mapping[int, Result]]
    conditions: Conditions

    @classmethod
    def load(cls, folder: Path) -> "Results":
        """Read a folder.

        Raises:
            InvalidInput: The folder holds no outcomes.
        """
        conditions = Conditions.load(folder)
        by_name: dict[str, dict[int, Result]] = {}
        for path in sorted(folder.glob("*-seed*.json")):
            summary = json.loads(path.read_text("utf-8"))
            outcome = Outcome.load(path.with_suffix(".npz"))
            by_name.setdefault(summary["cell"], {})[summary["seed"]] = Result(summary, outcome)
        return cls(by_name, conditions)

    def seeds(self, cell: Cell) -> Sequence[Result]:
        """Return the runs of a cell, by seed; none if it was not run."""
        runs = self.by_name.get(cell.name, {})
        return [runs[seed] for seed in sorted(runs)]

    def of_seed(self, seed: int) -> "Results":
        """Return all runs with one seed."""
        runs = {name: {seed: by_seed[seed]} for name, by_seed in self.by_name.items() if seed in by_seed}
        return Results(runs, self.conditions)

    def hits(self, cell: Cell, at: int, reranked: int, *conditions: str) -> list[NDArray[np.bool_]]:
        """Return for each seed ``(q,)`` which queries have a right one among the first, under these conditions."""
        mask = self.conditions.mask(*conditions)
        return [run.outcome.first_right(reranked)[mask] < at for run in self.seeds(cell)]

    def recall(self, cell: Cell, at: int, reranked: int, *conditions: str) -> Interval | None:
        """Return recall@N with its interval; None if the cell was not run."""
        hits = self.hits(cell, at, reranked, *conditions)
        return bootstrap(hits) if hits else None

    def gain(self, cell: Cell, reranked: int, at: int, *conditions: str) -> Interval | None:
        """Return the points that re-ranking adds to recall@N, paired by query."""
        after, before = self.hits(cell, at, reranked, *conditions), self.hits(cell, at, 0, *conditions)
        return bootstrap_difference(after, before) if after else None

    def difference(self, cell: Cell, other: Cell, at: int, reranked: int, *conditions: str) -> Interval | None:
        """Return the points of one cell over another, paired by query."""
        ours, theirs = (self.hits(each, at, reranked, *conditions) for each in (cell, other))
        return bootstrap_difference(ours, theirs) if ours and theirs else None
