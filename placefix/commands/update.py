"""``placefix update``: a map follows its collections."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from index_builder.build_options import BuildOptions
from index_builder.changes.kept_options import options_as_before
from index_builder.changes.update import DEFAULT_MAX_REMOVED, checked_source, update_map
from index_builder.sources.read_options import ReadOptions
from model.errors import InvalidInput
from place_map.versions import read_manifest
from placefix.commands.engine_options import Engine, EngineChoice, EngineName, WorkerGpus, Workers, WorkerThreads
from placefix.commands.map_changes import (
    AsJson,
    MapArgument,
    MaxRejected,
    Restart,
    SegmentSize,
    change_by_collection,
    only_source,
)
from placefix.commands.options import BatchSize, Device, OptionalWeights
from placefix.commands.reading_options import with_read_options
from placefix.commands.renamed_options import RenamingCommand
from placefix.picture_limits import read_picture_limits

app = typer.Typer(add_completion=False)

_DEFAULTS = BuildOptions()


@app.command(cls=RenamingCommand)
@with_read_options
def update(
    map_path: MapArgument,
    source: Annotated[
        list[Path] | None,
        typer.Option(help="The collection, if the map has several, or if it was moved.", show_default=False),
    ] = None,
    source_number: Annotated[
        int | None,
        typer.Option(min=0, help="The number of a moved collection among the map's sources (placefix map describe)."),
    ] = None,
    weights: OptionalWeights = None,
    device: Device = "auto",
    batch_size: BatchSize = _DEFAULTS.batch_size,
    segment_size: SegmentSize = None,
    max_rejected: MaxRejected = _DEFAULTS.max_rejected,
    max_removed: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the map's pictures that may be gone from the collection.")
    ] = DEFAULT_MAX_REMOVED,
    restart: Restart = False,
    engine: Engine = EngineName.LOCAL,
    workers: Workers = None,
    worker_threads: WorkerThreads = None,
    worker_gpus: WorkerGpus = None,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Bring a map up to date with its collection: new, changed and missing pictures.

    Files are compared by content. Only new and changed ones go through the network; pictures that were renamed, or
    have another position, keep their features. Where no option says how the collection is read, it is read as before.

    Exit code [bold]3[/bold]: done, but some pictures could not be read.
    """
    chosen = EngineChoice.of(engine, workers, worker_threads, worker_gpus)
    manifest = read_manifest(map_path)
    if not source:
        if len(manifest.sources) > 1:
            known = "; ".join(each.path for each in manifest.sources)
            raise InvalidInput(f"{map_path} has {len(manifest.sources)} sources: say which with --source: {known}")
        source = [Path(manifest.sources[0].path)]
    if source_number is not None:
        checked_source(manifest, source_number, map_path)  # before the network is loaded
    reading = options_as_before(reading, manifest.sources, only_source(source), source_number)
    change_by_collection(
        map_path,
        only_source(source),
        partial(
            update_map,
            map_path,
            options=BuildOptions(
                batch_size=batch_size,
                segment_size=segment_size,
                max_rejected=max_rejected,
                limits=read_picture_limits(),
            ),
            source=source_number,
            max_removed=max_removed,
            restart=restart,
        ),
        "updating",
        weights=weights,
        device=device,
        engine=chosen,
        reading=reading,
        as_json=as_json,
    )
