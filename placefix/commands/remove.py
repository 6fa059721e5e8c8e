"""``placefix remove``: pictures that a map shall not have any more."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from index_builder.changes.area import Area
from index_builder.changes.remove import Selection, remove_pictures, select_pictures
from model.errors import InvalidInput
from placefix.commands.map_changes import AsJson, MapArgument, interruptible, tell
from placefix.console import error_console
from placefix.progress import show_progress
from placefix.wording import count

app = typer.Typer(add_completion=False)

_BOX_NUMBERS = 4


@app.command()
def remove(
    map_path: MapArgument,
    ids: Annotated[
        list[str] | None, typer.Option("--id", help="The id of a picture; may be repeated.", show_default=False)
    ] = None,
    ids_file: Annotated[
        Path | None, typer.Option(help="A file with one id in a line; - reads standard input.", show_default=False)
    ] = None,
    area: Annotated[
        list[str] | None,
        typer.Option(
            help="WEST,SOUTH,EAST,NORTH in degrees, or a GeoJSON file with polygons; may be repeated.",
            metavar="BOX|FILE",
            show_default=False,
        ),
    ] = None,
    taken_before: Annotated[
        str | None,
        typer.Option(help="Remove pictures taken before this ISO 8601 time, such as 2024-05-31.", show_default=False),
    ] = None,
    taken_after: Annotated[
        str | None, typer.Option(help="Remove pictures taken at this ISO 8601 time or later.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the ids that would be removed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove pictures from a map by id, area or time; they must meet all given conditions.

    No feature is rewritten: the new version does not count their rows. [bold]placefix compact[/bold] and
    [bold]placefix map prune[/bold] free their room.
    """
    selection = Selection(
        ids=tuple(dict.fromkeys([*(ids or ()), *_ids_of(ids_file)])),
        area=Area.union(map(parse_area, area)) if area else None,
        taken_before=_time("--taken-before", taken_before),
        taken_after=_time("--taken-after", taken_after),
    )
    if dry_run:
        pictures = select_pictures(map_path, selection)
        for picture in pictures:
            typer.echo(picture.record.id)
        error_console().print(f"{count(len(pictures), 'picture')} would be removed", soft_wrap=True)
        return
    with interruptible(map_path), show_progress("removing") as progress:
        report = remove_pictures(map_path, selection, progress)
    tell(report, as_json=as_json)


def parse_area(text: str) -> Area:
    """Return an area from a box or a file.

    Raises:
        InvalidInput: The text is neither.
    """
    parts = text.split(",")
    if len(parts) == _BOX_NUMBERS:
        try:
            west, south, east, north = map(float, parts)
        except ValueError:
            pass  # a file with commas in its name
        else:
            return Area.box(west, south, east, north)
    path = Path(text)
    if not path.is_file():
        raise InvalidInput(f"--area {text}: neither WEST,SOUTH,EAST,NORTH in degrees nor a GeoJSON file")
    return Area.from_geojson(path)


def _ids_of(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"--ids-file {path} cannot be read: {error}") from error
    ids = [line for line in text.splitlines() if line.strip()]
    if not ids:
        raise InvalidInput(f"--ids-file {path} holds no id")
    return ids


def _time(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"{option} {text}: not an ISO 8601 time, as 2024-05-31 or 2024-05-31T12:00:00+02:00"
        ) from error
