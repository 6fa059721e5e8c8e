"""``placefix map versions``, ``activate``, ``rollback``, ``prune``, ``abandon`` and ``ids``."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal
from rich.table import Column, Table

from index_builder.changes.prune import Pruned, abandon_change, prune_versions
from place_map.activation import Move, activate_version, roll_back
from place_map.exchange.opening import is_origin, open_origin
from place_map.exchange.prune import PrunedOrigin, prune_origin
from place_map.reader import PlaceMap
from place_map.versions import Version, list_versions
from placefix.commands.map_changes import AsJson, MapArgument
from placefix.console import output_console
from placefix.wording import count


def versions(map_path: MapArgument, as_json: AsJson = False) -> None:
    """List the versions of a map: the time and the kind of each change, and the bytes that its removal would free."""
    found = list_versions(map_path)
    if as_json:
        typer.echo(json.dumps([_as_json(version) for version in found], indent=2))
        return
    table = Table(
        Column("version", no_wrap=True),
        Column("made (UTC)", no_wrap=True),
        "from",
        Column("change", no_wrap=True),
        Column("pictures", justify="right"),
        Column("its own", justify="right", no_wrap=True),
    )
    for version in found:
        manifest, change = version.manifest, version.manifest.change
        counts = (("+", change.added), ("~", change.replaced), ("−", change.removed))
        told = " ".join(f"{sign}{count:,}" for sign, count in counts if count)
        table.add_row(
            f"{manifest.version}{' ●' if version.is_current else ''}",
            f"{datetime.fromisoformat(manifest.created_at).astimezone(UTC):%Y-%m-%d %H:%M}",
            manifest.parent or "",
            f"{change.kind} {told}".strip(),
            f"{manifest.counts.placed:,}",
            decimal(version.own_bytes),
            style="bold" if version.is_current else None,
        )
    output_console().print(table)
    output_console().print("● is served; its own: bytes that no other version has", style="dim")


def activate(
    map_path: MapArgument,
    version: Annotated[str, typer.Argument(help="Its number, as placefix map versions prints it.", show_default=False)],
) -> None:
    """Serve another version of a map; it is opened for a trial first."""
    _tell_move(map_path.name, activate_version(map_path, version))


def rollback(map_path: MapArgument) -> None:
    """Serve the version again that the served one was made from."""
    _tell_move(map_path.name, roll_back(map_path))


def prune(
    target: Annotated[
        str,
        typer.Argument(
            metavar="MAP",
            help="The map: maps/NAME; or an origin: its directory, or s3://BUCKET/PREFIX.",
            show_default=False,
        ),
    ],
    keep: Annotated[
        int | None, typer.Option(min=1, help="Remove all but this many of the newest.", show_default=False)
    ] = None,
    version: Annotated[
        list[str] | None, typer.Option(help="Remove this one; may be repeated.", show_default=False)
    ] = None,
) -> None:
    """Remove versions, and the features that no other version has. The served one always stays.

    At an origin the version that it names stays, and so do the files of a push that is under way.
    """
    doomed = tuple(version or ())
    pruned: Pruned | PrunedOrigin
    if is_origin(target):
        pruned = prune_origin(open_origin(target), keep=keep, versions=doomed)
    else:
        pruned = prune_versions(Path(target), keep=keep, versions=doomed)
    told = f"{', '.join(pruned.versions)}: removed" if pruned.versions else "no version to remove"
    output_console().print(
        f"{told}; {count(len(pruned.segments), 'segment')} with them; {decimal(pruned.freed_bytes)} freed",
        soft_wrap=True,
    )


def abandon(map_path: MapArgument) -> None:
    """Throw away the work of an interrupted build, add, update or compact."""
    was_there = abandon_change(map_path)
    output_console().print(
        f"{map_path}: the unfinished work is gone" if was_there else f"{map_path}: nothing was unfinished",
        soft_wrap=True,
    )


def ids(
    map_path: MapArgument,
    version: Annotated[str | None, typer.Option(help="By default the served one.", show_default=False)] = None,
) -> None:
    """Print the ids of all pictures of a map, one in a line."""
    with PlaceMap.open(map_path, version) as place_map:
        for place_id in place_map.places.ids:
            typer.echo(place_id)


def _tell_move(name: str, move: Move) -> None:
    told = "as before" if move.before == move.after else f"before it was {move.before}"
    output_console().print(f"{name}: version {move.after} is served; {told}", soft_wrap=True)


def _as_json(version: Version) -> dict[str, object]:
    manifest = version.manifest
    return {
        "version": manifest.version,
        "is_current": version.is_current,
        "created_at": manifest.created_at,
        "parent": manifest.parent,
        "change": manifest.change.model_dump(),
        "placed": manifest.counts.placed,
        "segments": [segment.id for segment in manifest.segments],
        "bytes": manifest.total_bytes,
        "own_bytes": version.own_bytes,
    }
