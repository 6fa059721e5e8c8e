"""The options by which collections are read, for every command that reads one."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from index_builder.sources.read_options import DEFAULT_MAX_GAP_S, Panoramas, ReadOptions
from model.weights_cache import default_cache_root
from placefix.commands.option_groups import expand_parameter
from placefix.commands.options import CSV_PANEL

READING_PANEL = "Reading of collections"

_OPTIONS: dict[str, tuple[Any, object]] = {
    "path_column": (
        Annotated[
            str | None,
            typer.Option(help="The column of pictures' paths, if it has an unusual name.", rich_help_panel=CSV_PANEL),
        ],
        None,
    ),
    "latitude_column": (
        Annotated[
            str | None,
            typer.Option(help="The column of latitudes, if it has an unusual name.", rich_help_panel=CSV_PANEL),
        ],
        None,
    ),
    "longitude_column": (
        Annotated[
            str | None,
            typer.Option(help="The column of longitudes, if it has an unusual name.", rich_help_panel=CSV_PANEL),
        ],
        None,
    ),
    "root": (
        Annotated[
            Path | None,
            typer.Option(
                help="The folder of the pictures of a list. By default the list's folder.",
                show_default=False,
                rich_help_panel=READING_PANEL,
            ),
        ],
        None,
    ),
    "exclude": (
        Annotated[
            list[str] | None,
            typer.Option(
                metavar="GLOB",
                help="Leave out pictures and folders of this name. With a slash it is a path below the collection. May "
                "be repeated.",
                show_default=False,
                rich_help_panel=READING_PANEL,
            ),
        ],
        None,
    ),
    "max_gps_error_m": (
        Annotated[
            float | None,
            typer.Option(
                help="Leave out positions with a larger stated error in metres. By default none.",
                show_default=False,
                rich_help_panel=READING_PANEL,
            ),
        ],
        None,
    ),
    "assume_hemisphere": (
        Annotated[
            str,
            typer.Option(
                metavar="NE|NW|SE|SW",
                help="The hemispheres of photos whose degrees lack N or S, E or W.",
                show_default=False,
                rich_help_panel=READING_PANEL,
            ),
        ],
        "",
    ),
    "magnetic_headings": (
        Annotated[
            bool,
            typer.Option(
                "--magnetic-headings",
                help="Take directions from magnetic north as if they were from true north.",
                rich_help_panel=READING_PANEL,
            ),
        ],
        False,
    ),
    "panoramas": (
        Annotated[
            Panoramas,
            typer.Option(
                help="Leave panoramas out, or cut each into eight level views whose headings are known.",
                rich_help_panel=READING_PANEL,
            ),
        ],
        "skip",
    ),
    "gpx": (
        Annotated[
            list[Path] | None,
            typer.Option(
                metavar="TRACK",
                help="A GPX track: photos without a position get it by their time. May be repeated.",
                show_default=False,
                rich_help_panel=READING_PANEL,
            ),
        ],
        None,
    ),
    "time_offset": (
        Annotated[
            float | None,
            typer.Option(
                metavar="S",
                help="Seconds to add to the photos' times to get the times of the track, which are in UTC.",
                show_default=False,
                rich_help_panel=READING_PANEL,
            ),
        ],
        None,
    ),
    "gpx_max_gap_s": (
        Annotated[
            float,
            typer.Option(
                help="The most seconds between two points of a track with photos between them.",
                rich_help_panel=READING_PANEL,
            ),
        ],
        DEFAULT_MAX_GAP_S,
    ),
}


def with_read_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of reading in the place of its parameter ``reading``, which gets their values.

    Args:
        command: With a parameter ``reading`` of type ``ReadOptions``.
    """
    return expand_parameter(command, "reading", _OPTIONS, _read_options)


def _read_options(given: dict[str, Any]) -> ReadOptions:
    """Return the given options; a call from Python may leave options out.

    Raises:
        InvalidInput: A value is out of its range.
    """
    value = {name: given.get(name, default) for name, (_, default) in _OPTIONS.items()}
    return ReadOptions(
        path_column=value["path_column"],
        latitude_column=value["latitude_column"],
        longitude_column=value["longitude_column"],
        root=value["root"],
        exclude=tuple(value["exclude"] or ()),
        max_gps_error_m=value["max_gps_error_m"],
        assume_hemisphere=value["assume_hemisphere"].upper(),
        magnetic_headings=value["magnetic_headings"],
        panoramas=value["panoramas"],
        views_folder=default_cache_root() / "views",
        gpx=tuple(value["gpx"] or ()),
        time_offset_s=value["time_offset"],
        max_gap_s=value["gpx_max_gap_s"],
    )
