"""The light and weather of the queries, beside the outcomes, so that tables can be made without the pictures."""

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
    """The condition of each of Q queries, in the order of the outcomes."""

    of_query: tuple[str, ...]

    def mask(self, *names: str) -> NDArray[np.bool_]:
        """``(Q,)``: whether each query was taken under one of these; without a name, all."""
        return np.array([not names or condition in names for condition in self.of_query])

    @property
    def names(self) -> tuple[str, ...]:
        """Each condition once, in the order of the alphabet."""
        return tuple(sorted(set(self.of_query)))

    def save(self, folder: Path) -> None:
        """Writes them into a folder of outcomes."""
        write_atomically(folder / _NAME, (json.dumps(self.of_query) + "\n").encode())

    @classmethod
    def load(cls, folder: Path) -> "Conditions":
        """The inverse of ``save``.

        Raises:
            InvalidInput: They are not there.
        """
        try:
            return cls(tuple(json.loads((folder / _NAME).read_text("utf-8"))))
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{folder} has no readable {_NAME} ({error}); run a cell there first") from error


def read_conditions(queries: Sequence[Place], table: Path) -> Conditions:
    """Reads the conditions of queries from the table that lists them.

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
