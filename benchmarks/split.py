"""A rendered split: the pictures to search, the queries, and the light and weather of the queries."""

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
    """Hold one split of the town.

    Attributes:
        database: The pictures to search.
        queries: The queries.
        conditions: The light and weather of each query.
    """

    database: tuple[Place, ...]
    queries: tuple[Place, ...]
    conditions: tuple[str, ...]


def read_split(folder: Path) -> Split:
    """Read ``database.csv`` and ``queries.csv`` of a folder; no picture is opened.

    Raises:
        SourceError: A file cannot be read, lists a missing picture, or does not state conditions.
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
    """Read the condition of each query of a ``queries.csv``, in its order; the pictures may be missing.

    Raises:
        SourceError: The file cannot be read, or has no column of conditions.
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
    """Return the groups of queries ``(Q,)``: all; day, which is sun and overcast; night. Empty groups are left out."""
    of_query = np.array(conditions)
    parts = {
        "all": np.ones(len(of_query), dtype=bool),
        "day": np.isin(of_query, DAY),
        "night": np.isin(of_query, NIGHT),
    }
    return {name: part for name, part in parts.items() if part.any()}
