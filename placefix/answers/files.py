"""Files of answers, with a writer for each suffix."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from model.durable import written_whole
from model.errors import InvalidInput
from placefix.answers.geojson_file import write_geojson
from placefix.answers.gpx_file import write_gpx
from placefix.answers.outcome import Outcome
from placefix.answers.row_files import write_csv, write_json_lines, write_parquet

Write = Callable[[Path, Iterable[Outcome]], None]

WRITERS: Mapping[str, Write] = {
    ".csv": write_csv,
    ".geojson": write_geojson,
    ".gpx": write_gpx,
    ".parquet": write_parquet,
    ".jsonl": write_json_lines,
}
"""Suffix → writer of a file of answers."""


def check_out(out: Path) -> None:
    """Refuse a file that cannot be written, before any question is asked.

    Raises:
        InvalidInput: The suffix is unknown, the folder does not exist, or the path is a folder.
    """
    if out.suffix.lower() not in WRITERS:
        raise InvalidInput(f"{out}: its suffix says what it will be, one of {', '.join(WRITERS)}")
    if out.is_dir():
        raise InvalidInput(f"{out} is a folder: name a file in it")
    if not out.parent.is_dir():
        raise InvalidInput(f"{out}: there is no folder {out.parent}; make it first")


def write_answers(out: Path, outcomes: Iterable[Outcome]) -> None:
    """Write a file of answers in the format of its suffix; it appears when it is whole, and replaces an older one."""
    with written_whole(out) as unfinished:
        WRITERS[out.suffix.lower()](unfinished, outcomes)
