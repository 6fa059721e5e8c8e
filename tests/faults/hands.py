"""Who changes the map of a sequence: this process through the functions, or the command line in other ones."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.changes.add import add_pictures
from index_builder.changes.compact import compact_map
from index_builder.changes.prune import abandon_change, prune_versions
from index_builder.changes.remove import Selection, remove_pictures
from index_builder.changes.update import update_map
from index_builder.sources.read import read_source
from model.encoder import Encoder
from model.errors import PlacefixError
from model.progress import SILENT, Progress
from place_map.activation import activate_version, roll_back
from placefix.exit_codes import ExitCode

REPOSITORY = Path(__file__).parents[2]
SEGMENT_SIZE = 3


class Refused(PlacefixError):
    """Report that a command has ended with an error that it has told."""


class Hands(Protocol):
    """Change maps, or refuse with a ``PlacefixError``."""

    def build(self, map_dir: Path, source: Path) -> None: ...
    def add(self, map_dir: Path, source: Path, prefix: str, progress: Progress = SILENT) -> None: ...
    def update(self, map_dir: Path, source: Path, progress: Progress = SILENT) -> None: ...
    def remove(self, map_dir: Path, ids: Sequence[str]) -> None: ...
    def compact(self, map_dir: Path, segment_size: int, progress: Progress = SILENT) -> None: ...
    def activate(self, map_dir: Path, version: str) -> None: ...
    def roll_back(self, map_dir: Path) -> None: ...
    def prune(self, map_dir: Path, keep: int) -> None: ...
    def abandon(self, map_dir: Path) -> None: ...


class LibraryHands:
    """Call the functions, in this process.

    Args:
        encoder: The network.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._options = BuildOptions(batch_size=2, segment_size=SEGMENT_SIZE, max_rejected=1)

    def build(self, map_dir: Path, source: Path) -> None:
        build_map(read_source(source), self._encoder, map_dir, self._options)

    def add(self, map_dir: Path, source: Path, prefix: str, progress: Progress = SILENT) -> None:
        add_pictures(
            map_dir, read_source(source), self._encoder, self._options, progress, prefix=prefix, skip_existing=True
        )

    def update(self, map_dir: Path, source: Path, progress: Progress = SILENT) -> None:
        update_map(map_dir, read_source(source), self._encoder, self._options, progress, max_removed=1)

    def remove(self, map_dir: Path, ids: Sequence[str]) -> None:
        remove_pictures(map_dir, Selection(ids=tuple(ids)))

    def compact(self, map_dir: Path, segment_size: int, progress: Progress = SILENT) -> None:
        compact_map(map_dir, BuildOptions(segment_size=segment_size), progress)

    def activate(self, map_dir: Path, version: str) -> None:
        activate_version(map_dir, version)

    def roll_back(self, map_dir: Path) -> None:
        roll_back(map_dir)

    def prune(self, map_dir: Path, keep: int) -> None:
        prune_versions(map_dir, keep=keep)

    def abandon(self, map_dir: Path) -> None:
        abandon_change(map_dir)


class CommandHands:
    """Call the command line, in a process for each call.

    Args:
        weights: The network.
    """

    def __init__(self, weights: Path) -> None:
        self._weights = ("--weights", weights)
        self._how = ("--batch-size", "2", "--segment-size", f"{SEGMENT_SIZE}", "--max-rejected", "1")

    def build(self, map_dir: Path, source: Path) -> None:
        _run(
            "build", "--source", source, "--out", map_dir, "--network-precision", "float32", *self._weights, *self._how
        )

    def add(self, map_dir: Path, source: Path, prefix: str, _progress: Progress = SILENT) -> None:
        _run("add", map_dir, "--source", source, "--prefix", prefix, "--skip-existing", *self._weights, *self._how)

    def update(self, map_dir: Path, source: Path, _progress: Progress = SILENT) -> None:
        _run("update", map_dir, "--source", source, "--max-removed", "1", *self._weights, *self._how)

    def remove(self, map_dir: Path, ids: Sequence[str]) -> None:
        _run("remove", map_dir, *(argument for each in ids for argument in ("--id", each)))

    def compact(self, map_dir: Path, segment_size: int, _progress: Progress = SILENT) -> None:
        _run("compact", map_dir, "--segment-size", f"{segment_size}")

    def activate(self, map_dir: Path, version: str) -> None:
        _run("map", "activate", map_dir, version)

    def roll_back(self, map_dir: Path) -> None:
        _run("map", "rollback", map_dir)

    def prune(self, map_dir: Path, keep: int) -> None:
        _run("map", "prune", map_dir, "--keep", f"{keep}")

    def abandon(self, map_dir: Path) -> None:
        _run("map", "abandon", map_dir)


def _run(*arguments: object) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "placefix", *(str(argument) for argument in arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode == ExitCode.ERROR and "Traceback" not in finished.stderr:
        raise Refused(finished.stderr)
    assert finished.returncode in {0, ExitCode.SOME_REJECTED}, finished.stderr
