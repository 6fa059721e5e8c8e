"""The files of the demo, network, queries and map, made once and kept.

::

    DIR/demo.json                  which release they belong to
       /weights.safetensors        the network
       /samples/queries.csv        where the queries were taken
       /samples/queries/*.jpg      pictures to ask with
       /maps/demo/                 the map
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from demo.rendering.render import ShowProgress
from demo.shipped import SHIPPED, ShippedTown
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.read import read_source
from index_builder.verify import verify_map
from model.durable import sha256_of, write_atomically, written_whole
from model.encoder import Encoder
from model.errors import InvalidInput
from model.weights import load_network
from place_map.errors import MapError
from place_map.reader import PlaceMap


@dataclass(frozen=True)
class DemoFiles:
    """Name the files below one directory.

    Attributes:
        root: The directory.
    """

    root: Path

    @property
    def stamp(self) -> Path:
        """Return the file that identifies the pictures and the network of the demo."""
        return self.root / "demo.json"

    @property
    def weights(self) -> Path:
        """Return the file of the network."""
        return self.root / "weights.safetensors"

    @property
    def samples(self) -> Path:
        """Return the folder of the pictures to ask with, for ``placefix serve --samples``."""
        return self.root / "samples"

    @property
    def map(self) -> Path:
        """Return the directory of the map."""
        return self.root / "maps" / "demo"


def build_demo(root: Path, show_progress: ShowProgress, town: ShippedTown = SHIPPED) -> bool:
    """Make the files that are missing, damaged or from an earlier release.

    All files that a server needs are copied, so a directory stays complete when the release changes. After an
    interruption, the next call makes the rest.

    Args:
        root: The demo's own directory.
        show_progress: The display of progress.
        town: The shipped files.

    Returns:
        Whether anything had to be made.

    Raises:
        InvalidInput: The directory has other content, or shipped files are missing.
        WeightsError: The weights cannot be used.
        MapError: The map cannot be written.
    """
    town.check()
    files = DemoFiles(root)
    did_stamp = _ensure_stamp(files, town)
    did_copy = _ensure_copies(files, town)
    did_build = _ensure_map(files, town, Encoder(load_network(files.weights)), show_progress)
    return did_stamp or did_copy or did_build


def _ensure_stamp(files: DemoFiles, town: ShippedTown) -> bool:
    """Begin a demo; throw away the files of an earlier release."""
    stamp = json.dumps({"shipped": _digest(town)}) + "\n"
    if files.stamp.is_file():
        if files.stamp.read_text() == stamp:
            return False
        for outdated in (files.map, files.samples):
            if outdated.exists():
                shutil.rmtree(outdated)
    elif files.root.exists() and any(files.root.iterdir()):
        raise InvalidInput(f"{files.root} is not empty and is not a demo; name another directory (--out)")
    files.root.mkdir(parents=True, exist_ok=True)
    write_atomically(files.stamp, stamp.encode())
    return True


def _digest(town: ShippedTown) -> str:
    """Return the SHA-256 of all shipped files: other pictures or weights make another demo."""
    digest = hashlib.sha256()
    for path in (town.weights, town.calibration, *sorted(town.pictures.rglob("*"))):
        if path.is_file():
            digest.update(f"{path.relative_to(town.root).as_posix()} {sha256_of(path)}\n".encode())
    return digest.hexdigest()


def _ensure_copies(files: DemoFiles, town: ShippedTown) -> bool:
    """Copy weights and queries, unless the same bytes are there."""
    outdated = [(source, target) for source, target in _copies(files, town) if not _is_same(source, target)]
    for source, target in outdated:
        with written_whole(target) as unfinished:
            shutil.copyfile(source, unfinished)
    return bool(outdated)


def _copies(files: DemoFiles, town: ShippedTown) -> Iterator[tuple[Path, Path]]:
    yield town.weights, files.weights
    for path in town.query_files():
        yield town.pictures / path, files.samples / path


def _is_same(source: Path, target: Path) -> bool:
    return target.is_file() and target.read_bytes() == source.read_bytes()


def _ensure_map(files: DemoFiles, town: ShippedTown, encoder: Encoder, show_progress: ShowProgress) -> bool:
    """Build the map, unless it is there, complete, and of this network."""
    if _is_good_map(files.map, encoder):
        return False
    if files.map.exists():
        shutil.rmtree(files.map)
    with show_progress("encoding") as progress:
        # These few pictures are one segment, so an interrupted build has none to continue from.
        build_map(
            read_source(town.database),
            encoder,
            files.map,
            BuildOptions(),
            progress,
            weights_path=files.weights,
            restart=True,
            calibrate=lambda _place_map, _version, _scratch: town.calibration.read_bytes(),
        )
    return True


def _is_good_map(path: Path, encoder: Encoder) -> bool:
    try:
        with PlaceMap.open(path) as place_map:
            place_map.check_network(encoder)
        return verify_map(path).is_good
    except MapError:
        return False  # missing, damaged, or of another network
