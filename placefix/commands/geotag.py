"""``placefix geotag``: found positions are written to photos, and taken away again."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Column, Table
from rich.text import Text

from model.errors import InvalidInput
from placefix.answers.asker import ServerAddress, opened_asker
from placefix.answers.asking_all import ask_all
from placefix.answers.estimate import Estimate
from placefix.answers.outcome import Failure, Outcome
from placefix.answers.photos import GivenPhoto, bytes_input, given_photos
from placefix.answers.tables import answer_cells, answer_columns, print_failures
from placefix.asking import prior_of
from placefix.client.question import Question
from placefix.commands.asking_options import (
    Heading,
    HeadingTolerance,
    Key,
    MapOrName,
    MaxWrong,
    MinConfidence,
    Near,
    Server,
    WithinM,
    target_of,
)
from placefix.commands.options import NumHeads, OptionalWeights, SetDevice, SetNetworkPrecision, SettingsFile
from placefix.console import error_console, output_console, print_note, resumable
from placefix.exit_codes import ExitCode
from placefix.geotagging.errors import CannotWrite
from placefix.geotagging.present import present_position
from placefix.geotagging.write_back import Where, WriteBack, remove_estimates
from placefix.progress import show_progress
from placefix.wording import count
from service.schemas.answer import LocalizationAnswer
from service.settings import ServiceSettings

_WRITE_PANEL = "What is written"
_STYLES = {"written": "green", "would be written": "green", "taken away": "green", "failed": "red"}


class Unsure(StrEnum):
    """Answers that have a position, and are not called localized."""

    UNCERTAIN = "uncertain"
    UNCALIBRATED = "uncalibrated"


@dataclass(frozen=True)
class _Row:
    """What became of a photo.

    Attributes:
        photo: What it is called.
        outcome: In a word or two; these are counted.
        answer: What was found; None if it was not asked about.
        reason: Why it failed.
    """

    photo: str
    outcome: str
    answer: LocalizationAnswer | None = None
    reason: str = ""


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
    place_map: MapOrName = None,
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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing, and print what would be done with each photo.")
    ] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take the estimates away that an earlier run has written.")
    ] = False,
    server: Server = None,
    key: Key = None,
    settings_file: SettingsFile = None,
    weights: OptionalWeights = None,
    num_heads: NumHeads = None,
    max_wrong: MaxWrong = None,
    min_confidence: MinConfidence = None,
    near: Near = None,
    within_m: WithinM = None,
    heading: Heading = None,
    heading_tolerance: HeadingTolerance = None,
    device: SetDevice = None,
    network_precision: SetNetworkPrecision = None,
) -> None:
    """Write where photos were taken to photos that do not say it, marked as estimates.

    Confidence, radius and map version stand beside the position. What shows the
    picture stays as it is, byte by byte. A photo that has a position is passed
    over, so the same command continues after an interruption.

    Exit code [bold]0[/bold]: all is written that was found.
    [bold]3[/bold]: some photos could not be read or written; the reasons are printed.
    [bold]1[/bold]: nothing could be done.
    """
    unreadable: list[str] = []
    question: Question = {
        "max_wrong": max_wrong,
        "min_confidence": min_confidence,
        "near": near,
        "within_m": within_m,
        "heading": heading,
        "heading_tolerance": heading_tolerance,
    }
    prior_of(question)
    if remove:
        _check_remove(write, out, in_place=in_place, asks=place_map is not None or server is not None)
    else:
        way = _way_of(write, out, in_place=in_place)
        settings = {
            "weights": weights,
            "num_heads": num_heads,
            "max_wrong": max_wrong,
            "device": device,
            "network_precision": network_precision,
        }
        target = target_of(context, server, key, place_map, settings_file, settings)

    def tell_unreadable(folder: str, reason: str) -> None:
        unreadable.append(folder)
        print_note(f"passed over: {folder} cannot be listed: {reason}")

    given = given_photos(photos, bytes_input(sys.stdin), tell_unreadable).each_once
    with resumable():
        if remove:
            rows = list(_removed(given, dry_run=dry_run))
        else:
            accepted = {"localized", *(also or ())}
            rows = _geotagged(given, way, target, question, accepted, dry_run=dry_run)
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
        raise InvalidInput(f"{out} is no folder: --out is the folder for the copies")
    return WriteBack(write, out)


def _check_remove(write: Where | None, out: Path | None, *, in_place: bool, asks: bool) -> None:
    if write is not None or out is not None or in_place or asks:
        raise InvalidInput("--remove takes estimates away wherever they stand, and asks nobody: give the photos alone")


def _geotagged(
    photos: Sequence[GivenPhoto],
    way: WriteBack,
    target: ServerAddress | ServiceSettings,
    question: Question,
    accepted: set[str],
    *,
    dry_run: bool,
) -> list[_Row]:
    """Ask about the photos that do not say where they were taken, and write what is sure enough."""
    rows = {}
    with show_progress("looking for positions") as progress:
        progress.started(len(photos), 0)
        for photo in photos:
            rows[photo.name] = _before(photo, way)
            progress.advanced(1)
    targets: dict[Path, str] = {}
    for photo in photos:
        first = targets.setdefault(way.target_of(photo), photo.name)
        if first != photo.name and rows[photo.name] is None:
            rows[photo.name] = _Row(photo.name, "failed", reason=f"{first} would be written to the same file")
    asked = [photo for photo in photos if rows[photo.name] is None]
    if asked:
        with opened_asker(target, question) as asker, show_progress("localizing") as progress:
            progress.started(len(photos), len(photos) - len(asked))
            for photo, outcome in zip(asked, ask_all(asked, asker.ask, asker.at_a_time), strict=True):
                rows[photo.name] = _after(photo, outcome, way, accepted, dry_run=dry_run)
                progress.advanced(1)
            advice = asker.advice
        if advice is not None and not any(row and row.outcome.endswith("written") for row in rows.values()):
            print_note(advice)
    return [row for row in rows.values() if row is not None]


def _before(photo: GivenPhoto, way: WriteBack) -> _Row | None:
    """Return why a photo is not asked about; None if it is."""
    present = present_position(photo.file)
    if present.kind == "position":
        return _Row(photo.name, "has a position")
    if present.kind == "estimate":
        return _Row(photo.name, "has an estimate")
    if present.kind == "unreadable":
        return _Row(photo.name, "failed", reason=present.reason)
    try:
        if way.is_done(photo):
            return _Row(photo.name, "has an estimate")
        way.check(photo)
    except CannotWrite as error:
        return _Row(photo.name, "failed", reason=error.message)
    return None


def _after(photo: GivenPhoto, outcome: Outcome, way: WriteBack, accepted: set[str], *, dry_run: bool) -> _Row:
    answer = outcome.answer
    if isinstance(answer, Failure):
        return _Row(photo.name, "failed", reason=answer.reason)
    estimate = Estimate.of(answer)
    if estimate is None or answer.status not in accepted:
        return _Row(photo.name, answer.status.replace("_", " "), answer)
    if not dry_run:
        try:
            way.write(photo, estimate)
        except CannotWrite as error:
            return _Row(photo.name, "failed", answer, error.message)
    return _Row(photo.name, "would be written" if dry_run else "written", answer)


def _removed(photos: Iterable[GivenPhoto], *, dry_run: bool) -> Iterator[_Row]:
    for photo in photos:
        if present_position(photo.file).kind != "estimate":
            yield _Row(photo.name, "without an estimate")
        elif dry_run:
            yield _Row(photo.name, "would be taken away")
        else:
            try:
                remove_estimates(photo.file)
            except CannotWrite as error:
                yield _Row(photo.name, "failed", reason=error.message)
            else:
                yield _Row(photo.name, "taken away")


def _print(rows: Sequence[_Row], *, with_table: bool) -> None:
    console = output_console()
    has_answers = any(row.answer is not None for row in rows)
    if with_table:
        table = Table(
            Column("photo", overflow="fold"),
            Column("outcome", no_wrap=True),
            *(answer_columns() if has_answers else []),
            box=box.SIMPLE_HEAD,
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
