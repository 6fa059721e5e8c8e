"""``placefix weights list``: the known weights, their purpose, and whether they are here."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal
from rich.table import Column, Table
from rich.text import Text

from model.weights_cache import WeightsCache
from model.weights_list import ListedWeights, list_weights
from placefix.console import output_console

_WIDTH_WITHOUT_TERMINAL = 240  # characters; a pipe has no width, and folded cells are hard to search

Cache = Annotated[
    Path | None,
    typer.Option(envvar="PLACEFIX_CACHE", help="The folder of the cache.", show_default="the user's cache folder"),
]


def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False, cache: Cache = None
) -> None:
    """List weights: those that others publish, and what else is in the cache; with licence, source and size."""
    listed = list_weights(WeightsCache(cache))
    if as_json:
        typer.echo(json.dumps([_as_json(weights) for weights in listed], indent=2))
    else:
        print_weights(listed)


def print_weights(listed: Sequence[ListedWeights]) -> None:
    """Print a table; on a terminal, long cells fold."""
    table = Table(
        Column("name", no_wrap=True),
        Column("for", overflow="fold"),
        Column("size", justify="right", no_wrap=True),
        Column("licence", no_wrap=True),
        Column("source", overflow="fold"),
        Column("here", no_wrap=True),
        box=None,
        padding=(0, 2, 0, 0),
        header_style="bold",
    )
    for weights in listed:
        table.add_row(
            weights.name,
            Text(weights.purpose),
            decimal(weights.size_bytes),
            weights.licence or "",
            Text(weights.source or ""),
            "no" if weights.presence == "no" else "yes",
            style=None if weights.presence == "no" else "bold",
        )
    console = output_console()
    if not console.is_terminal:
        console.width = _WIDTH_WITHOUT_TERMINAL
    console.print(table)


def _as_json(weights: ListedWeights) -> dict[str, object]:
    return {
        "name": weights.name,
        "purpose": weights.purpose,
        "size_bytes": weights.size_bytes,
        "licence": weights.licence,
        "source": weights.source,
        "presence": weights.presence,
        "path": None if weights.path is None else str(weights.path),
    }
