"""Options of commands that ask a server, or a map on this machine."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, get_type_hints

import typer

from model.errors import InvalidInput
from placefix.answers.asker import ServerAddress
from placefix.asking import read_settings
from placefix.client.question import Question
from placefix.commands.option_groups import expand_parameter
from placefix.commands.options import OptionalWeights, SetDevice, SetNetworkPrecision, SettingsFile
from placefix.console import print_note
from service.prior import DEFAULT_HEADING_TOLERANCE_DEG, DEFAULT_PRIOR_M
from service.query_options import DEFAULT_MAX_WRONG, MAX_SHORTLIST
from service.settings import ServiceSettings
from service.words import Rerank

PRIOR_PANEL = "Prior knowledge"
_SERVER_PANEL = "A server instead of a map on this machine"

Photos = Annotated[
    list[str],
    typer.Argument(
        metavar="PHOTO",
        help="Photos, folders of photos, globs in quotes, or - for standard input: a photo, or paths, one a line.",
        show_default=False,
    ),
]
Shortlist = Annotated[
    int | None,
    typer.Option(
        min=1, max=MAX_SHORTLIST, help="Candidates to re-rank. By default 100, and 20 where counting is slow."
    ),
]
SetRerank = Annotated[
    Rerank | None,
    typer.Option(help="Re-rank by local features: always, never, or auto: until the answer is sure. By default auto."),
]
UseExifPosition = Annotated[
    bool,
    typer.Option(
        "--use-exif-position",
        help="Take each photo's own GPS position for --near.",
        rich_help_panel=PRIOR_PANEL,
    ),
]

_OF_A_MAP_HERE = {
    "settings_file": "--settings",
    "weights": "--weights",
    "device": "--device",
    "network_precision": "--network-precision",
}


@dataclass(frozen=True, kw_only=True)
class AskingOptions:
    """Hold the options of a command that asks a server or a map about photos; None where one was not given."""

    place_map: Annotated[
        Path | None,
        typer.Option(
            "--map",
            help="The map to look in, or with --server the name of one of its maps. By default the one that the "
            "settings name, or the server's only one.",
            show_default=False,
        ),
    ] = None
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Ask this server, such as http://localhost:8000.",
            show_default=False,
            rich_help_panel=_SERVER_PANEL,
        ),
    ] = None
    key: Annotated[
        str | None,
        typer.Option(
            envvar="PLACEFIX_KEY",
            help="A key of the server, if it needs one.",
            show_default=False,
            rich_help_panel=_SERVER_PANEL,
        ),
    ] = None
    settings_file: SettingsFile = None
    weights: OptionalWeights = None
    max_wrong: Annotated[
        float | None,
        typer.Option(
            help=f"Share of the answers called localized that may be wrong. By default {DEFAULT_MAX_WRONG:g}."
        ),
    ] = None
    min_confidence: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="The least confidence of an answer that is called localized. By default 0."),
    ] = None
    near: Annotated[
        str | None,
        typer.Option(
            metavar="LAT,LON",
            help="Where the photos were taken, roughly: only pictures within --within-m of it may be the answer.",
            rich_help_panel=PRIOR_PANEL,
        ),
    ] = None
    within_m: Annotated[
        float | None,
        typer.Option(help=f"Metres around --near. By default {DEFAULT_PRIOR_M:g}.", rich_help_panel=PRIOR_PANEL),
    ] = None
    heading: Annotated[
        float | None,
        typer.Option(
            help="Rough direction of the camera in degrees clockwise from true north. Pictures of unknown heading are "
            "then excluded.",
            rich_help_panel=PRIOR_PANEL,
        ),
    ] = None
    heading_tolerance: Annotated[
        float | None,
        typer.Option(
            help=f"Degrees by which --heading may be wrong. By default {DEFAULT_HEADING_TOLERANCE_DEG:g}.",
            rich_help_panel=PRIOR_PANEL,
        ),
    ] = None
    device: SetDevice = None
    network_precision: SetNetworkPrecision = None

    def question(self) -> Question:
        """Return the question."""
        return {
            "max_wrong": self.max_wrong,
            "min_confidence": self.min_confidence,
            "near": self.near,
            "within_m": self.within_m,
            "heading": self.heading,
            "heading_tolerance": self.heading_tolerance,
        }

    def target(self, context: typer.Context) -> ServerAddress | ServiceSettings:
        """Return the server or the map on this machine to ask.

        Args:
            context: The context of the command, which tells which options were given.

        Raises:
            InvalidInput: Options do not go together, or a setting does not fit.
        """
        if self.server is None:
            if _is_given(context, "key"):
                raise InvalidInput("--key has no effect without --server: give the address of the server, too")
            flags = {
                "maps": None if self.place_map is None else (self.place_map,),
                "weights": self.weights,
                "max_wrong": self.max_wrong,
                "device": self.device,
                "network_precision": self.network_precision,
            }
            return read_settings(flags, self.settings_file, print_note)
        for name, flag in _OF_A_MAP_HERE.items():
            if _is_given(context, name):
                raise InvalidInput(f"{flag} has no effect with --server, which has its own: leave one of them out")
        return ServerAddress(self.server, self.key or None, None if self.place_map is None else str(self.place_map))


def with_asking_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of asking in the place of its parameter ``asking``, which gets their values.

    Args:
        command: A command with a parameter ``asking`` of type ``AskingOptions``.
    """
    hints = get_type_hints(AskingOptions, include_extras=True)
    options = {field.name: (hints[field.name], field.default) for field in fields(AskingOptions)}
    return expand_parameter(command, "asking", options, lambda given: AskingOptions(**given))


def tell_unreadable(unreadable: list[str], folder: str, reason: str) -> None:
    """Print that a folder cannot be listed, and remember it.

    Args:
        unreadable: The folders so far; this one is added.
        folder: That cannot be listed.
        reason: Why not.
    """
    unreadable.append(folder)
    print_note(f"passed over: {folder} cannot be listed: {reason}")


def given_options(context: typer.Context) -> set[str]:
    """Return the options that stand in the command line."""
    options = (each for each in context.command.params if each.param_type_name == "option" and each.name)
    return {each.opts[0] for each in options if _is_given(context, str(each.name))}


def _is_given(context: typer.Context, name: str) -> bool:
    """Return whether an option stands in the command line, and not only in the environment."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
