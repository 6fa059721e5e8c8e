"""``placefix cluster``: looking at the shards of a map, and changing the version that they serve."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from model.errors import InvalidInput
from place_map.shard import MOST_SHARDS, Assignment
from place_map.versions import read_current, read_manifest
from placefix.client.client import Client
from placefix.console import output_console
from service.ray_config import addresses_of, serve_config, to_yaml
from service.shard_settings import APPLICATION_NAME

app = typer.Typer(
    help="Look at a map that several machines share, and change its version or its shards.",
    no_args_is_help=True,
    add_completion=False,
)

_DEFAULT_SERVER = "http://localhost:8000"

Key = Annotated[
    str | None,
    typer.Option(envvar="PLACEFIX_KEY", help="A key of the front ends with the scope admin.", show_default=False),
]


@app.command()
def status(
    server: Annotated[str, typer.Option(metavar="URL", help="The front end to ask.")] = _DEFAULT_SERVER,
    key: Key = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the shards of a front end with the parts of maps that they hold, and the versions that it serves."""
    with Client(server, key=key, patience_s=0) as client:
        maps, shards = client.maps(), client.shards()
    if as_json:
        told = {"maps": [each.model_dump() for each in maps], "shards": [each.model_dump() for each in shards]}
        typer.echo(json.dumps(told, indent=2))
        return
    for each in maps:
        output_console().print(f"{each.name}: version {each.version} is served, {each.pictures:,} pictures")
    if not shards:
        output_console().print(f"{server} is not a front end of shards")
        return
    table = Table(Column("shard", justify="right"), "address", "holds", "problem")
    for number, shard in enumerate(shards, start=1):
        parts = ", ".join(f"{part.map} {part.version} {part.shard}" for part in shard.parts)
        table.add_row(str(number), shard.address, parts or "nothing", shard.problem or "")
    output_console().print(table)


@app.command()
def config(
    maps: Annotated[
        list[Path],
        typer.Option("--map", help="A map, under the same path on all machines; may be repeated.", show_default=False),
    ],
    shards: Annotated[int, typer.Option(min=1, max=MOST_SHARDS, help="How many shards.", show_default=False)],
    replicas: Annotated[int, typer.Option(min=1, help="Replicas of each shard.")] = 2,
    name: Annotated[str, typer.Option(help="The beginning of the applications' names in Serve.")] = "placefix",
    cpus: Annotated[float, typer.Option(min=0, help="Cores of each replica; it has as many threads.")] = 1,
    pinned: Annotated[
        bool,
        typer.Option(
            "--pinned",
            help="Start replicas of shard N only on machines with the resource shard-N, one for each that they have.",
        ),
    ] = False,
) -> None:
    """Print the configuration by which Ray Serve runs the shards, and the setting of their front ends.

    Serve takes it by serve deploy, or serve run --non-blocking (docs/scale.md).
    """
    if re.fullmatch(APPLICATION_NAME, name) is None:
        raise InvalidInput(f"--name {name} may have letters, digits, points, hyphens and underscores alone")
    for path in maps:
        _check_segments(path, shards)
    made = serve_config([path.absolute() for path in maps], shards, replicas, name=name, cpus=cpus, is_pinned=pinned)
    typer.echo(f"# Front ends: PLACEFIX_SHARDS={','.join(addresses_of(name, shards))}")
    typer.echo(to_yaml(made), nl=False)


def _check_segments(path: Path, shards: int) -> None:
    """Check that a map can be shared out, if it is on this machine.

    Raises:
        InvalidInput: It has fewer segments than shards.
        MapError: It cannot be read.
    """
    if path.exists():
        Assignment(read_manifest(path, read_current(path).version), shards)


@app.command()
def activate(
    version: Annotated[str, typer.Argument(help="Its number, as placefix map versions prints it.", show_default=False)],
    map_name: Annotated[
        str | None, typer.Option("--map", help="The name of the map, if several are served.", show_default=False)
    ] = None,
    shards: Annotated[
        int | None,
        typer.Option(min=1, help="The number of shards that share it; by default as now.", show_default=False),
    ] = None,
    server: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help=f"A front end; repeat it for all of them. [default: {_DEFAULT_SERVER}]",
            show_default=False,
        ),
    ] = None,
    key: Key = None,
    timeout_s: Annotated[float, typer.Option(help="Most seconds until the shards hold the version.")] = 3600.0,
) -> None:
    """Serve another version, or share it out among another number of shards, without losing a query.

    The shards load it beside the other one; then the front ends answer from it; then the shards drop the other one.
    """
    for url in server or [_DEFAULT_SERVER]:
        with Client(url, key=key, timeout_s=timeout_s, patience_s=0) as client:
            name = map_name if map_name is not None else client.only_map()
            with output_console().status(f"{url}: the shards load version {version} of {name}"):
                served = client.activate(name, version, shards)
        told = "" if shards is None else f" from {shards} shards"
        output_console().print(f"{url}: version {served.version} of {served.name} is served{told}", soft_wrap=True)
