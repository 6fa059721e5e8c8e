"""The baseline that a network must beat: pictures compared as thumbnails of 8 × 8 pixels."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image
from rich.table import Table

from benchmarks.ablations.bootstrap import bootstrap
from benchmarks.ablations.outcome import Outcome
from benchmarks.split import groups, read_split
from model.errors import InvalidInput
from model.images import open_image
from model.places import Place
from model.recall import DEFAULT_THRESHOLD_M, positives_within
from placefix.console import output_console

SIDE = 8
RECALL_VALUES = (1, 5, 10)

_THREADS = 4


def thumbnail_outcome(database: Sequence[Place], queries: Sequence[Place], shortlist: int = 100) -> Outcome:
    """Find every query by the cosine of thumbnails: 8 × 8 means of red, green and blue, 192 numbers per picture.

    Args:
        database: The pictures to search.
        queries: The queries.
        shortlist: The number of candidates of a query; at most the whole database.

    Returns:
        The outcome, without counts. Distances are Euclidean between thumbnails of length 1, which have the order of
        cosines.

    Raises:
        ImageError: A picture cannot be read.
        InvalidInput: There are no pictures, no queries, or no candidates in the shortlist.
    """
    if not database or not queries or shortlist < 1:
        raise InvalidInput(
            f"{len(queries)} queries, {len(database)} pictures and a shortlist of {shortlist}: each must be at least 1"
        )
    searched, asked = _thumbnails(database), _thumbnails(queries)
    squared = np.maximum(2 - 2 * (asked @ searched.T), 0)  # (Q, n)
    rows = np.argsort(squared, axis=1, kind="stable")[:, :shortlist]
    positives = positives_within(queries, database, DEFAULT_THRESHOLD_M)
    return Outcome(
        is_right=np.stack([np.isin(found, right) for found, right in zip(rows, positives, strict=True)]),
        distances=np.sqrt(np.take_along_axis(squared, rows, axis=1)).astype(np.float32),
        counts=None,
    )


def thumbnail(
    pictures: Annotated[Path, typer.Option(help="The folder of a rendered split.")] = Path(".town/pictures/test"),
    out: Annotated[Path, typer.Option(help="The file of the outcome.")] = Path("benchmarks/results/thumbnail.npz"),
    shortlist: Annotated[int, typer.Option(min=1, help="Candidates of a query that are kept.")] = 100,
) -> None:
    """Measure the recall of thumbnails of 8 × 8 pixels by their cosine, separately for day and night."""
    split = read_split(pictures)
    outcome = thumbnail_outcome(split.database, split.queries, shortlist)
    outcome.save(out)
    first_right = outcome.first_right(0)
    table = Table(title=f"{SIDE} × {SIDE} thumbnails, cosine; {len(split.database):,} pictures searched")
    table.add_column("queries")
    for heading in ("number", *(f"R@{value}" for value in RECALL_VALUES)):
        table.add_column(heading, justify="right")
    for name, part in groups(split.conditions).items():
        found = [str(bootstrap([first_right[part] < value])) for value in RECALL_VALUES]
        table.add_row(name, f"{part.sum():,}", *found)
    output_console().print(table)


def _thumbnails(places: Sequence[Place]) -> NDArray[np.float64]:
    """Return ``(n, 192)``, each row of length 1."""
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="decode") as threads:
        return np.stack(list(threads.map(_thumbnail, places)))


def _thumbnail(place: Place) -> NDArray[np.float64]:
    small = open_image(place.path).resize((SIDE, SIDE), Image.Resampling.BOX)
    values = np.asarray(small, dtype=np.float64).ravel() + 1e-9  # a black picture also needs a direction
    return np.asarray(values / np.linalg.norm(values), dtype=np.float64)
