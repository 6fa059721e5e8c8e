"""``placefix add``: more pictures for a map."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from index_builder.build_options import BuildOptions
from index_builder.changes.add import add_pictures
from index_builder.sources.read_options import ReadOptions
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
def add(
    map_path: MapArgument,
    source: Annotated[
        list[Path],
        typer.Option(help="The pictures to add: a folder of photos, or a file that lists them.", show_default=False),
    ],
    prefix: Annotated[
        str, typer.Option(help="Text before the new ids, where two collections have the same names: fleet-7/")
    ] = "",
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave out pictures whose ids the map has already.")
    ] = False,
    weights: OptionalWeights = None,
    device: Device = "auto",
    batch_size: BatchSize = _DEFAULTS.batch_size,
    segment_size: SegmentSize = None,
    max_rejected: MaxRejected = _DEFAULTS.max_rejected,
    restart: Restart = False,
    engine: Engine = EngineName.LOCAL,
    workers: Workers = None,
    worker_threads: WorkerThreads = None,
    worker_gpus: WorkerGpus = None,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Add pictures to a map; its features are not computed again.

    The map gets a new version, which is served from then on; the old one stays until it is pruned.
    Interrupted or killed, the same command continues.

    Exit code [bold]3[/bold]: done, but some pictures could not be read.
    """
    chosen = EngineChoice.of(engine, workers, worker_threads, worker_gpus)
    change_by_collection(
        map_path,
        only_source(source),
        partial(
            add_pictures,
            map_path,
            options=BuildOptions(
                batch_size=batch_size,
                segment_size=segment_size,
                max_rejected=max_rejected,
                limits=read_picture_limits(),
            ),
            prefix=prefix,
            skip_existing=skip_existing,
            restart=restart,
        ),
        "adding",
        weights=weights,
        device=device,
        engine=chosen,
        reading=reading,
        as_json=as_json,
    )
