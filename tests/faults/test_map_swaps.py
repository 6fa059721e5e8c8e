"""A hundred hot swaps and rollbacks under load: nothing fails, nothing is mixed, nothing broken is served."""

import os
from functools import partial
from pathlib import Path
from random import Random

import httpx
import pytest

from benchmarks.load.server import serving
from index_builder.changes.prune import prune_versions
from model.geo import LatLon
from model.selavpr.initialisation import seeded_network
from place_map import layout
from place_map.activation import activate_version
from place_map.errors import MapBusy
from place_map.versions import existing_versions, read_current
from tests.conftest import TINY_CONFIG
from tests.service.conftest import Town, build_town
from tests.service.map_versions import add_some, asking_all_the_time, ids_of, point_to, remove_one
from tests.waiting import wait_until

SWAPS = 100
KEPT = 4
WARM_SWAPS = 20  # by then everything that is made once exists
GROWTH_BYTES = 40e6
DECODE_THREADS = 4  # at most, and each is made when it is first needed


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    positions = {f"{number:02d} first.jpg": LatLon(55.7 + 0.001 * number, 13.2) for number in range(12)}
    network = seeded_network(TINY_CONFIG, seed=7)
    return build_town(tmp_path_factory.mktemp("town"), "town", network, positions, first_seed=100)


class Changes:
    """Change the map, one change after the other.

    Attributes:
        contents: The contents of all versions, removed ones included.
        broken: Versions that were damaged.
    """

    def __init__(self, town: Town, folder: Path) -> None:
        self.contents: dict[str, frozenset[str]] = {"000001": frozenset(ids_of(town))}
        self.broken: set[str] = set()
        self._town = town
        self._folder = folder
        self._random = Random(8)

    def next(self) -> str:
        """Add, remove, or go to another version; return the version that is to be served now."""
        kind = self._random.choice(["add", "remove", "back", "back"])
        others = sorted(self.contents.keys() & set(self.sound()) - {read_current(self._town.map_path).version})
        if kind == "back" and others:
            return activate_version(self._town.map_path, self._random.choice(others)).after
        if kind == "add" and len(ids_of(self._town)) < 30:
            folder = self._folder / str(len(self.contents))
            version = add_some(self._town, folder, prefix=f"{len(self.contents)}/")
        else:
            version = remove_one(self._town)
        self.contents[version] = frozenset(ids_of(self._town))
        return version

    def break_one(self) -> bool:
        """Publish a version that cannot be served any more, if there is one to damage."""
        served = read_current(self._town.map_path).version
        others = [version for version in self.sound() if version != served]
        if not others:
            return False
        broken = self._random.choice(others)
        left_out = layout.version_dir(self._town.map_path, broken) / layout.LEFT_OUT
        left_out.write_bytes(left_out.read_bytes()[: -self._random.randrange(1, 20)])
        self.broken.add(broken)
        point_to(self._town, broken)
        return True

    def sound(self) -> list[str]:
        return [version for version in existing_versions(self._town.map_path) if version not in self.broken]


@pytest.mark.faults
def test_a_hundred_swaps_under_load(town: Town, tmp_path: Path) -> None:
    changes = Changes(town, tmp_path)
    core = min(os.sched_getaffinity(0))
    content = next(iter(town.photos.values())).read_bytes()
    settings = {"watch_interval_s": "0.05"}
    failures = 0
    with serving(town.map_path, core, settings) as server, httpx.Client(base_url=server.url, timeout=60) as client:

        def is_served(version: str) -> bool:
            return bool(client.get("/maps/town").json()["version"] == version)

        def has_refused(count: int) -> bool:
            [line] = [line for line in client.get("/metrics").text.splitlines() if 'outcome="failed"' in line]
            return float(line.split()[-1]) == count

        before = (0, 0, 0)
        with asking_all_the_time(server.url, content) as asked:
            for swap in range(SWAPS):
                served = read_current(town.map_path).version
                if swap % 10 == 9:
                    first = len(asked.versions)
                    if changes.break_one():
                        failures += 1
                        wait_until(partial(has_refused, failures))
                        wait_until(partial(asked.is_beyond, asked.count + 20))
                        assert set(asked.versions[first:]) == {served}
                    point_to(town, served)
                wait_until(partial(is_served, changes.next()))
                wait_until(partial(asked.is_beyond, asked.count + 5))
                prune(town)
                if swap == WARM_SWAPS:
                    before = (server.resident_bytes, server.open_files, server.threads)
        assert failures >= 5
        assert asked.failures == []
        assert asked.count > 5 * SWAPS
        assert asked.answers == {version: {changes.contents[version]} for version in asked.answers}
        assert server.process.poll() is None
        resident_bytes, open_files, threads = before
        assert server.resident_bytes - resident_bytes < GROWTH_BYTES
        wait_until(lambda: server.open_files <= open_files + 2 * KEPT)
        assert server.threads <= threads + DECODE_THREADS
    print(f"{SWAPS} changes under {asked.count} queries, {failures} damaged versions refused")  # noqa: T201


def prune(town: Town) -> None:
    """Remove all but the newest versions: an earlier served version is let go at once."""

    def is_done() -> bool:
        try:
            prune_versions(town.map_path, keep=KEPT)
        except MapBusy:
            return False
        return True

    wait_until(is_done)
