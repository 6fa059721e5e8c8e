"""The light and weather of the queries, stored beside the outcomes, so that tables need no pictures."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.durable import write_atomically
from model.errors import InvalidInput
from model.places import Place

DAY = ("sun", "overcast")
_NAME = "conditions.json"


@dataclass(frozen=True)
class Conditions:
    """Hold the condition of each of Q queries, in the order of the outcomes."""

    of_query: tuple[str, ...]

    def mask(self, *names: str) -> NDArray[np.bool_]:
        """Return ``(Q,)``, whether each query has one of these conditions; all without a name."""
        return np.array([not names or condition in names for condition in self.of_query])

    @property
    def names(self) -> tuple[str, ...]:
        """Return each condition once, in alphabetical order."""
        return tuple(sorted(set(self.of_query)))

    def save(self, folder: Path) -> None:
        """Write them into a folder of outcomes."""
        write_atomically(folder / _NAME, (json.dumps(self.of_query) + "\n").encode())

    @classmethod
    def load(cls, folder: Path) -> "Conditions":
        """Read the result of ``save``.

        Raises:
            InvalidInput: The file is missing or unreadable.
        """
        try:
            return cls(tuple(json.loads((folder / _NAME).read_text("utf-8"))))
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{folder} has no readable {_NAME} ({error}); run a cell there first") from error


def read_conditions(queries: Sequence[Place], table: Path) -> Conditions:
    """Read the conditions of queries from their table.

    Raises:
        InvalidInput: The table has no column ``condition``, or misses a query.
    """
    with table.open(newline="", encoding="utf-8") as file:
        stated = {(table.parent / row["path"]).resolve(): row.get("condition") for row in csv.DictReader(file)}
    conditions = [stated.get(place.path.resolve()) for place in queries]
    known = tuple(condition for condition in conditions if condition)
    if len(known) < len(conditions):
        raise InvalidInput(
            f"{table} states no condition of {len(conditions) - len(known)} of {len(conditions)} queries"
        )
    return Conditions(known)
