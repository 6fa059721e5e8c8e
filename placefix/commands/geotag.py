"""``placefix geotag``: found positions are written to photos, and taken away again."""

import sys
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Column, Table
from rich.text import Text

from model.errors import InvalidInput
from placefix.answers.photos import bytes_input, given_photos
from placefix.answers.tables import answer_cells, answer_columns, print_failures
from placefix.asking import prior_of
from placefix.commands.asking_options import AskingOptions, given_options, tell_unreadable, with_asking_options
from placefix.console import error_console, output_console, resumable
from placefix.exit_codes import ExitCode
from placefix.geotagging.geotagger import GeotaggedPhoto, geotag_all, remove_from
from placefix.geotagging.write_back import Where, WriteBack
from placefix.wording import count

app = typer.Typer(add_completion=False)

_WRITE_PANEL = "What is written"
_STYLES = {"written": "green", "would be written": "green", "taken away": "green", "failed": "red"}


class Unsure(StrEnum):
    """Name the statuses of answers that have a position, and are not localized."""

    UNCERTAIN = "uncertain"
    UNCALIBRATED = "uncalibrated"


@app.command()
@with_asking_options
def geotag(
    context: typer.Context,
    photos: Annotated[
        list[str],
        typer.Argument(
            metavar="PHOTO",
            help="Photos, folders of photos, globs in quotes, or - for paths from standard input, one a line.",
            show_default=False,
        ),
    ],
    *,
    write: Annotated[
        Where | None,
        typer.Option(
            help="xmp: a file PHOTO.xmp beside each photo, which stays untouched. exif: into copies below --out, or "
            "with --in-place into the photos.",
            show_default=False,
            rich_help_panel=_WRITE_PANEL,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="With --write exif: the folder for the copies.", show_default=False, rich_help_panel=_WRITE_PANEL
        ),
    ] = None,
    in_place: Annotated[
        bool,
        typer.Option(
            "--in-place",
            help="With --write exif: change the photos themselves; each original is kept as PHOTO_original.",
            rich_help_panel=_WRITE_PANEL,
        ),
    ] = False,
    also: Annotated[
        list[Unsure] | None,
        typer.Option(
            help="Write answers of this status, too, and not only localized ones. May be repeated.",
            show_default=False,
            rich_help_panel=_WRITE_PANEL,
        ),
    ] = None,
    asking: AskingOptions,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing, and print the plan for each photo.")
    ] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take the estimates away that an earlier run has written.")
    ] = False,
) -> None:
    """Write where photos were taken to photos that do not say it, marked as estimates.

    Confidence, radius and map version stand beside the position. The pixels of
    the picture stay as they are, byte by byte. A photo that has a position is
    passed over, so the same command continues after an interruption.

    Exit code [bold]0[/bold]: all is written that was found.
    [bold]3[/bold]: some photos could not be read or written; the reasons are printed.
    [bold]1[/bold]: nothing could be done.
    """
    unreadable: list[str] = []
    question = asking.question()
    prior_of(question)
    if remove:
        _check_remove(context)
    else:
        way = _way_of(write, out, in_place=in_place)
        target = asking.target(context)

    given = given_photos(photos, bytes_input(sys.stdin), partial(tell_unreadable, unreadable)).each_once
    with resumable():
        if remove:
            rows = list(remove_from(given, dry_run=dry_run))
        else:
            accepted = {"localized", *(also or ())}
            rows = geotag_all(given, way, target, question, accepted, dry_run=dry_run)
    _print(rows, with_table=dry_run)
    if unreadable or any(row.outcome == "failed" for row in rows):
        raise typer.Exit(ExitCode.SOME_REJECTED)


def _way_of(write: Where | None, out: Path | None, *, in_place: bool) -> WriteBack:
    if write is None:
        raise InvalidInput("say what to write: --write xmp, or --write exif with --out FOLDER; or --remove")
    if write == "xmp" and (out is not None or in_place):
        raise InvalidInput("--out and --in-place belong to --write exif; XMP lies beside the photos")
    if write == "exif" and (out is None) != in_place:
        raise InvalidInput("--write exif: say --out FOLDER for copies, or --in-place for the photos themselves")
    if out is not None and out.exists() and not out.is_dir():
        raise InvalidInput(f"{out} is not a folder: --out is the folder for the copies")
    return WriteBack(write, out)


def _check_remove(context: typer.Context) -> None:
    if others := sorted(given_options(context) - {"--remove", "--dry-run"}):
        raise InvalidInput(
            f"{others[0]} has no effect with --remove, which takes all estimates away and asks no server"
        )


def _print(rows: Sequence[GeotaggedPhoto], *, with_table: bool) -> None:
    console = output_console()
    has_answers = any(row.answer is not None for row in rows)
    if with_table:
        table = Table(
            Column("photo", overflow="fold"),
            Column("outcome", no_wrap=True),
            *(answer_columns() if has_answers else []),
            box=box.SIMPLE_HEAD,
            collapse_padding=True,
        )
        for row in rows:
            outcome = Text(row.outcome, _STYLES.get(row.outcome, "bright_black"))
            table.add_row(Text(row.photo), outcome, *(answer_cells(row.answer) if has_answers else []))
        console.print(table)
    print_failures([f"{row.photo}: {row.reason}" for row in rows if row.outcome == "failed"], error_console())
    outcomes = Counter(row.outcome for row in rows)
    listed = ", ".join(
        f"{number:,} {outcome if number == 1 else outcome.replace('has ', 'have ')}"
        for outcome, number in outcomes.most_common()
    )
    console.print(f"{count(len(rows), 'photo')}: {listed}", soft_wrap=True, markup=False)
