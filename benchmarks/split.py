"""A rendered split: the pictures that are searched, the queries, and in which light and weather these were taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index_builder.errors import SourceError
from index_builder.sources.csv_rows import read_rows
from index_builder.sources.read import read_source
from model.places import Place

DAY = ("sun", "overcast")
NIGHT = ("night",)

_COLUMN = "condition"


@dataclass(frozen=True)
class Split:
    """One split of the town.

    Attributes:
        database: What is searched.
        queries: What is asked.
        conditions: Light and weather of each query.
    """

    database: tuple[Place, ...]
    queries: tuple[Place, ...]
    conditions: tuple[str, ...]


def read_split(folder: Path) -> Split:
    """Reads ``database.csv`` and ``queries.csv`` of a folder; no picture is opened.

    Raises:
        SourceError: One of them cannot be read, lists a picture that is not there, or does not tell conditions.
    """
    database, queries = (read_source(folder / name) for name in ("database.csv", "queries.csv"))
    for listing in (database, queries):
        if listing.left_out:
            left = listing.left_out[0]
            raise SourceError(
                f"{listing.root}: {left.path}: {left.reason}; {len(listing.left_out)} of {len(listing)} pictures "
                "cannot be used. Without them other queries would be measured: render the split again"
            )
    return Split(database.places, queries.places, read_conditions(folder / "queries.csv"))


def read_conditions(file: Path) -> tuple[str, ...]:
    """The condition of each query of a ``queries.csv``, in its order; the pictures need not be there.

    Raises:
        SourceError: It cannot be read, or has no column of conditions.
    """
    header, rows = read_rows(file)
    names = [name.strip().lower() for name in header]
    if _COLUMN not in names:
        raise SourceError(
            f"{file} has no column {_COLUMN}, and so does not tell day from night; its columns are "
            f"{', '.join(header)}. Give a split that `python -m demo render` has written"
        )
    column = names.index(_COLUMN)
    return tuple(row[column].strip() if column < len(row) else "" for _, row in rows)


def groups(conditions: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """Which queries are looked at together ``(Q,)``: all; day, which is sun and overcast; night. None is empty."""
    of_query = np.array(conditions)
    parts = {
        "all": np.ones(len(of_query), dtype=bool),
        "day": np.isin(of_query, DAY),
        "night": np.isin(of_query, NIGHT),
    }
    return {name: part for name, part in parts.items() if part.any()}
