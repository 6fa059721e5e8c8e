"""``placefix serve``: answers over HTTP where photos were taken."""

import os
from pathlib import Path
from typing import Annotated

import structlog
import typer

from model.errors import InvalidInput
from model.matching import MatchingPrecision
from placefix.commands.options import OptionalWeights, SetDevice, SetNetworkPrecision, SettingsFile
from placefix.commands.renamed_options import RerankingCommand
from placefix.samples import read_samples
from service.environment_names import unknown_environment_names
from service.logs import configure_logging
from service.query_options import DEFAULT_MAX_WRONG, MAX_SHORTLIST
from service.server import run_server
from service.settings import LogFormat, VerifyWhen, load_settings
from service.settings_file import settings_from
from service.words import Rerank

app = typer.Typer(add_completion=False)


@app.command(cls=RerankingCommand)
def serve(
    maps: Annotated[
        list[Path] | None,
        typer.Option("--map", help="A map to serve; may be repeated.", show_default=False),
    ] = None,
    settings_file: SettingsFile = None,
    weights: OptionalWeights = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 0.0.0.0 for all. By default 127.0.0.1.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on. By default 8000.")] = None,
    device: SetDevice = None,
    network_precision: SetNetworkPrecision = None,
    samples: Annotated[
        Path | None,
        typer.Option(
            help="A folder of pictures that the page at / offers to ask with; a queries.csv in it may say where they "
            "were taken.",
            show_default=False,
        ),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            help="The file of API keys, made by placefix keys create. Without it, everybody who reaches it may ask.",
            show_default=False,
        ),
    ] = None,
    shortlist: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_SHORTLIST,
            help="Candidates to re-rank if a request leaves it open. By default 100, and 20 where counting is slow.",
        ),
    ] = None,
    rerank: Annotated[
        Rerank | None,
        typer.Option(
            help="Whether to re-rank if a request leaves it open; auto, the default, stops when the answer is sure."
        ),
    ] = None,
    max_wrong: Annotated[
        float | None,
        typer.Option(
            help="Share of the answers called localized that may be wrong, if a request leaves it open. By default "
            f"{DEFAULT_MAX_WRONG:g}."
        ),
    ] = None,
    matching_precision: Annotated[
        MatchingPrecision | None, typer.Option(help="How mutual matches are counted. By default fast.")
    ] = None,
    verify: Annotated[
        VerifyWhen | None,
        typer.Option(help="When every byte of the maps is checked. By default background, while queries are answered."),
    ] = None,
    log_format: Annotated[
        LogFormat | None,
        typer.Option(help="The form of the log; auto, the default, is console on a terminal and json otherwise."),
    ] = None,
) -> None:
    """Answer over HTTP where photos were taken.

    Every setting is also an environment variable, [bold]PLACEFIX_<NAME>[/bold], and a line of the file of settings;
    limits and queues are set only there.
    """
    settings = load_settings(
        {
            "maps": tuple(maps) if maps else None,
            "weights": weights,
            "host": host,
            "port": port,
            "device": device,
            "network_precision": network_precision,
            "samples": samples,
            "keys": keys,
            "shortlist": shortlist,
            "rerank": rerank,
            "max_wrong": max_wrong,
            "matching_precision": matching_precision,
            "verify": verify,
            "log_format": log_format,
        },
        None if settings_file is None else settings_from(settings_file),
    )
    configure_logging(settings.log_format, settings.log_level)
    log = structlog.stdlib.get_logger("placefix.serve")
    for sentence in (*unknown_environment_names(os.environ), *settings.notes):
        log.warning(sentence)
    if not settings.maps:
        raise InvalidInput("no map was given; name one with --map maps/NAME, or build one with placefix build")
    offered = read_samples(settings.samples, settings.image_limits) if settings.samples else ()
    run_server(settings, offered)
