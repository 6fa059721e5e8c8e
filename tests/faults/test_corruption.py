"""Whatever happens to a file of a map: verify names it, and no reader that checks takes the map for good."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import pytest

from index_builder.verify import verify_map
from place_map import layout
from place_map.checks.version import check_version
from place_map.errors import MapCorrupt, MapNotFound
from place_map.reader import PlaceMap
from place_map.versions import existing_versions, read_manifest
from tests.faults.corruptions import KINDS, Corruption, corrupt, file_names
from tests.faults.operations import MAP, perform, prepared, small_encoder

SOME, MANY = 24, 500


@dataclass(frozen=True)
class Sound:
    """Hold a map of four versions, built, added to, removed from and compacted, and what is known of it.

    Attributes:
        path: The path of the map.
        vouchers: File → the files that hold its sum.
        served: Files that a reader of the served version reads.
    """

    path: Path
    vouchers: dict[str, frozenset[str]]
    served: frozenset[str]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    encoder = small_encoder()
    folder = prepared("compact", tmp_path_factory.mktemp("sound") / "scenario", encoder)
    map_dir = folder / "before" / MAP
    perform("compact", folder, map_dir, encoder)
    assert len(existing_versions(map_dir)) == 4
    vouchers: dict[str, set[str]] = {name: set() for name in file_names(map_dir)}
    served = {layout.CURRENT, f"{layout.VERSIONS}/000004/{layout.MANIFEST}"}
    for version in existing_versions(map_dir):
        manifest = read_manifest(map_dir, version)
        manifest_name = f"{layout.VERSIONS}/{version}/{layout.MANIFEST}"
        for name in manifest.files:
            vouchers[name].add(manifest_name)
        for segment in manifest.segments:
            assert layout.THUMBNAILS in segment.files
        served |= set(manifest.files) if version == "000004" else set()
    return Sound(map_dir, {name: frozenset(sums) for name, sums in vouchers.items()}, frozenset(served))


def must_be_named(sound: Sound, corruption: Corruption) -> set[str]:
    """Return the damaged files, without one whose sums depend on the other one alone.

    Manifests and the lines that name them are always told.
    """

    def is_vouched_for(name: str) -> bool:
        vouchers = sound.vouchers[name]
        return not vouchers or any(each not in corruption.names and is_vouched_for(each) for each in vouchers)

    return {name for name in corruption.names if is_vouched_for(name)}


def check_corruptions(sound: Sound, count: int, folder: Path) -> None:
    with PlaceMap.open(sound.path) as place_map:
        features = place_map.global_features(np.arange(len(place_map)))
    for number in range(count):
        random, kind = Random(number), list(KINDS)[number % len(KINDS)]
        map_dir = folder / f"{number}" / MAP
        shutil.copytree(sound.path, map_dir)
        corruption = corrupt(map_dir, kind, random)

        named = {problem.path for problem in verify_map(map_dir).problems}
        assert must_be_named(sound, corruption) <= named, (number, corruption, named)
        # The sums in a file that has gone are unknown, so no other file is accused.
        assert named <= set(corruption.names), (number, corruption, named)

        has_other_bytes = kind != "replace by a link" and not sound.served.isdisjoint(corruption.names)
        if has_other_bytes:
            with pytest.raises((MapCorrupt, MapNotFound)):
                read_checking(map_dir)
        else:
            assert np.array_equal(read_checking(map_dir), features), (number, corruption)
        shutil.rmtree(map_dir.parent)


def read_checking(map_dir: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Open a map as a server does before it answers."""
    with PlaceMap.open(map_dir) as place_map:
        place_map.check_sums()
        check_version(place_map)
        return place_map.global_features(np.arange(len(place_map)))


def test_some_corruptions_are_found(sound: Sound, tmp_path: Path) -> None:
    check_corruptions(sound, SOME, tmp_path)


@pytest.mark.faults
def test_many_corruptions_are_found(sound: Sound, tmp_path: Path) -> None:
    check_corruptions(sound, MANY, tmp_path)
