"""The commands of the command line. Each is imported when it is asked for.

A start takes seconds if it imports all that any command needs.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

_NAMES = (
    "build",
    "add",
    "update",
    "remove",
    "compact",
    "calibrate",
    "verify",
    "serve",
    "localize",
    "geotag",
    "encode",
    "train",
    "evaluate",
    "map",
    "show",
    "weights",
    "keys",
    "cluster",
)


class CommandsOnDemand(TyperGroup):
    """Hold all commands by their names, in the order of the help."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands()  # type: ignore[assignment]  # nobody adds commands


class _Commands(Mapping[str, Any]):
    """Map the name of a command to the command: the ``app`` of the module of that name."""

    def __init__(self) -> None:
        self._imported: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in _NAMES:
            raise KeyError(name)
        if name not in self._imported:
            command = typer.main.get_command(import_module(f"placefix.commands.{name}").app)
            command.name = name
            self._imported[name] = command
        return self._imported[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)
