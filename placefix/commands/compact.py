"""``placefix compact``: full segments without dead rows."""

import typer

from index_builder.build_options import BuildOptions
from index_builder.changes.compact import compact_map
from placefix.commands.map_changes import AsJson, MapArgument, Restart, SegmentSize, interruptible, tell
from placefix.progress import show_progress

app = typer.Typer(add_completion=False)


@app.command()
def compact(
    map_path: MapArgument, segment_size: SegmentSize = None, restart: Restart = False, as_json: AsJson = False
) -> None:
    """Write segments with dead rows, and small ones, again as full ones. Features are copied, not computed.

    The room of the old ones is free when the versions that have them are pruned: [bold]placefix map prune[/bold].
    """
    with interruptible(map_path), show_progress("copying") as progress:
        report = compact_map(map_path, BuildOptions(segment_size=segment_size), progress, restart=restart)
    tell(report, as_json=as_json)
