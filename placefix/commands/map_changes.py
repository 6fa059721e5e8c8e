"""The common parts of the commands that change a map: the map's own network, and the report of a change."""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from index_builder.change_report import ChangeReport
from index_builder.overview import overview_of
from index_builder.segment_engine import SegmentEngine
from index_builder.sources.listing import SourceListing
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from model.device import DeviceName, choose_device
from model.encoder import Encoder
from model.errors import InvalidInput
from model.progress import Progress
from place_map.left_out import LeftOut, read_left_out
from place_map.network_file import find_network_file, read_network
from place_map.versions import read_current, read_manifest
from placefix.commands.engine_options import EngineChoice
from placefix.console import error_console, output_console
from placefix.exit_codes import ExitCode
from placefix.overview_text import overview_table
from placefix.progress import format_duration, show_progress
from placefix.wording import count

MapArgument = Annotated[Path, typer.Argument(metavar="MAP", help="The map: maps/NAME.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Restart = Annotated[bool, typer.Option("--restart", help="Throw away the work of an interrupted run.")]
MaxRejected = Annotated[float, typer.Option(min=0, max=1, help="Share of the pictures that may be unreadable.")]
SegmentSize = Annotated[
    int | None,
    typer.Option(min=1, help="Pictures in one segment. By default 256, more for many pictures.", rich_help_panel="Map"),
]


def load_encoder(map_path: Path, weights: str | None, device: DeviceName) -> tuple[Encoder, Path]:
    """Load the network of a map, in the precision and with the preparation of the map; return its file, too.

    Raises:
        PlacefixError: The map or the weights cannot be used, or the weights cannot be found.
    """
    manifest = read_manifest(map_path)
    chosen = choose_device(device)
    weights_path = find_network_file(manifest.network, map_path.name, weights)
    network = read_network(manifest.network, weights_path)
    error_console().print(
        f"device: {chosen.device} ({chosen.reason}); encoding: {manifest.network.precision}, as the map", soft_wrap=True
    )
    encoder = Encoder(network, chosen.device, manifest.preparation_for(network), manifest.network.precision)
    return encoder, weights_path


def read_collection(source: Path, reading: ReadOptions) -> SourceListing:
    """Read a collection, and say how many pictures it has."""
    console = error_console()
    with console.status("reading positions") as status:
        listing = read_source(
            source,
            reading,
            on_progress=lambda read: status.update(f"reading positions: {read:,} pictures"),
        )
    console.print(
        f"{source}: {listing.kind}, {count(len(listing), 'picture')}, {len(listing.places):,} with a position",
        soft_wrap=True,
    )
    return listing


def only_source(sources: list[Path]) -> Path:
    """Return the collection of a command that takes one.

    Raises:
        InvalidInput: Several are given.
    """
    if len(sources) > 1:
        raise InvalidInput(
            f"--source is given {len(sources)} times: {', '.join(map(str, sources))}. This command takes one "
            "collection at a time: give it once for each"
        )
    return sources[0]


@contextmanager
def interruptible(map_path: Path) -> Iterator[None]:
    """Report the state of a map when a change is interrupted.

    Raises:
        MapError: There is no map, or its ``CURRENT`` cannot be read.
        typer.Exit: The change was interrupted.
    """
    before = read_current(map_path)
    try:
        yield
    except KeyboardInterrupt:
        current = read_current(map_path)
        if current == before:
            told = (
                "the map is as it was. The same command continues behind the last finished segment, and placefix map "
                "abandon throws the finished ones away."
            )
        else:
            told = f"version {current.version} is served already. The same command removes the remains beside it."
        error_console().print(f"interrupted; {told}", soft_wrap=True)
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def tell(report: ChangeReport, *, as_json: bool, calibration: str | None = None) -> None:
    """Print the report of a change.

    Args:
        report: The report.
        as_json: Whether it is printed as JSON.
        calibration: A sentence about a new calibration, which JSON does not have.
    """
    if as_json:
        typer.echo(json.dumps(_as_json(report), indent=2))
    else:
        output_console().print(_table(report, calibration))


def left_out_lines(report: ChangeReport) -> Text:
    """Return an example of each kind of reason, with how many more there are, and where all of them are listed.

    Args:
        report: The report of a version that leaves pictures out.

    Raises:
        MapCorrupt: The list of the version cannot be read.
    """
    by_code: defaultdict[str, list[LeftOut]] = defaultdict(list)
    for entries in read_left_out(report.map_path, report.version).values():
        for entry in entries:
            by_code[entry.code].append(entry)
    lines = []
    for alike in sorted(by_code.values(), key=len, reverse=True):
        more = f"; {len(alike) - 1:,} more like it" if len(alike) > 1 else ""
        lines.append(f"{alike[0].path}: {alike[0].reason}{more}")
    return Text("\n".join([*lines, f"all of them: {report.left_out_path}"]))


class Change(Protocol):
    """Add to a map, or update it."""

    def __call__(
        self, listing: SourceListing, encoder: Encoder, *, progress: Progress, engine: SegmentEngine
    ) -> ChangeReport:
        """Change the map by a collection, with the map's network and an engine that encodes."""


def change_by_collection(
    map_path: Path,
    source: Path,
    change: Change,
    doing: str,
    *,
    weights: str | None,
    device: DeviceName,
    engine: EngineChoice,
    reading: ReadOptions,
    as_json: bool,
) -> None:
    """Read a collection, change the map by it, and print the report.

    Args:
        map_path: The map.
        source: The collection.
        change: The function that changes the map.
        doing: Heads the display.
        weights: The network; by default the file that the map was built with.
        device: Where the network lives.
        engine: The engine that encodes new pictures.
        reading: How the collection is read.
        as_json: Whether the report is printed as JSON.

    Raises:
        PlacefixError: As the change raises it.
        typer.Exit: It was interrupted; or pictures could not be read that were not known before.
    """
    before = read_manifest(map_path)
    encoder, weights_path = load_encoder(map_path, weights, device)
    heads = before.network.config.get("num_heads")
    with interruptible(map_path), engine.opened(encoder, weights_path, heads) as segment_engine:
        listing = read_collection(source, reading)
        error_console().print(overview_table(overview_of([listing])))
        with show_progress(doing) as progress:
            report = change(listing, encoder, progress=progress, engine=segment_engine)
    tell(report, as_json=as_json)
    if report.rejected > before.counts.rejected:
        raise typer.Exit(ExitCode.SOME_REJECTED)


def _as_json(report: ChangeReport) -> dict[str, object]:
    return {
        "map": str(report.map_path),
        "version": report.version,
        "new": report.is_new,
        "parent": report.parent,
        "change": report.change.model_dump(),
        "placed": report.placed,
        "skipped": report.skipped,
        "rejected": report.rejected,
        "encoded": report.encoded,
        "bytes": report.total_bytes,
        "duration_s": round(report.duration_s, 3),
    }


def _table(report: ChangeReport, calibration: str | None) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("map", f"{report.map_path}, version {report.version}")
    if not report.is_new:
        table.add_row("change", "none: there was nothing to do")
    else:
        change = report.change
        counts = (("added", change.added), ("replaced", change.replaced), ("removed", change.removed))
        told = ", ".join(f"{count:,} {what}" for what, count in counts if count)
        table.add_row(change.kind, f"{told or 'no picture changed'}; {report.encoded:,} encoded")
    table.add_row("placed", count(report.placed, "picture"))
    if report.skipped or report.rejected:
        told = f"{report.skipped:,} without a usable position, {report.rejected:,} that cannot be read"
        table.add_row("left out", Text(f"{told}\n").append(left_out_lines(report)))
    table.add_row("size", decimal(report.total_bytes))
    table.add_row("time", format_duration(report.duration_s))
    if calibration is not None:
        table.add_row("calibration", Text(calibration))
    if report.is_new and report.parent is not None:
        table.add_row("undo", f"placefix map rollback {report.map_path}")
    return table
