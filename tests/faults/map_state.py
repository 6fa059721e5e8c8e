"""Read the content of a map in a form that can be compared, and check that readers get a whole map."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index_builder.verify import verify_map
from place_map import layout
from place_map.checks.version import check_version
from place_map.reader import PlaceMap
from place_map.versions import existing_versions, read_current, read_manifest
from tests.index_builder.map_factory import data_files


@dataclass(frozen=True)
class MapState:
    """Hold everything about a map but the moments at which its versions were written.

    Attributes:
        served: Number of the version that is served.
        manifests: Version → its manifest without ``created_at``.
        files: Path below the map → bytes, of every data file.
        names: The names of everything below the map, directories included.
    """

    served: str
    manifests: dict[str, dict[str, object]]
    files: dict[str, bytes]
    names: frozenset[str]

    @classmethod
    def of(cls, map_dir: Path) -> "MapState":
        """Read all of a map."""
        manifests = {}
        for version in existing_versions(map_dir):
            manifest = json.loads(read_manifest(map_dir, version).to_json())
            del manifest["created_at"]
            manifests[version] = manifest
        return cls(
            served=read_current(map_dir).version,
            manifests=manifests,
            files=data_files(map_dir),
            names=frozenset(path.relative_to(map_dir).as_posix() for path in map_dir.rglob("*")),
        )


@dataclass(frozen=True)
class Served:
    """Hold the data that a reader gets from its open version.

    Attributes:
        version: Its number.
        ids: The ids of its pictures.
        features: Bytes of their global features.
    """

    version: str
    ids: tuple[str, ...]
    features: bytes


def read_served(map_dir: Path) -> Served | None:
    """Open a map as a server does, and check every byte; return None if there is no map.

    Raises:
        MapCorrupt: The reader would get something that was not written so.
    """
    if not (map_dir / layout.CURRENT).exists():
        return None
    with PlaceMap.open(map_dir) as place_map:
        check_version(place_map)
        features = place_map.global_features(np.arange(len(place_map)))
        return Served(place_map.version, tuple(place_map.places.ids), features.tobytes())


def check_good_and_alone(map_dir: Path) -> None:
    """Assert that every byte is right, and that nothing lies beside the map."""
    assert verify_map(map_dir).problems == ()
    assert [path.name for path in map_dir.parent.iterdir()] == [map_dir.name]


def left_out_of(map_dir: Path) -> dict[str, tuple[str, str, str]]:
    """Return the pictures that are not in a map: path → outcome, code and reason."""
    version = read_manifest(map_dir).version
    with (layout.version_dir(map_dir, version) / layout.LEFT_OUT).open(newline="") as file:
        lines = list(csv.DictReader(file))
    found = {line["path"]: (line["outcome"], line["code"], line["reason"]) for line in lines}
    assert len(found) == len(lines)
    return found
