"""``placefix localize``: where one photo was taken, without a server."""

import secrets
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from model.images import ImageLimits, check_header
from place_map.versions import read_manifest
from placefix.commands.options import Device, NetworkPrecisionOption, NumHeads, OptionalWeights
from placefix.console import output_console
from placefix.picture_limits import read_picture_limits
from service.answer import build_answer
from service.decoding import decode_query
from service.loading import LoadedMaps, load_maps
from service.localizer import MAX_SHORTLIST, QueryDefaults, QueryOptions, encode_queries
from service.schemas import LocalizationAnswer
from service.stages import Stage, StageClock


def localize(
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="The photo.", show_default=False)],
    place_map: Annotated[Path, typer.Option("--map", help="The map to look in.", show_default=False)],
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
        bool | None, typer.Option("--rerank/--no-rerank", help="Re-rank by local features. By default if trained.")
    ] = None,
    as_json: Annotated[
        bool | None,
        typer.Option(
            "--json/--table",
            help="Print the server's answer as JSON, or a table. By default a table on a terminal, JSON otherwise.",
        ),
    ] = None,
    device: Device = "auto",
    network_precision: NetworkPrecisionOption = "auto",
) -> None:
    """Say where a photo was taken: the same answer as the server's."""
    limits = read_picture_limits()
    # A picture that cannot be used is found now, and not after the network has been loaded.
    check_header(picture, limits, whole=read_manifest(place_map).preprocessing.decodes_whole)
    loaded = load_maps(
        [place_map], weights=weights, num_heads=num_heads, device=device, network_precision=network_precision
    )
    try:
        options = QueryDefaults.for_encoder(loaded.encoder).options(candidates, shortlist, rerank=rerank)
        answer = localize_picture(picture, loaded, options, limits)
    finally:
        loaded.close()
    if as_json or (as_json is None and not sys.stdout.isatty()):
        typer.echo(answer.model_dump_json(indent=2))
        return
    _print(answer, options, is_trained=loaded.encoder.is_trained)


def localize_picture(
    picture: Path, loaded: LoadedMaps, options: QueryOptions, limits: ImageLimits
) -> LocalizationAnswer:
    """Finds a picture in the one map that is loaded."""
    start = time.perf_counter()
    clock = StageClock()
    [localizer] = loaded.localizers.values()
    with clock.measure(Stage.DECODE):
        image = decode_query(picture, limits, localizer.preprocessing)
    [encoded] = encode_queries(loaded.encoder, image[None])
    localization = localizer.localize(encoded, options)
    seconds = {**clock.seconds, **localization.seconds}
    return build_answer(localization, seconds, time.perf_counter() - start, secrets.token_hex(8))


def _print(answer: LocalizationAnswer, options: QueryOptions, *, is_trained: bool) -> None:
    console = output_console()
    if answer.position is None:
        console.print(f"no candidates: the map {answer.map.name} has no pictures")
        return
    console.print(f"{answer.position.latitude:.6f}, {answer.position.longitude:.6f}", style="bold")
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
    console.print(f"map {answer.map.name}, version {answer.map.version}; {answer.timings_ms.total:.0f} ms")
    if not options.rerank and not is_trained:
        console.print("not re-ranked: the network is not trained for places (--rerank does it all the same)")
