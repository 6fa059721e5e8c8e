"""A few pictures of which all collections of a sequence consist, and what a fresh build stores of each."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.geo import LatLon
from model.places import Place
from place_map.reader import PlaceMap
from tests.conftest import write_photo

SIZE = (48, 36)
BROKEN = -1
BROKEN_BYTES = b"\xff\xd8\xff not a picture"


@dataclass(frozen=True)
class Stored:
    """Hold the stored features of a picture, as bytes."""

    global_feature: bytes
    local_features: bytes


@dataclass(frozen=True)
class PicturePool:
    """Hold pictures by number.

    Attributes:
        files: Bytes of each.
        stored: The stored data of each picture, from a fresh build.
    """

    files: tuple[bytes, ...]
    stored: tuple[Stored, ...]

    @classmethod
    def make(cls, folder: Path, count: int, encoder: Encoder) -> "PicturePool":
        """Draw pictures, and build a map of them."""
        places = [
            Place(f"{number}", write_photo(folder / f"{number}.jpg", seed=number, size=SIZE), LatLon(1, 2))
            for number in range(count)
        ]
        build_map(SourceListing(tuple(places), (), "exif folder", folder), encoder, folder / "pool", BuildOptions())
        stored = stored_by_id(folder / "pool")
        files = tuple(place.path.read_bytes() for place in places)
        return cls(files, tuple(stored[place.id] for place in places))

    def bytes_of(self, number: int) -> bytes:
        """Return the bytes of a picture, or of one that cannot be read."""
        return BROKEN_BYTES if number == BROKEN else self.files[number]


def stored_by_id(map_dir: Path, version: str | None = None) -> dict[str, Stored]:
    """Return the stored data of each picture of a version of a map."""
    with PlaceMap.open(map_dir, version) as place_map:
        rows = np.arange(len(place_map))
        global_features = place_map.global_features(rows)
        local_features = place_map.local_features(rows)
        return {
            place_id: Stored(global_features[row].tobytes(), local_features[row].numpy().tobytes())
            for row, place_id in enumerate(place_map.places.ids)
        }
