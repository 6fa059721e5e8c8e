"""``placefix keys``: makes, lists and revokes the keys that clients of the service send."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from placefix.console import error_console, output_console
from service.errors import InvalidKeys
from service.key_file import append_key, read_keys, remove_key
from service.keys import Scope, make_key
from service.settings import ENVIRONMENT_PREFIX

_VARIABLE = f"{ENVIRONMENT_PREFIX}KEYS"

KeysFile = Annotated[
    Path | None,
    typer.Option("--file", help=f"The file of keys. By default the one that {_VARIABLE} names.", show_default=False),
]
KeyName = Annotated[
    str, typer.Option("--name", help="The name of the key's owner; it goes into the log.", show_default=False)
]

app = typer.Typer(help="Make, list and revoke the API keys of the service.", no_args_is_help=True, add_completion=False)


@app.command()
def create(
    name: KeyName,
    scope: Annotated[
        list[Scope],
        typer.Option(
            help=(
                "read: ask, see maps and samples; browse: list all pictures of maps; admin: change which version is "
                "served; metrics. May be repeated."
            )
        ),
    ],
    file: KeysFile = None,
) -> None:
    """Make a key, print it once, and add its hash to the file.

    The key itself is not kept. A running service takes it within a second or two.
    """
    path = _file_of(file)
    key, line = make_key(name, scope)
    append_key(path, name, line)
    error_console().print(f"{path}: key {name} added. It is shown only now:", soft_wrap=True)
    typer.echo(key)


@app.command("list")
def list_keys(file: KeysFile = None) -> None:
    """List the names of the keys and what they allow."""
    table = Table(Column("name", no_wrap=True), "scopes")
    for key in read_keys(_file_of(file)):
        table.add_row(key.name, ", ".join(scope for scope in Scope if scope in key.scopes))
    output_console().print(table)


@app.command()
def revoke(name: KeyName, file: KeysFile = None) -> None:
    """Remove a key from the file; a running service refuses it within a second or two."""
    path = _file_of(file)
    remove_key(path, name)
    output_console().print(f"{path}: key {name} revoked", soft_wrap=True)


def _file_of(file: Path | None) -> Path:
    if file is not None:
        return file
    if named := os.environ.get(_VARIABLE):
        return Path(named)
    raise InvalidKeys(f"no file of keys was given; name one with --file, or with {_VARIABLE}")
