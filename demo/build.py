"""The demo as files: pictures, network and map, made once and kept.

::

    DIR/demo.json                  which drawing they belong to
       /pictures/database/*.jpg    what the map is built from
       /pictures/queries/*.jpg     other visits, to ask with
       /network.safetensors        small and untrained
       /maps/demo/                 the map
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from demo.network import demo_network
from demo.photo_file import write_photo
from demo.picture import paint_picture
from demo.town import SEED, draw_town
from demo.walk import Shot, Walk, whole_walk
from index_builder.build import BuildOptions, build_map
from index_builder.place_map.reader import PlaceMap
from index_builder.progress import Progress
from index_builder.sources.read import read_source
from index_builder.verify import verify_map
from model.encoder import Encoder
from model.errors import InvalidInput, MapError, WeightsError
from model.fingerprint import fingerprint
from model.network.selavpr import SelaVPR
from model.weights import load_network, save_network


class ShowProgress(Protocol):
    """Begins to show a step: ``placefix.progress.show_progress``, or nothing in tests."""

    def __call__(self, what: str, /) -> AbstractContextManager[Progress]:
        """Shows a step until the context ends."""


@dataclass(frozen=True)
class DemoFiles:
    """Where everything lies below one directory."""

    root: Path

    @property
    def stamp(self) -> Path:
        """Names the drawing that the rest belongs to."""
        return self.root / "demo.json"

    @property
    def database(self) -> Path:
        """The pictures of the map."""
        return self.root / "pictures" / "database"

    @property
    def queries(self) -> Path:
        """The pictures to ask with."""
        return self.root / "pictures" / "queries"

    @property
    def network(self) -> Path:
        """The weights."""
        return self.root / "network.safetensors"

    @property
    def map(self) -> Path:
        """The map."""
        return self.root / "maps" / "demo"


def build_demo(root: Path, show_progress: ShowProgress, walk: Walk | None = None) -> bool:
    """Makes whatever is missing, damaged or drawn by an earlier release.

    Interrupted at any point, the next call makes the rest. The same release makes the same pictures everywhere.

    Args:
        root: The demo's own directory.
        show_progress: How to say how far it is.
        walk: What to photograph; by default everything.

    Returns:
        Whether there was anything to do.

    Raises:
        InvalidInput: There is something else in the directory.
        MapError: The map cannot be written.
    """
    files = DemoFiles(root)
    did_stamp = _ensure_stamp(files)
    did_draw = _ensure_pictures(files, walk or whole_walk(SEED), show_progress)
    network, did_save = _ensure_network(files)
    did_build = _ensure_map(files, Encoder(network), show_progress)
    return did_stamp or did_draw or did_save or did_build


def _ensure_stamp(files: DemoFiles) -> bool:
    """Begins a demo; what an earlier release has drawn is thrown away."""
    stamp = json.dumps({"drawing": _drawing_digest()}) + "\n"
    if files.stamp.is_file():
        if files.stamp.read_text() == stamp:
            return False
        for outdated in (files.map, files.queries, files.database):
            if outdated.exists():
                shutil.rmtree(outdated)
    elif files.root.exists() and any(files.root.iterdir()):
        raise InvalidInput(f"{files.root} is not empty and is no demo; name another directory (--out)")
    files.root.mkdir(parents=True, exist_ok=True)
    files.stamp.write_text(stamp)
    return True


def _drawing_digest() -> str:
    """SHA-256 over the code that draws: other code, another town."""
    digest = hashlib.sha256()
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.name.encode() + b"\0" + module.read_bytes() + b"\0")
    return digest.hexdigest()


def _ensure_pictures(files: DemoFiles, walk: Walk, show_progress: ShowProgress) -> bool:
    """Draws the pictures that are not there; each is written whole, so those that are there are complete."""
    shots: list[tuple[Shot, Path]] = []
    for folder, of_folder in ((files.database, walk.database), (files.queries, walk.queries)):
        folder.mkdir(parents=True, exist_ok=True)
        shots += [(shot, folder / f"{shot.name}.jpg") for shot in of_folder]
    missing = [(shot, path) for shot, path in shots if not path.is_file()]
    if missing:
        _draw(missing, len(shots), show_progress)
    return bool(missing)


def _draw(missing: Sequence[tuple[Shot, Path]], total: int, show_progress: ShowProgress) -> None:
    town = draw_town(SEED)
    with show_progress("drawing a town") as progress:
        progress.started(total, total - len(missing))
        for shot, path in missing:
            write_photo(paint_picture(town, shot.view, shot.light), shot, path)
            progress.advanced(1)


def _ensure_network(files: DemoFiles) -> tuple[SelaVPR, bool]:
    """The network, and whether its file had to be written."""
    network = demo_network()
    try:
        if fingerprint(load_network(files.network)) == fingerprint(network):
            return network, False
    except WeightsError:
        pass  # missing or damaged: written below
    save_network(network, files.network)
    return network, True


def _ensure_map(files: DemoFiles, encoder: Encoder, show_progress: ShowProgress) -> bool:
    """Builds the map, unless it is there, whole, and of this network."""
    if _is_good_map(files.map, encoder):
        return False
    if files.map.exists():
        shutil.rmtree(files.map)
    with show_progress("encoding") as progress:
        # So few pictures are one segment, so there is none to continue behind.
        build_map(
            read_source(files.database),
            encoder,
            files.map,
            BuildOptions(),
            progress,
            weights_path=files.network,
            restart=True,
        )
    return True


def _is_good_map(path: Path, encoder: Encoder) -> bool:
    try:
        with PlaceMap.open(path) as place_map:
            place_map.check_network(encoder)
        return verify_map(path).is_good
    except MapError:
        return False  # not there, damaged, or of another network
