"""``placefix build``: geotagged pictures in, a map out."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal
from rich.table import Table

from index_builder.build import build_map, check_ids, choose_reranker
from index_builder.build_options import BuildOptions
from index_builder.change_report import ChangeReport
from index_builder.changes.kept_options import options_as_before
from index_builder.changes.update import update_map
from index_builder.left_out import nothing_usable
from index_builder.overview import overview_of
from index_builder.sources.listing import SourceListing
from index_builder.sources.read_options import ReadOptions
from index_builder.target import check_target, is_map, map_name_of
from model import weights_cache
from model.device import DeviceName
from model.durable import write_atomically
from model.encoder import Encoder
from model.preprocess import Preprocessing
from model.rerankers.registry import reranker_named
from place_map import index_choice, layout
from place_map.index_making import check_index_factory
from place_map.left_out import left_out_csv
from place_map.versions import read_manifest
from placefix.calibration.calibrate import CalibrationOptions, Calibrator, describe_outcome
from placefix.commands.engine_options import Engine, EngineChoice, EngineName, WorkerGpus, Workers, WorkerThreads
from placefix.commands.map_changes import change_by_collection, left_out_lines, only_source, read_collection
from placefix.commands.map_options import (
    Calibrate,
    Index,
    MatchFloor,
    RerankerName,
    SegmentSize,
    Store,
    Thumbnails,
)
from placefix.commands.options import (
    BatchSize,
    Device,
    InputSize,
    NetworkPrecisionOption,
    NumHeads,
    PreprocessingOption,
    Weights,
)
from placefix.commands.reading_options import with_read_options
from placefix.commands.renamed_options import RenamingCommand
from placefix.console import error_console, output_console
from placefix.exit_codes import ExitCode
from placefix.fresh_network import open_network
from placefix.overview_text import overview_table
from placefix.picture_limits import read_picture_limits
from placefix.progress import format_duration, show_progress
from placefix.wording import count

app = typer.Typer(add_completion=False)

_CALIBRATION_S = 60.0
_CALIBRATION_SHARE = 0.1
_DEFAULTS = BuildOptions()


@app.command(cls=RenamingCommand)
@with_read_options
def build(
    source: Annotated[
        list[Path],
        typer.Option(
            help="The collection: a folder of photos, or a CSV, JSON or GeoJSON file that lists them. May be repeated.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The map to make; an existing one is left alone. By default maps/NAME, after the collection.",
            show_default=False,
        ),
    ] = None,
    weights: Weights = weights_cache.AUTO,
    num_heads: NumHeads = None,
    preprocess: PreprocessingOption = Preprocessing.ANTIALIAS,
    input_size: InputSize = None,
    device: Device = "auto",
    network_precision: NetworkPrecisionOption = "auto",
    batch_size: BatchSize = _DEFAULTS.batch_size,
    segment_size: SegmentSize = _DEFAULTS.segment_size,
    max_rejected: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of the pictures that may be unreadable."),
    ] = _DEFAULTS.max_rejected,
    index: Index = _DEFAULTS.index,
    thumbnails: Thumbnails = _DEFAULTS.thumbnails,
    store: Store = _DEFAULTS.store,
    match_floor: MatchFloor = _DEFAULTS.match_floor,
    reranker: RerankerName = _DEFAULTS.reranker,
    calibrate: Calibrate = True,
    update: Annotated[
        bool, typer.Option("--update", help="Bring an existing map up to date with its collection.")
    ] = False,
    restart: Annotated[
        bool,
        typer.Option("--restart", help="Throw away the work of an interrupted build."),
    ] = False,
    engine: Engine = EngineName.LOCAL,
    workers: Workers = None,
    worker_threads: WorkerThreads = None,
    worker_gpus: WorkerGpus = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Only read the collections: sum up their content, and write the list of pictures to leave out.",
        ),
    ] = False,
    *,
    reading: ReadOptions,
) -> None:
    """Build a map from geotagged pictures.

    An interrupted or killed build continues when the same command is run again.

    Exit code [bold]0[/bold]: every picture with a position is in the map.
    [bold]3[/bold]: the map is made, but some pictures could not be read.
    [bold]1[/bold]: no map was made.

    Pictures that are not in the map are listed in [bold]left_out.csv[/bold], with reasons.
    """
    options = BuildOptions(
        batch_size=batch_size,
        segment_size=segment_size,
        max_rejected=max_rejected,
        thumbnails=thumbnails,
        index=index,
        store=store,
        match_floor=match_floor,
        reranker=reranker,
        limits=read_picture_limits(),
    )
    if reranker is not None:
        reranker_named(reranker)  # before the network is loaded
    chosen = EngineChoice.of(engine, workers, worker_threads, worker_gpus)
    out = Path("maps") / map_name_of(source[0]) if out is None else out
    check_target(out)  # before the network is loaded
    if dry_run:
        _tell_only([read_collection(each, replace(reading, views_folder=None)) for each in source], out)
        return
    if update and is_map(out):
        _bring_up_to_date(out, source, options, device, chosen, reading)
        return
    network = open_network(
        weights,
        num_heads=num_heads,
        device=device,
        precision=network_precision,
        preprocessing=preprocess,
        input_size=input_size,
    )
    encoder = network.encoder
    if index != index_choice.AUTO:
        check_index_factory(
            index_choice.factory_named(index, encoder.global_dim), encoder.global_dim
        )  # before the collections are read
    choose_reranker(encoder, options)
    try:
        with chosen.opened(encoder, network.weights_path, num_heads) as segment_engine:
            listings = [read_collection(each, reading) for each in source]
            error_console().print(overview_table(overview_of(listings)))
            calibrator = Calibrator(encoder, CalibrationOptions(), _calibration_time()) if calibrate else None
            with show_progress("encoding") as progress:
                if network.told is not None:
                    progress.message(network.told)
                progress.message(f"device: {network.device.device} ({network.device.reason})")
                progress.message(f"encoding: {network.precision.precision} ({network.precision.reason})")
                report = build_map(
                    listings,
                    encoder,
                    out,
                    options,
                    progress,
                    weights_path=network.weights_path,
                    restart=restart,
                    calibrate=calibrator,
                    engine=segment_engine,
                )
    except KeyboardInterrupt:
        told = (
            "the map is published already. The same command removes the remains beside it."
            if (out / layout.CURRENT).is_file()
            else "nothing was published. The same command continues behind the last finished segment, and --restart "
            "begins anew."
        )
        error_console().print(f"interrupted; {told}", soft_wrap=True)
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    if not report.is_new:
        output_console().print(
            f"{out}, version {report.version}: holds {count(report.placed, 'picture')}; nothing to do",
            soft_wrap=True,
        )
        return
    table = _summary(report, encoder)
    if calibrator is not None and calibrator.outcome is not None:
        table.add_row("calibration", describe_outcome(calibrator.outcome))
    if not update:  # a command with --update is repeated often, and the server follows the map
        table.add_row("next", f"placefix serve --map {report.map_path}")
    output_console().print(table)
    if report.rejected:
        raise typer.Exit(ExitCode.SOME_REJECTED)


def _tell_only(listings: list[SourceListing], out: Path) -> None:
    """Sum up collections, and write the list of pictures to leave out beside the path of the map.

    Raises:
        InvalidInput: Two pictures have one id.
        NothingUsable: No picture has a position.
    """
    check_ids(listings)
    overview = overview_of(listings)
    output_console().print(overview_table(overview))
    report_path = out.with_name(f"{out.name}.{layout.LEFT_OUT}")
    if overview.skipped or overview.rejected:
        out.parent.mkdir(parents=True, exist_ok=True)
        left_out = {number: listing.left_out for number, listing in enumerate(listings)}
        write_atomically(report_path, left_out_csv(left_out))
        error_console().print(f"the pictures to leave out are listed in {report_path}", soft_wrap=True, markup=False)
    if not overview.placed:
        raise nothing_usable(listings, overview.skipped, overview.rejected, report_path)


def _calibration_time() -> Callable[[], float]:
    """Return a function for the seconds that calibration may take: a tenth of the build, and at least a minute."""
    began_s = time.monotonic()
    return lambda: max(_CALIBRATION_S, _CALIBRATION_SHARE * (time.monotonic() - began_s))


def _bring_up_to_date(
    out: Path,
    source: list[Path],
    options: BuildOptions,
    device: DeviceName,
    engine: EngineChoice,
    reading: ReadOptions,
) -> None:
    """Update a map with its own network, whatever networks are here by now."""
    reading = options_as_before(reading, read_manifest(out).sources, only_source(source))
    change_by_collection(
        out,
        only_source(source),
        partial(update_map, out, options=options),
        "updating",
        weights=None,
        device=device,
        engine=engine,
        reading=reading,
        as_json=False,
    )


def _summary(report: ChangeReport, encoder: Encoder) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("map", f"{report.map_path}, version {report.version}")
    table.add_row("placed", count(report.placed, "picture"))
    table.add_row("skipped", f"{report.skipped:,} without a usable position")
    table.add_row("rejected", f"{report.rejected:,} that cannot be read")
    if report.skipped or report.rejected:
        table.add_row("left out", left_out_lines(report))
    table.add_row("index", report.index)
    table.add_row("size", decimal(report.total_bytes))
    rate = report.encoded / report.duration_s
    table.add_row("time", f"{format_duration(report.duration_s)}, {rate:,.1f} pictures/s")
    if not encoder.is_trained:
        table.add_row("network", "a backbone alone, untrained for places: answers are not re-ranked unless asked")
    return table
