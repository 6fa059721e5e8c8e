"""Options that several commands share: one name, one help text, one meaning."""

from pathlib import Path
from typing import Annotated, Any

import typer

from model.device import DeviceName
from model.network_precision import RequestedPrecision
from model.preprocess import Preprocessing

# Panels of the help texts. Options in a panel of their own are laid out by themselves, so that none is cut short.
NETWORK_PANEL = "Network"

Weights = Annotated[
    str,
    typer.Option(
        envvar="PLACEFIX_WEIGHTS",
        help="A checkpoint file, or a name of `placefix weights list`; auto takes the best network that is here.",
        rich_help_panel=NETWORK_PANEL,
    ),
]
OptionalWeights = Annotated[
    str | None,
    typer.Option(
        envvar="PLACEFIX_WEIGHTS",
        help="A checkpoint file, or a name of `placefix weights list`. By default the map's own.",
        show_default=False,
        rich_help_panel=NETWORK_PANEL,
    ),
]
NumHeads = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Attention heads, if they are not width / 64 and the file does not say it.",
        rich_help_panel=NETWORK_PANEL,
    ),
]
Device = Annotated[
    DeviceName,
    typer.Option(help="The device of the network; auto takes a GPU if there is one.", rich_help_panel=NETWORK_PANEL),
]
# For commands that use the settings of the server: None if the flag is not given, and the settings decide.
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        envvar="PLACEFIX_SETTINGS",
        help="A TOML file with settings of the server, such as limits and queues. A flag counts more than the file.",
        show_default=False,
    ),
]
AskedMapPath = Annotated[
    Path | None,
    typer.Option("--map", help="The map to look in. By default the one that the settings name.", show_default=False),
]
SetDevice = Annotated[
    DeviceName | None,
    typer.Option(
        help="The device of the network; auto, the default, takes a GPU if there is one.",
        rich_help_panel=NETWORK_PANEL,
    ),
]
SetNetworkPrecision = Annotated[
    RequestedPrecision | None,
    typer.Option(
        help="Precision of the network; auto, the default, takes the map's.",
        rich_help_panel=NETWORK_PANEL,
    ),
]
PreprocessingOption = Annotated[
    Preprocessing,
    typer.Option(
        "--preprocess",
        help="How pictures are resized: antialias, or official-eval to reproduce published recalls. antialias-whole is "
        "the way of earlier releases, which decode every JPEG whole, however large it is.",
        rich_help_panel=NETWORK_PANEL,
    ),
]


def _parse_size(text: str) -> tuple[int, int]:
    """Read 322, or 322x518: height and width."""
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isascii() and side.isdigit() for side in sides):
        raise typer.BadParameter(f"{text!r} is not a size: give a side, as in 322, or height and width, as in 322x518")
    return int(sides[0]), int(sides[-1])


InputSize = Annotated[
    Any,  # typer knows no pairs with a parser
    typer.Option(
        parser=_parse_size,
        metavar="SIDE|HEIGHTxWIDTH",
        help="Height and width of the network's input in pixels: multiples of 14 for SelaVPR and DINOv2. By default "
        "the size that it was trained with.",
        show_default=False,
        rich_help_panel=NETWORK_PANEL,
    ),
]
NetworkPrecisionOption = Annotated[
    RequestedPrecision,
    typer.Option(
        help="Precision of the network; auto takes the map's, and for a new one bfloat16 if the device has it, else "
        "float32.",
        rich_help_panel=NETWORK_PANEL,
    ),
]
BatchSize = Annotated[int, typer.Option(min=1, help="Pictures in one forward pass.", rich_help_panel=NETWORK_PANEL)]
CSV_PANEL = "Columns of a CSV file"
Foreign = Annotated[
    list[Path] | None,
    typer.Option(
        help="Photos from elsewhere to ask in addition: a folder or a list. May be repeated.", show_default=False
    ),
]
