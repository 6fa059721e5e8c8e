"""Everything that writes a map, each on a small collection: what was there before, and the call.

A scenario is a folder, made once. Each trial works on a copy of the map that was there before.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.changes.add import add_pictures
from index_builder.changes.calibrate import calibrate_map
from index_builder.changes.compact import compact_map
from index_builder.changes.prune import prune_versions
from index_builder.changes.remove import Selection, remove_pictures
from index_builder.changes.update import update_map
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.geo import LatLon
from model.places import Place
from model.progress import SILENT, Progress
from model.selavpr.initialisation import seeded_network
from place_map.activation import activate_version
from place_map.reader import PlaceMap
from tests.calibrations import calibration
from tests.conftest import write_photo
from tests.model.training.small_run import NETWORK

OPTIONS = BuildOptions(batch_size=2, segment_size=4, max_rejected=0.5)
MAP = "town"


def small_encoder() -> Encoder:
    """Return a network of the real architecture that encodes a picture in two milliseconds."""
    return Encoder(seeded_network(NETWORK, seed=1))


@dataclass(frozen=True)
class Operation:
    """Describe one kind of call.

    Attributes:
        prepare: Makes the collection in a folder, and in ``folder / "before"`` the map, if there is to be one.
        run: The call: the folder, the map, the network.
    """

    prepare: Callable[[Path, Encoder], None]
    run: Callable[[Path, Path, Encoder, Progress], object]


def prepared(name: str, folder: Path, encoder: Encoder) -> Path:
    """Make the scenario of an operation, and return its folder."""
    (folder / "before").mkdir(parents=True)
    OPERATIONS[name].prepare(folder, encoder)
    return folder


def perform(name: str, folder: Path, map_dir: Path, encoder: Encoder, progress: Progress = SILENT) -> object:
    """Make the call itself, which a test kills and repeats."""
    return OPERATIONS[name].run(folder, map_dir, encoder, progress)


def fresh_copy(folder: Path, trial: Path) -> Path:
    """Copy the map as it was before into a directory of its own; return the path where it is, or will be."""
    shutil.copytree(folder / "before", trial)
    return trial / MAP


def _listed(folder: Path, count: int) -> SourceListing:
    """Write pictures on a line to the north."""
    names = [f"{number:02d}.jpg" for number in range(count)]
    places = [Place(name, folder / name, LatLon(55 + number / 1000, 13.2)) for number, name in enumerate(names)]
    return SourceListing(tuple(places), (), "exif folder", folder)


def _photos(folder: Path, count: int) -> SourceListing:
    """Write pictures on a line to the north, other ones in each folder; the fourth is broken."""
    listing = _listed(folder, count)
    first_seed = crc32(folder.name.encode())
    for number, place in enumerate(listing.places):
        write_photo(place.path, seed=first_seed + number)
    listing.places[3].path.write_bytes(b"\xff\xd8\xff not a picture")
    return listing


def _built(folder: Path, encoder: Encoder, count: int) -> Path:
    map_dir = folder / "before" / MAP
    build_map(_photos(folder / "photos", count), encoder, map_dir, OPTIONS)
    return map_dir


def _to_build(folder: Path, _encoder: Encoder) -> None:
    _photos(folder / "photos", 10)


def _build(folder: Path, map_dir: Path, encoder: Encoder, progress: Progress) -> object:
    return build_map(_listed(folder / "photos", 10), encoder, map_dir, OPTIONS, progress)


def _to_add(folder: Path, encoder: Encoder) -> None:
    _built(folder, encoder, 6)
    _photos(folder / "more", 7)


def _add(folder: Path, map_dir: Path, encoder: Encoder, progress: Progress) -> object:
    return add_pictures(map_dir, _listed(folder / "more", 7), encoder, OPTIONS, progress, prefix="more/")


def _to_update(folder: Path, encoder: Encoder) -> None:
    """Change a collection: one picture has other content, one another name, two are gone, and some are new."""
    photos = folder / "photos"
    _built(folder, encoder, 8)
    _photos(photos, 13)
    write_photo(photos / "01.jpg", seed=101)
    (photos / "02.jpg").rename(photos / "two.jpg")


def _update(folder: Path, map_dir: Path, encoder: Encoder, progress: Progress) -> object:
    photos = folder / "photos"
    places = {place.id: place for place in _listed(photos, 13).places}
    places["02.jpg"] = replace(places["02.jpg"], id="two.jpg", path=photos / "two.jpg")
    places["04.jpg"] = replace(places["04.jpg"], position=LatLon(56, 13))
    for gone in ("05.jpg", "06.jpg"):
        del places[gone]
    listing = SourceListing(tuple(places.values()), (), "exif folder", photos)
    return update_map(map_dir, listing, encoder, OPTIONS, progress, max_removed=0.5)


def _to_remove(folder: Path, encoder: Encoder) -> None:
    _built(folder, encoder, 6)


def _remove(_folder: Path, map_dir: Path, _encoder: Encoder, progress: Progress) -> object:
    return remove_pictures(map_dir, Selection(ids=("04.jpg", "05.jpg")), progress)


def _to_compact(folder: Path, encoder: Encoder) -> None:
    """Make a map of two collections, with dead rows in the second of three segments, and small segments behind it."""
    map_dir = _built(folder, encoder, 10)
    _photos(folder / "more", 7)
    add_pictures(map_dir, _listed(folder / "more", 7), encoder, OPTIONS, prefix="more/")
    remove_pictures(map_dir, Selection(ids=("05.jpg", "more/02.jpg")))


def _compact(_folder: Path, map_dir: Path, _encoder: Encoder, progress: Progress) -> object:
    return compact_map(map_dir, OPTIONS, progress)


def _calibrate(_folder: Path, map_dir: Path, _encoder: Encoder, progress: Progress) -> object:
    def calibrated(_place_map: PlaceMap, version: str, scratch: Path) -> bytes:
        (scratch / "answers.jsonl").write_text("what survives an interruption")
        return calibration(version=version).to_json()

    return calibrate_map(map_dir, calibrated, progress)


def _to_move(folder: Path, encoder: Encoder) -> None:
    _to_compact(folder, encoder)
    _compact(folder, folder / "before" / MAP, encoder, SILENT)


def _activate(_folder: Path, map_dir: Path, _encoder: Encoder, _progress: Progress) -> object:
    return activate_version(map_dir, "2")


def _prune(_folder: Path, map_dir: Path, _encoder: Encoder, _progress: Progress) -> object:
    return prune_versions(map_dir, keep=1)


OPERATIONS = {
    "build": Operation(_to_build, _build),
    "add": Operation(_to_add, _add),
    "update": Operation(_to_update, _update),
    "remove": Operation(_to_remove, _remove),
    "compact": Operation(_to_compact, _compact),
    "calibrate": Operation(_to_remove, _calibrate),
    "activate": Operation(_to_move, _activate),
    "prune": Operation(_to_move, _prune),
}
