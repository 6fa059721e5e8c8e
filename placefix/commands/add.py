"""``placefix add``: more pictures for a map."""

from pathlib import Path
from typing import Annotated

import typer

from index_builder.build_options import BuildOptions
from index_builder.changes.add import add_pictures
from place_map.versions import read_manifest
from placefix.commands.map_changes import (
    AsJson,
    MapArgument,
    MaxRejected,
    Restart,
    SegmentSize,
    exit_if_rejected,
    interruptible,
    load_encoder,
    read_collection,
    tell,
)
from placefix.commands.options import BatchSize, Device, LatitudeColumn, LongitudeColumn, NumHeads, OptionalWeights
from placefix.picture_limits import read_picture_limits
from placefix.progress import show_progress

_DEFAULTS = BuildOptions()


def add(
    map_path: MapArgument,
    source: Annotated[
        Path,
        typer.Option(help="What to add: a folder of photos, or a file that lists them.", show_default=False),
    ],
    prefix: Annotated[
        str, typer.Option(help="Put in front of the new ids, where two collections call pictures alike: fleet-7/")
    ] = "",
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave pictures alone whose ids the map has already.")
    ] = False,
    weights: OptionalWeights = None,
    num_heads: NumHeads = None,
    device: Device = "auto",
    batch_size: BatchSize = _DEFAULTS.batch_size,
    segment_size: SegmentSize = None,
    max_rejected: MaxRejected = _DEFAULTS.max_rejected,
    latitude_column: LatitudeColumn = None,
    longitude_column: LongitudeColumn = None,
    restart: Restart = False,
    as_json: AsJson = False,
) -> None:
    """Add pictures to a map; what it has is not computed again.

    The map gets a new version, which is served from then on; the old one stays until it is pruned.
    Interrupted or killed, the same command continues.

    Exit code [bold]3[/bold]: done, but some pictures could not be read.
    """
    rejected_before = read_manifest(map_path).counts.rejected
    encoder = load_encoder(map_path, weights, num_heads, device)
    listing = read_collection(source, latitude_column, longitude_column)
    options = BuildOptions(
        batch_size=batch_size,
        segment_size=segment_size,
        max_rejected=max_rejected,
        limits=read_picture_limits(),
    )
    with interruptible(map_path), show_progress("adding") as progress:
        report = add_pictures(
            map_path,
            listing,
            encoder,
            options,
            progress,
            prefix=prefix,
            skip_existing=skip_existing,
            restart=restart,
        )
    tell(report, as_json=as_json)
    exit_if_rejected(report, rejected_before)
