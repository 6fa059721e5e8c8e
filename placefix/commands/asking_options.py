"""Options of commands that ask a server, or a map on this machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from model.errors import InvalidInput
from placefix.answers.asker import ServerAddress
from placefix.asking import read_settings
from placefix.console import print_note
from service.prior import DEFAULT_HEADING_TOLERANCE_DEG, DEFAULT_PRIOR_M
from service.query_options import DEFAULT_MAX_WRONG, MAX_SHORTLIST
from service.settings import ServiceSettings
from service.words import Rerank

PRIOR_PANEL = "What is known beforehand"
_SERVER_PANEL = "A server instead of a map on this machine"

Photos = Annotated[
    list[str],
    typer.Argument(
        metavar="PHOTO",
        help="Photos, folders of photos, globs in quotes, or - for standard input: a photo, or paths, one a line.",
        show_default=False,
    ),
]
MapOrName = Annotated[
    Path | None,
    typer.Option(
        "--map",
        help="The map to look in, or with --server the name of one of its maps. By default the one that the settings "
        "name, or the server's only one.",
        show_default=False,
    ),
]
Server = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Ask this server, as http://localhost:8000.",
        show_default=False,
        rich_help_panel=_SERVER_PANEL,
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        envvar="PLACEFIX_KEY",
        help="A key of the server, if it wants one.",
        show_default=False,
        rich_help_panel=_SERVER_PANEL,
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
    typer.Option(help="Re-rank by local features: auto, always or never. auto stops when the answer is sure."),
]
MaxWrong = Annotated[
    float | None,
    typer.Option(help=f"Share of the answers called localized that may be wrong. By default {DEFAULT_MAX_WRONG:g}."),
]
MinConfidence = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, help="The confidence that an answer must also reach to be called localized. By default 0."
    ),
]
Near = Annotated[
    str | None,
    typer.Option(
        metavar="LAT,LON",
        help="Where the photos were taken, roughly: only pictures within --within-m of it may be the answer.",
        rich_help_panel=PRIOR_PANEL,
    ),
]
WithinM = Annotated[
    float | None,
    typer.Option(help=f"Metres around --near. By default {DEFAULT_PRIOR_M:g}.", rich_help_panel=PRIOR_PANEL),
]
UseExifPosition = Annotated[
    bool,
    typer.Option(
        "--use-exif-position",
        help="Take each photo's own GPS position for --near.",
        rich_help_panel=PRIOR_PANEL,
    ),
]
Heading = Annotated[
    float | None,
    typer.Option(
        help="Where the camera looked to, roughly, in degrees clockwise from true north; pictures of unknown heading "
        "are no answer then.",
        rich_help_panel=PRIOR_PANEL,
    ),
]
HeadingTolerance = Annotated[
    float | None,
    typer.Option(
        help=f"Degrees by which --heading may be wrong. By default {DEFAULT_HEADING_TOLERANCE_DEG:g}.",
        rich_help_panel=PRIOR_PANEL,
    ),
]

_OF_A_MAP_HERE = {
    "settings_file": "--settings",
    "weights": "--weights",
    "num_heads": "--num-heads",
    "device": "--device",
    "network_precision": "--network-precision",
}


def target_of(
    context: typer.Context,
    server: str | None,
    key: str | None,
    place_map: Path | None,
    settings_file: Path | None,
    settings: Mapping[str, object],
) -> ServerAddress | ServiceSettings:
    """Return whom to ask.

    Args:
        context: Of the command; tells which options were given.
        server: The address of a server; None for a map on this machine.
        key: Of the server.
        place_map: A map, or the name of one that the server has.
        settings_file: Of a map on this machine.
        settings: The other flags that are settings; None where one was not given.

    Raises:
        InvalidInput: Options do not go together, or a setting does not fit.
    """
    if server is None:
        if _is_given(context, "key"):
            raise InvalidInput("--key says nothing without --server: give the address of the server, too")
        flags = {"maps": None if place_map is None else (place_map,), **settings}
        return read_settings(flags, settings_file, print_note)
    for name, flag in _OF_A_MAP_HERE.items():
        if _is_given(context, name):
            raise InvalidInput(f"{flag} says nothing with --server, which has its own: leave one of them out")
    return ServerAddress(server, key or None, None if place_map is None else str(place_map))


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
