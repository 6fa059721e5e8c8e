"""One map, built, added to, removed from and compacted; what each of these writes and leaves alone."""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.changes.add import add_pictures
from index_builder.changes.compact import compact_map
from index_builder.changes.remove import Selection, remove_pictures
from index_builder.changes.update import update_map
from index_builder.new_version import ChangeReport
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.places import Place
from place_map import layout


@dataclass(frozen=True)
class Step:
    """What was done to the map once.

    Attributes:
        name: The command.
        pictures: In the map afterwards.
        encoded: Pictures that went through the network.
        duration_s: From the call to the published version.
        written_bytes: Of all files that are new.
        touched_bytes: Of files that were there before and have another time of change now, ``CURRENT`` aside.
    """

    name: str
    pictures: int
    encoded: int
    duration_s: float
    written_bytes: int
    touched_bytes: int


def repeated(places: Sequence[Place], count: int) -> list[Place]:
    """Pictures, again and again under other ids, until there are enough.

    A source that lists a file twice would leave the second one out, so this is not read from one.
    """
    return [replace(place, id=f"{number}") for number, place in enumerate(islice(cycle(places), count))]


def measure_growth(
    encoder: Encoder, places: Sequence[Place], share: float, folder: Path, options: BuildOptions
) -> list[Step]:
    """Builds a map, updates it without a change, adds a share of its pictures, removes as many, and compacts it.

    Args:
        encoder: The network.
        places: What is built from; ids are unique.
        share: Of the pictures, in (0, 1]; at least one is added, and at least one removed, evenly spread.
        folder: Where; the map is removed.
        options: Segment and batch size.

    Returns:
        A step for each, in this order.
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
    """All files of a map but ``CURRENT``, which is replaced by every change."""
    return {path: path.stat() for path in map_dir.rglob("*") if path.is_file() and path.name != layout.CURRENT}
