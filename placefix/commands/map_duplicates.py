"""``placefix map duplicates``: pictures that a map holds more than once."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from index_builder.near_duplicates import ComparedPictures, DuplicateGroup, DuplicateLimits, find_near_duplicates
from index_builder.position_grid import MAX_RADIUS_M
from place_map.reader import PlaceMap
from placefix.console import error_console, output_console
from placefix.wording import count

_DEFAULTS = DuplicateLimits()


def duplicates(
    map_path: Annotated[Path, typer.Argument(metavar="MAP", help="The map: maps/NAME.", show_default=False)],
    radius_m: Annotated[
        float, typer.Option(min=0, max=MAX_RADIUS_M, help="The most metres between two duplicates.")
    ] = _DEFAULTS.radius_m,
    within_s: Annotated[
        float, typer.Option(min=0, help="The most seconds between them, if both have a time.")
    ] = _DEFAULTS.within_s,
    cosine: Annotated[
        float, typer.Option(min=-1, max=1, help="The least cosine of their global features.")
    ] = _DEFAULTS.cosine,
    as_json: Annotated[bool, typer.Option("--json", help="Print the groups as JSON.")] = False,
) -> None:
    """List pictures that a map holds more than once: the same file, or the same drive uploaded twice.

    Duplicates are pictures of the same bytes; and pictures that were taken within [bold]--radius-m[/bold] and
    [bold]--within-s[/bold] of each other and are nearly the same to the network. The map is not changed.
    """
    limits = DuplicateLimits(radius_m, within_s, cosine)
    with PlaceMap.open(map_path) as place_map:
        with error_console().status("comparing pictures"):
            place_map.check_sums()
            groups = find_near_duplicates(ComparedPictures.of_map(place_map), limits)
        ids, version = place_map.places.ids, place_map.version
    if as_json:
        typer.echo(json.dumps(_as_json(map_path, version, ids, limits, groups), indent=2))
    else:
        _print(map_path, version, ids, groups)


def _as_json(
    map_path: Path, version: str, ids: Sequence[str], limits: DuplicateLimits, groups: Sequence[DuplicateGroup]
) -> dict[str, object]:
    return {
        "map": str(map_path),
        "version": version,
        "pictures": len(ids),
        "radius_m": limits.radius_m,
        "within_s": limits.within_s,
        "cosine": limits.cosine,
        "groups": [
            {
                "first": ids[group.first],
                "others": [
                    {
                        "id": ids[other.row],
                        "duplicate_of": ids[other.twin],
                        "same_file": other.is_same_file,
                        "distance_m": round(other.distance_m, 3),
                        "cosine": round(other.cosine, 6),
                        "apart_s": other.apart_s,
                    }
                    for other in group.others
                ],
            }
            for group in groups
        ],
    }


def _print(map_path: Path, version: str, ids: Sequence[str], groups: Sequence[DuplicateGroup]) -> None:
    console = output_console()
    if groups:
        table = Table(
            "group", "id", "duplicate of", "metres apart", "cosine", "seconds", title=f"{map_path}: duplicates"
        )
        for column in (0, 3, 4, 5):
            table.columns[column].justify = "right"
        for number, group in enumerate(groups, start=1):
            table.add_row(f"{number:,}", Text(ids[group.first]))
            for other in group.others:
                table.add_row(
                    "",
                    Text(ids[other.row]),
                    Text(ids[other.twin]),
                    f"{other.distance_m:,.1f}",
                    "same file" if other.is_same_file else f"{other.cosine:.4f}",
                    "unknown" if other.apart_s is None else f"{other.apart_s:,.1f}",
                )
            table.add_section()
        console.print(table)
    twins = sum(len(group.others) for group in groups)
    found = f"{twins:,} of them duplicates, in {count(len(groups), 'group')}" if groups else "no duplicates"
    console.print(Text(f"{map_path} version {version}: {count(len(ids), 'picture')}, {found}"), soft_wrap=True)
