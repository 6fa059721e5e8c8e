"""``placefix localize``: where photos were taken, by a map on this machine or by a server."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from model.errors import InvalidInput, PlacefixError
from model.images import check_header, open_image
from place_map.versions import read_manifest
from placefix.answers.asker import Asker, ServerAddress, opened_asker
from placefix.answers.asking_all import ask_all
from placefix.answers.files import check_out, write_answers
from placefix.answers.journal import Journal, journal_path
from placefix.answers.outcome import FAILED, Outcome
from placefix.answers.photos import GivenPhoto, bytes_input, given_photos
from placefix.answers.tables import print_answer, print_outcomes, summary
from placefix.asking import check_count, prior_of, together_of
from placefix.client.question import Question, fields_of
from placefix.commands.asking_options import (
    AskingOptions,
    Photos,
    SetRerank,
    Shortlist,
    UseExifPosition,
    tell_unreadable,
    with_asking_options,
)
from placefix.commands.renamed_options import RerankingCommand
from placefix.console import output_console, print_note, resumable
from placefix.drawings.canvas import check_file_target, save_png
from placefix.drawings.matched_candidates import draw_matched_candidates
from placefix.drawings.matches import NamedPhoto
from placefix.exit_codes import ExitCode
from placefix.picture_limits import read_picture_limits
from placefix.progress import show_progress
from service.query_options import MAX_SHORTLIST
from service.schemas.answer import LocalizationAnswer
from service.settings import ServiceSettings
from service.words import Togetherness

app = typer.Typer(add_completion=False)

_TOGETHER_PANEL = "Several photos of one place, or of one path"
_OUT_PANEL = "A file of answers"
_MATCHES_OPTION = "--matches"


@app.command(cls=RerankingCommand)
@with_asking_options
def localize(
    context: typer.Context,
    photos: Photos,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the answers to a file: .csv, .geojson, .gpx, .parquet, or .jsonl with all candidates. An "
            "interrupted run is continued.",
            show_default=False,
            rich_help_panel=_OUT_PANEL,
        ),
    ] = None,
    restart: Annotated[
        bool,
        typer.Option(
            "--restart",
            help="Ask about all photos again: replace a file that is there, and throw away the answers of an "
            "interrupted run.",
            rich_help_panel=_OUT_PANEL,
        ),
    ] = False,
    asking: AskingOptions,
    matches: Annotated[
        Path | None,
        typer.Option(
            _MATCHES_OPTION,
            metavar="PICTURE.png",
            help="Draw which parts of the photo match the first candidates, and the best one of another place.",
            show_default=False,
        ),
    ] = None,
    candidates: Annotated[
        int | None, typer.Option(min=1, max=MAX_SHORTLIST, help="Candidates to show. By default 10.")
    ] = None,
    shortlist: Shortlist = None,
    rerank: SetRerank = None,
    use_exif_position: UseExifPosition = False,
    together: Annotated[
        Togetherness | None,
        typer.Option(
            help="Answer once for all photos: they show one place, or are a sequence along a path, whose last position "
            "is looked for.",
            rich_help_panel=_TOGETHER_PANEL,
        ),
    ] = None,
    times: Annotated[
        str | None,
        typer.Option(
            help="When the photos of a sequence were taken: seconds, or ISO 8601, separated by commas.",
            rich_help_panel=_TOGETHER_PANEL,
        ),
    ] = None,
    as_json: Annotated[
        bool | None,
        typer.Option(
            "--json/--table",
            help="Print the server's answer as JSON (of several photos one a line), or a table. By default a table on "
            "a terminal, JSON otherwise.",
        ),
    ] = None,
) -> None:
    """Say where photos were taken, as the server does, by asking it or without it.

    A map on this machine uses the settings of the server: flags, over
    environment variables [bold]PLACEFIX_<NAME>[/bold], over a file of them.

    Exit code [bold]0[/bold]: every photo has an answer.
    [bold]3[/bold]: some photos could not be used; the answers say why.
    [bold]1[/bold]: there are no answers, or not all; with --out the same command continues.
    """
    question: Question = {
        **asking.question(),
        "candidates": candidates,
        "shortlist": shortlist,
        "rerank": rerank,
        "use_exif_position": use_exif_position or None,
        "together": together,
        "times": times,
        "evidence": None if matches is None else "matches",
    }
    prior_of(question)
    if matches is not None:
        check_file_target(matches, option=_MATCHES_OPTION)
    if out is not None:
        check_out(out)
        if as_json is not None:
            raise InvalidInput(
                "--json and --table have no effect with --out: the suffix of its file chooses the format"
            )
    elif restart:
        raise InvalidInput("--restart has no effect without --out: without a file every run asks again")
    target = asking.target(context)
    unreadable: list[str] = []
    given = given_photos(photos, bytes_input(sys.stdin), partial(tell_unreadable, unreadable))
    if matches is not None and (not given.is_single or out is not None or together is not None):
        raise InvalidInput("--matches draws the answer to one photo: give one, and leave --out and --together out")
    if together is not None or (given.is_single and out is None):
        if out is not None:
            raise InvalidInput("--out takes an answer for each photo, --together asks for one of all: leave one out")
        _localize_once(given.photos, target, question, matches, as_json=as_json)
        return
    together_of(question, len(given.photos))
    if isinstance(target, ServiceSettings):
        _check_map(target)
    statuses = (
        _print_all(given.each_once, target, question, as_json=as_json)
        if out is None
        else _write_all(given.each_once, target, question, out, restart=restart)
    )
    if statuses[FAILED] or unreadable:
        raise typer.Exit(ExitCode.SOME_REJECTED)


def _localize_once(
    photos: Sequence[GivenPhoto],
    target: ServerAddress | ServiceSettings,
    question: Question,
    matches: Path | None,
    *,
    as_json: bool | None,
) -> None:
    """Ask about one photo, or about several together; an error of one photo ends the command."""
    together = together_of(question, len(photos))
    if isinstance(target, ServiceSettings):
        check_count(len(photos), together, target)
        # A picture that cannot be used is found now, and not after the network has been loaded.
        whole = any(read_manifest(path).preprocessing.decodes_whole for path in target.maps)
        for photo in photos:
            check_header(photo.source, target.image_limits, whole=whole)
            prior_of(question).for_photo(photo.source)
    with opened_asker(target, question) as asker:
        answer = asker.ask([photo.source for photo in photos])
        if _wants_json(as_json):
            typer.echo(answer.model_dump_json(indent=2))
        else:
            print_answer(answer, output_console(), advice=asker.advice, is_trained=asker.is_trained)
        if matches is not None:  # after the answer, which a full disk must not take along
            _draw_matches(photos[0], answer, asker, matches)


def _draw_matches(photo: GivenPhoto, answer: LocalizationAnswer, asker: Asker, path: Path) -> None:
    """Write the picture of the cells that match; without any there is a note instead."""
    if answer.matches is None:
        why = "" if answer.without_evidence is None else f": {answer.without_evidence}"
        print_note(f"{path} is not written{why}")
        return
    query = NamedPhoto(photo.name, open_image(photo.source, read_picture_limits()))
    save_png(draw_matched_candidates(query, answer.matches, partial(asker.thumbnail, answer.map.name)), path)


def _print_all(
    photos: Sequence[GivenPhoto], target: ServerAddress | ServiceSettings, question: Question, *, as_json: bool | None
) -> Counter[str]:
    """Ask about each photo, and print a table, or each answer as it comes."""
    statuses: Counter[str] = Counter()
    found: list[Outcome] = []
    with opened_asker(target, question) as asker:
        for outcome in _asked(photos, asker, len(photos), tells_failures=False):
            statuses[outcome.status] += 1
            if _wants_json(as_json):
                typer.echo(outcome.to_json())
            else:
                found.append(outcome)
    if found:
        console = output_console()
        print_outcomes(found, console)
        console.print(summary(statuses), soft_wrap=True)
        if asker.advice is not None:
            console.print(asker.advice, markup=False, soft_wrap=True)
    return statuses


def _write_all(
    photos: Sequence[GivenPhoto],
    target: ServerAddress | ServiceSettings,
    question: Question,
    out: Path,
    *,
    restart: bool,
) -> Counter[str]:
    """Ask about each photo, and write a file of answers; an interrupted run is continued."""
    path = journal_path(out)
    if restart:
        path.unlink(missing_ok=True)
    elif out.exists() and not path.exists():
        raise InvalidInput(f"{out} is there already: give another name, or --restart to ask anew and replace it")
    with resumable(), Journal(path, _asked_whom(target, question)) as journal:
        left = [photo for photo in photos if photo.name not in journal]
        try:
            if left:
                with opened_asker(target, question) as asker:
                    for outcome in _asked(left, asker, len(photos)):
                        journal.add(outcome)
        except PlacefixError:
            if len(journal):
                print_note(f"{len(journal):,} of {len(photos):,} photos have an answer: the same command continues")
            raise
        names = [photo.name for photo in photos]
        write_answers(out, journal.outcomes(names))
        statuses = Counter(outcome.status for outcome in journal.outcomes(names))
        journal.remove()
    output_console().print(f"{out}: {summary(statuses)}", markup=False, soft_wrap=True)
    return statuses


def _asked(photos: Sequence[GivenPhoto], asker: Asker, total: int, *, tells_failures: bool = True) -> Iterator[Outcome]:
    with show_progress("localizing") as progress:
        progress.started(total, total - len(photos))
        for outcome in ask_all(photos, asker.ask, asker.at_a_time):
            if outcome.status == FAILED and tells_failures:
                progress.message(f"{outcome.photo}: {outcome.row()['reason']}")
            progress.advanced(1)
            yield outcome


def _asked_whom(target: ServerAddress | ServiceSettings, question: Question) -> Mapping[str, str]:
    if isinstance(target, ServerAddress):
        whom = {"server": target.url, "map": target.map_name or ""}
    else:
        whom = {"map": ",".join(map(str, target.maps))}
    return whom | fields_of(question)


def _check_map(settings: ServiceSettings) -> None:
    """Open the manifest, so that a missing map is an error before anything is written."""
    if not settings.maps:
        raise InvalidInput("no map was given: name one with --map maps/NAME, or a server with --server URL")
    for path in settings.maps:
        read_manifest(path)


def _wants_json(as_json: bool | None) -> bool:
    return as_json or (as_json is None and not sys.stdout.isatty())
