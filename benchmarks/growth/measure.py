"""One map that is built, added to, removed from and compacted, with the bytes that each step writes."""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.change_report import ChangeReport
from index_builder.changes.add import add_pictures
from index_builder.changes.compact import compact_map
from index_builder.changes.remove import Selection, remove_pictures
from index_builder.changes.update import update_map
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.places import Place
from place_map import layout


@dataclass(frozen=True)
class Step:
    """Describe one step of changing the map.

    Attributes:
        name: The command.
        pictures: The pictures in the map afterwards.
        encoded: The number of encoded pictures.
        duration_s: The time from the call to the published version.
        written_bytes: The bytes of all new files.
        touched_bytes: The bytes of existing files with a new time of change, except ``CURRENT``.
    """

    name: str
    pictures: int
    encoded: int
    duration_s: float
    written_bytes: int
    touched_bytes: int


def repeated(places: Sequence[Place], count: int) -> list[Place]:
    """Repeat pictures under other ids until there are enough.

    This is not read from a source, because a source leaves out a file that is listed twice.
    """
    return [replace(place, id=f"{number}") for number, place in enumerate(islice(cycle(places), count))]


def measure_growth(
    encoder: Encoder, places: Sequence[Place], share: float, folder: Path, options: BuildOptions
) -> list[Step]:
    """Build a map, update it without a change, add a share of its pictures, remove as many, and compact it.

    Args:
        encoder: The network.
        places: The pictures of the map, with unique ids.
        share: The share of the pictures, in (0, 1]; at least one is added, and at least one removed, evenly spread.
        folder: The folder of the map, which is removed.
        options: The segment and batch size.

    Returns:
        The steps, in this order.
    """
    few = max(1, round(share * len(places)))
    collection = SourceListing(tuple(places), (), "csv", places[0].path.parent)
    added = replace(collection, places=tuple(replace(place, id=f"added {place.id}") for place in places[-few:]))
    dead = Selection(ids=tuple(place.id for place in places[:: len(places) // few][:few]))
    map_dir = folder / "growth"
    commands: dict[str, Callable[[], ChangeReport]] = {
        "build": lambda: build_map(collection, encoder, map_dir, options),
        "update without a change": lambda: update_map(map_dir, collection, encoder, options),
        "add": lambda: add_pictures(map_dir, added, encoder, options),
        "remove": lambda: remove_pictures(map_dir, dead),
        "compact": lambda: compact_map(map_dir, options),
    }
    steps = [_measure(name, command, map_dir) for name, command in commands.items()]
    shutil.rmtree(map_dir)
    return steps


def _measure(name: str, command: Callable[[], ChangeReport], map_dir: Path) -> Step:
    before = _files(map_dir)
    start_s = time.perf_counter()
    report = command()
    duration_s = time.perf_counter() - start_s
    after = _files(map_dir)
    return Step(
        name=name,
        pictures=report.placed,
        encoded=report.encoded,
        duration_s=duration_s,
        written_bytes=sum(status.st_size for path, status in after.items() if path not in before),
        touched_bytes=sum(
            status.st_size
            for path, status in after.items()
            if path in before and before[path].st_mtime_ns != status.st_mtime_ns
        ),
    )


def _files(map_dir: Path) -> dict[Path, os.stat_result]:
    """Return all files of a map but ``CURRENT``, which every change replaces."""
    return {path: path.stat() for path in map_dir.rglob("*") if path.is_file() and path.name != layout.CURRENT}
