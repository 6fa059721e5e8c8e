"""``placefix map push`` and ``placefix map fetch``: versions to and from an origin."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.filesize import decimal

from index_builder.changes.prune import prune_versions
from model.errors import InvalidInput
from place_map.errors import MapBusy
from place_map.exchange.cache import Cache
from place_map.exchange.fetch import fetch_version
from place_map.exchange.opening import open_origin
from place_map.exchange.push import push_version
from place_map.shard import Shard
from placefix.commands.map_changes import AsJson, MapArgument
from placefix.console import output_console, print_note, resumable
from placefix.progress import show_progress
from placefix.wording import count

Origin = Annotated[
    str, typer.Argument(metavar="ORIGIN", help="A directory, or s3://BUCKET/PREFIX.", show_default=False)
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the bytes to send, and send nothing.")]

_BYTES_PER_GB = 10**9


def push(
    map_path: MapArgument,
    address: Origin,
    version: Annotated[str | None, typer.Option(help="By default the served one.", show_default=False)] = None,
    replace: Annotated[
        str | None,
        typer.Option(
            help="The version at the origin to replace, if this map does not have it any more.", show_default=False
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Send a version of a map to an origin, from which serving machines fetch it.

    Only files that the origin lacks are sent. It names the version once all are there, if nobody else has published
    meanwhile.
    """
    origin = open_origin(address)
    with resumable(), show_progress("sending", "bytes") as progress:
        pushed = push_version(map_path, origin, version=version, replace=replace, is_trial=dry_run, progress=progress)
    if as_json:
        typer.echo(json.dumps({"map": str(map_path), "origin": origin.name, **asdict(pushed)}, indent=2))
        return
    sent = f"{count(pushed.files, 'file')}, {decimal(pushed.bytes)},"
    named = f"it names {'no version' if pushed.before is None else f'version {pushed.before}'}"
    output_console().print(
        f"{origin.name}: {sent} would be sent for version {pushed.version}; {named}"
        if dry_run
        else f"{origin.name}: names version {pushed.version}; {sent} sent; before {named}",
        soft_wrap=True,
        markup=False,
    )


def fetch(
    address: Origin,
    map_path: MapArgument,
    version: Annotated[
        str | None, typer.Option(help="By default the one that the origin names.", show_default=False)
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER/OF",
            help="Fetch only the files that this shard needs, as 1/3; by default the whole map.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Then remove all but this many of the newest versions from the map, as map prune does; their segments "
            "stay in the cache.",
            show_default=False,
        ),
    ] = None,
    cache_gb: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Gigabytes that segments without a version may take; by default they are removed when room is needed.",
            show_default=False,
        ),
    ] = None,
    check_sums: Annotated[
        bool, typer.Option("--check-sums", help="Also read the files that are here, and fetch damaged files again.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Fetch a version from an origin into a map, and serve it.

    Each file is compared with its sum. Files that are here already are not fetched again.
    """
    if map_path.name in {"", ".."}:
        raise InvalidInput(f"{map_path} has no name of its own: give the map as maps/NAME")
    origin = open_origin(address)
    with resumable(), show_progress("fetching", "bytes") as progress:
        fetched = fetch_version(
            origin,
            map_path,
            version=version,
            shard=None if shard is None else Shard.parse(shard),
            check_sums=check_sums,
            is_trial=dry_run,
            progress=progress,
        )
    if keep is not None and not dry_run:
        try:
            prune_versions(map_path, keep=keep)
        except MapBusy as error:
            print_note(f"older versions stay for now: {error.message}")
    if cache_gb is not None and not dry_run:
        Cache(map_path).trim(round(cache_gb * _BYTES_PER_GB))
    if as_json:
        typer.echo(json.dumps({"map": str(map_path), "origin": origin.name, **asdict(fetched)}, indent=2))
        return
    came = f"{count(fetched.files, 'file')}, {decimal(fetched.bytes)},"
    served = "there is no map yet" if fetched.before is None else f"before it was {fetched.before}"
    output_console().print(
        f"{map_path}: {came} would be fetched for version {fetched.version}"
        if dry_run
        else f"{map_path}: version {fetched.version} is served; {came} fetched; {served}",
        soft_wrap=True,
        markup=False,
    )
