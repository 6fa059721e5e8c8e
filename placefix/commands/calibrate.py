"""``placefix calibrate``: the meaning of the evidence for an answer on a map."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from index_builder.changes.calibrate import calibrate_map
from index_builder.sources.read_options import ReadOptions
from model.errors import InvalidInput
from place_map.calibration import DEFAULT_WITHIN_M
from placefix.calibration.calibrate import CalibrationOptions, Calibrator, describe_outcome
from placefix.calibration.questions import DEFAULT_QUESTIONS, SUFFICIENT_PHOTOS
from placefix.commands.map_changes import AsJson, MapArgument, interruptible, load_encoder, tell
from placefix.commands.options import Device, Foreign, OptionalWeights
from placefix.commands.reading_options import with_read_options
from placefix.commands.renamed_options import RenamingCommand
from placefix.console import print_note
from placefix.evaluation.collections import read_collection
from placefix.picture_limits import read_picture_limits
from placefix.samples import read_all_conditions

app = typer.Typer(add_completion=False)


@app.command(cls=RenamingCommand)
@with_read_options
def calibrate(
    map_path: MapArgument,
    queries: Annotated[
        list[Path] | None,
        typer.Option(
            help="Photos of known position to ask, too: a folder or a list. Take photos like those that will be asked, "
            "for example of the night. May be repeated.",
            show_default=False,
        ),
    ] = None,
    foreign: Foreign = None,
    own: Annotated[
        int | None,
        typer.Option(
            min=0,
            help=f"Pictures of the map that are asked; 0 for none. By default {DEFAULT_QUESTIONS}; none if there are "
            f"{SUFFICIENT_PHOTOS} --queries or more, which suffice.",
            show_default=False,
        ),
    ] = None,
    within_m: Annotated[
        float, typer.Option(help="Metres from the truth within which an answer is right.")
    ] = DEFAULT_WITHIN_M,
    weights: OptionalWeights = None,
    device: Device = "auto",
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Learn how sure the answers of a map are.

    The map is asked questions whose answers are known: its own pictures, each without itself, and every second one
    also without all pictures near it, so that no answer is right. Enough labelled photos replace them. A new version
    has the calibration, and shares everything else with the one before. Other conditions than those of the questions
    are not covered: calibrate with photos of the night for queries at night.

    Exit code [bold]0[/bold]: the map is calibrated. [bold]1[/bold]: there were too few questions; the map is as it was.
    """
    limits = read_picture_limits()
    reading = replace(reading, side="query")
    labelled = read_collection(queries, reading) if queries else None
    elsewhere = read_collection(foreign, reading, may_be_unlabelled=True) if foreign else None
    options = CalibrationOptions(
        own_pictures=own,
        queries=() if labelled is None else labelled.places,
        foreign=() if elsewhere is None else elsewhere.places,
        within_m=within_m,
        conditions=read_all_conditions(queries or []),
        limits=limits,
    )
    encoder, _ = load_encoder(map_path, weights, device)
    calibrator = Calibrator(encoder, options)
    with interruptible(map_path):
        report = calibrate_map(
            map_path,
            calibrator,  # shows how far it is
            questions=(own, within_m, limits),
            photos=[each.listing for each in (labelled, elsewhere) if each is not None],
        )
    outcome = calibrator.outcome  # None: the same was asked before
    if outcome is not None and outcome.calibration is None:
        raise InvalidInput(f"{map_path} was not calibrated, and is as it was: {outcome.why_not}")
    told = None if outcome is None else describe_outcome(outcome)
    tell(report, as_json=as_json, calibration=told)
    if as_json and told is not None:
        print_note(f"calibration: {told}")
