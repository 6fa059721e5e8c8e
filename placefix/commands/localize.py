"""``placefix localize``: where a photo was taken, or several that belong together, without a server."""

import sys
from math import ceil
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from model.errors import InvalidInput
from model.images import check_header
from place_map.calibration import calibration_advice
from place_map.versions import read_manifest
from placefix.asking import check_count, opened_map, prior_of, read_settings, together_of
from placefix.client.question import Question
from placefix.commands.options import (
    AskedMapPath,
    NumHeads,
    OptionalWeights,
    SetDevice,
    SetNetworkPrecision,
    SettingsFile,
)
from placefix.console import output_console, print_note
from service.prior import DEFAULT_HEADING_TOLERANCE_DEG, DEFAULT_PRIOR_M
from service.query_options import DEFAULT_MAX_WRONG, MAX_SHORTLIST
from service.schemas.answer import LocalizationAnswer
from service.words import Rerank, Togetherness

_PRIOR_PANEL = "What is known beforehand"
_TOGETHER_PANEL = "Several photos"


def localize(
    pictures: Annotated[
        list[Path],
        typer.Argument(metavar="PICTURE...", help="The photo; with --together several.", show_default=False),
    ],
    place_map: AskedMapPath = None,
    settings_file: SettingsFile = None,
    weights: OptionalWeights = None,
    num_heads: NumHeads = None,
    candidates: Annotated[
        int | None, typer.Option(min=1, max=MAX_SHORTLIST, help="Candidates to show. By default 10.")
    ] = None,
    shortlist: Annotated[
        int | None,
        typer.Option(
            min=1, max=MAX_SHORTLIST, help="Candidates to re-rank. By default 100, and 20 where counting is slow."
        ),
    ] = None,
    rerank: Annotated[
        Rerank | None,
        typer.Option(help="Re-rank by local features: auto, always or never. auto stops when the answer is sure."),
    ] = None,
    max_wrong: Annotated[
        float | None,
        typer.Option(
            help=f"Share of the answers called localized that may be wrong. By default {DEFAULT_MAX_WRONG:g}."
        ),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="The confidence that an answer must also reach to be called localized. By default 0."
        ),
    ] = None,
    near: Annotated[
        str | None,
        typer.Option(
            metavar="LAT,LON",
            help="Where the photo was taken, roughly: only pictures within --within-m of it may be the answer.",
            rich_help_panel=_PRIOR_PANEL,
        ),
    ] = None,
    use_exif_position: Annotated[
        bool,
        typer.Option(
            "--use-exif-position",
            help="Take the photo's own GPS position for --near.",
            rich_help_panel=_PRIOR_PANEL,
        ),
    ] = False,
    within_m: Annotated[
        float | None,
        typer.Option(help=f"Metres around --near. By default {DEFAULT_PRIOR_M:g}.", rich_help_panel=_PRIOR_PANEL),
    ] = None,
    heading: Annotated[
        float | None,
        typer.Option(
            help="Where the camera looked to, roughly, in degrees clockwise from true north; pictures of unknown "
            "heading are no answer then.",
            rich_help_panel=_PRIOR_PANEL,
        ),
    ] = None,
    heading_tolerance: Annotated[
        float | None,
        typer.Option(
            help=f"Degrees by which --heading may be wrong. By default {DEFAULT_HEADING_TOLERANCE_DEG:g}.",
            rich_help_panel=_PRIOR_PANEL,
        ),
    ] = None,
    together: Annotated[
        Togetherness | None,
        typer.Option(
            help="How several photos belong together: all of one place, or a sequence along a path, whose last "
            "position is looked for.",
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
            help="Print the server's answer as JSON, or a table. By default a table on a terminal, JSON otherwise.",
        ),
    ] = None,
    device: SetDevice = None,
    network_precision: SetNetworkPrecision = None,
) -> None:
    """Say where a photo was taken, or several that belong together: the same answer as the server's.

    It goes by the same settings: flags over environment variables, [bold]PLACEFIX_<NAME>[/bold], over a file of them.
    """
    settings = read_settings(
        {
            "maps": None if place_map is None else (place_map,),
            "weights": weights,
            "num_heads": num_heads,
            "max_wrong": max_wrong,
            "device": device,
            "network_precision": network_precision,
        },
        settings_file,
        print_note,
    )
    question: Question = {
        "candidates": candidates,
        "shortlist": shortlist,
        "rerank": rerank,
        "min_confidence": min_confidence,
        "near": near,
        "within_m": within_m,
        "use_exif_position": use_exif_position,
        "heading": heading,
        "heading_tolerance": heading_tolerance,
        "together": together,
        "times": times,
    }
    prior, belong = prior_of(question), together_of(question, len(pictures))
    if len(pictures) > 1 and belong is None:
        raise InvalidInput(
            f"{len(pictures)} photos: say with --together place or --together sequence how they belong together"
        )
    check_count(len(pictures), belong, settings)
    # A picture that cannot be used is found now, and not after the network has been loaded.
    whole = any(read_manifest(path).preprocessing.decodes_whole for path in settings.maps)
    for picture in pictures:
        check_header(picture, settings.image_limits, whole=whole)
        prior.for_photo(picture)
    with opened_map(settings) as opened:
        answer = opened.asking(question, len(pictures)).answer(pictures)
        is_trained, asked = opened.localizer.encoder.is_trained, opened.localizer.place_map
        advice = calibration_advice(asked.calibration, asked.version, len(asked), settings.max_wrong)
    if as_json or (as_json is None and not sys.stdout.isatty()):
        typer.echo(answer.model_dump_json(indent=2))
        return
    _print(answer, advice, is_trained=is_trained)


def _print(answer: LocalizationAnswer, advice: str | None, *, is_trained: bool) -> None:
    console = output_console()
    console.print(_headline(answer), style="bold", markup=False, soft_wrap=True)
    if not answer.candidates:
        return
    numbers = ("latitude", "longitude", "heading", "matches", "distance")
    table = Table(
        Column("rank", justify="right"),
        Column("picture", overflow="fold"),
        *(Column(name, justify="right") for name in numbers),
    )
    for candidate in answer.candidates:
        table.add_row(
            str(candidate.rank),
            Text(candidate.id),
            f"{candidate.latitude:.6f}",
            f"{candidate.longitude:.6f}",
            "" if candidate.heading_deg is None else f"{candidate.heading_deg:.0f}°",
            "" if candidate.mutual_matches is None else str(candidate.mutual_matches),
            f"{candidate.global_distance:.4f}",
        )
    console.print(table)
    for each in answer.photos or []:
        sure = "" if each.confidence is None else f", {each.confidence:.1%} sure"
        says = "does not speak for it" if each.candidate is None else f"{each.candidate.id}{sure}"
        console.print(f"photo {each.photo}: {says}", markup=False, soft_wrap=True)
    console.print(f"map {answer.map.name}, version {answer.map.version}; {answer.timings_ms.total:.0f} ms")
    if answer.evidence is not None and answer.evidence.compared:
        console.print(f"{answer.evidence.matches} matches, {answer.evidence.rival_matches} of another place")
    elif not is_trained:
        console.print(
            "not re-ranked: the network is not trained for places (--rerank always does it all the same)",
            soft_wrap=True,
        )
    if advice is not None:
        console.print(advice, markup=False, soft_wrap=True)


def _headline(answer: LocalizationAnswer) -> str:
    """Return the answer in one line: the position, its radius, and how sure it is."""
    sure = "nobody knows how sure" if answer.confidence is None else f"{answer.confidence:.1%} sure"
    if answer.status == "no_candidates":
        return f"no candidates: no picture of the map {answer.map.name} comes into question"
    if answer.position is None:
        return f"not found: the map {answer.map.name} does not have the place; of the first one {sure}"
    radius = "" if answer.accuracy is None else f" ± {ceil(answer.accuracy.radius_m)} m"
    return f"{answer.position.latitude:.6f}, {answer.position.longitude:.6f}{radius}  {answer.status}, {sure}"
