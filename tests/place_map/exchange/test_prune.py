"""Versions go from an origin, whole ones stay, and pushes that come in between lose nothing."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
import pytest

from index_builder.verify import verify_map
from model.errors import InvalidInput
from place_map.errors import MapBusy, OriginError
from place_map.exchange import notices
from place_map.exchange.fetch import fetch_version
from place_map.exchange.opening import is_origin, open_origin
from place_map.exchange.origin import Origin
from place_map.exchange.prune import prune_origin
from place_map.exchange.published import version_names
from place_map.exchange.push import push_version
from place_map.versions import read_current
from tests.place_map.exchange.origins import CopyMap, Place, Wrapped
from tests.place_map.exchange.test_interrupted import killed


class Stopped(Exception):
    """Replace a kill."""


class Disturbed(Wrapped):
    """Call a function before each removal of a batch, with the number of the batch.

    Args:
        origin: The origin.
        disturb: The function to call.
    """

    def __init__(self, origin: Origin, disturb: Callable[[int], object]) -> None:
        super().__init__(origin)
        self._disturb = disturb
        self._batches = 0

    def remove(self, paths: Sequence[str]) -> None:
        self._batches += 1
        self._disturb(self._batches)
        super().remove(paths)


def push_both(town: Path, place: Place) -> None:
    for version in ("1", "2"):
        push_version(town, place.origin, version=version)


def check_whole(place: Place, folder: Path) -> None:
    """Fetch the named version and each listed one."""
    for number, name in enumerate([None, *version_names(place.origin)]):
        there = folder / f"{number}" / "town"
        fetch_version(place.origin, there, version=name)
        assert verify_map(there).problems == ()


def folders(place: Place, kind: str) -> set[str]:
    return {path.split("/")[1] for path in place.files() if path.startswith(f"{kind}/")}


def test_the_newest_versions_stay_and_what_only_others_have_goes(place: Place, copy: CopyMap, tmp_path: Path) -> None:
    left, right = copy("left"), copy("right")
    push_both(left, place)
    push_version(right, place.origin, replace="2")
    before = place.files()
    assert prune_origin(place.origin, keep=2).versions == ()  # two of one number count once
    assert place.files() == before
    first, *second = version_names(place.origin)
    (lost,) = set(second) - {f"000002-{served(place)}"}
    pruned = prune_origin(place.origin, versions=[lost, "1"])
    assert pruned.versions == (first, lost)
    assert [name[:6] for name in pruned.segments] == ["000003"]  # the first two are in the version that stays
    gone = {path: content for path, content in before.items() if path not in place.files()}
    assert sum(map(len, gone.values())) == pruned.freed_bytes
    assert {path.split("/")[1] for path in gone} == {*pruned.versions, *pruned.segments}
    check_whole(place, tmp_path)
    assert prune_origin(place.origin, keep=1).freed_bytes == 0


def served(place: Place) -> str:
    return f"{place.files()['CURRENT'][:12].decode()}"


def test_the_named_version_stays_even_if_it_is_old(place: Place, copy: CopyMap, tmp_path: Path) -> None:
    town = copy("left")
    push_both(town, place)
    push_version(town, place.origin, version="1")
    with pytest.raises(InvalidInput, match=r"version 000001-[0-9a-f]{12} is the one that .* names"):
        prune_origin(place.origin, versions=["1"])
    assert [name[:6] for name in prune_origin(place.origin, versions=["2"]).versions] == ["000002"]
    assert [name[:6] for name in version_names(place.origin)] == ["000001"]
    assert {name[:6] for name in folders(place, "segments")} == {"000001", "000002"}
    check_whole(place, tmp_path)
    push_version(town, place.origin)
    check_whole(place, tmp_path / "again")


def test_what_a_killed_push_has_left_goes(place: Place, copy: CopyMap) -> None:
    push_version(copy("left"), place.origin)
    whole = place.files()
    obstore.put(place.store, "segments/000009-0123456789ab/locals.npy", b"123")
    obstore.put(place.store, "versions/000009-0123456789ab/left_out.csv", b"12345")
    pruned = prune_origin(place.origin, keep=1)
    assert (pruned.versions, pruned.segments, pruned.freed_bytes) == ((), ("000009-0123456789ab",), 8)
    assert place.files() == whole


def test_a_prune_that_stops_leaves_whole_versions_and_the_next_one_goes_on(
    place: Place, copy: CopyMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops after one file; a batch is one file here."""
    monkeypatch.setattr("place_map.exchange.prune._BATCH", 1)
    town = copy("left")
    push_both(town, place)
    push_version(town, place.origin, version="1")

    def stop(batch: int) -> None:
        if batch == 2:
            raise Stopped

    for number in range(3):
        count = len(place.files())
        with pytest.raises(Stopped):
            prune_origin(Disturbed(place.origin, stop), **({"keep": 1} if number else {"versions": ["2"]}))
        assert len(place.files()) == count - 1
        check_whole(place, tmp_path / f"{number}")
    prune_origin(place.origin, keep=1)
    assert {name[:6] for name in folders(place, "segments")} == {"000001", "000002"}


def test_a_killed_prune_of_a_directory(copy: CopyMap, tmp_path: Path) -> None:
    town = copy("left")
    for number, step in enumerate((3, 6)):
        origin = tmp_path / f"{number}" / "origin"
        push_version(town, open_origin(str(origin)))
        push_version(town, open_origin(str(origin)), version="1")
        assert killed(_prune, town, origin, origin, step)
        place = Place("directory", str(origin), obstore.store.LocalStore(origin))
        check_whole(place, tmp_path / f"{number}")
        _prune(town, origin)
        assert [name[:6] for name in version_names(place.origin)] == ["000001"]
        assert {name[:6] for name in folders(place, "segments")} == {"000001", "000002"}
        assert {entry.name for entry in origin.iterdir()} == {"CURRENT", "segments", "versions"}


def _prune(town: Path, origin: Path) -> None:
    del town
    opened = open_origin(str(origin))
    doomed = [name for name in version_names(opened) if name.startswith("000002")]
    prune_origin(opened, **({"versions": doomed} if doomed else {"keep": 1}))


class Between(Wrapped):
    """Call a function when a push has listed the missing folders, or a prune all folders.

    Args:
        origin: The origin.
        do: The function to call, once.
    """

    def __init__(self, origin: Origin, do: Callable[[], object]) -> None:
        super().__init__(origin)
        self._do = do
        self._calls = 0

    def sizes(self, folder: str) -> dict[str, int]:
        found = super().sizes(folder)
        if folder == "versions":
            self._calls += 1
            if self._calls == 1:
                self._do()
        return found


def test_a_prune_keeps_what_a_push_under_way_relies_on(object_place: Place, copy: CopyMap, tmp_path: Path) -> None:
    """The push sees segments of a version that goes meanwhile, and does not send them again."""
    left = copy("left")
    push_both(left, object_place)
    push_version(copy("right"), object_place.origin, replace="2")
    names = [name for name in version_names(object_place.origin) if name[:6] == "000002"]
    (mine,) = [name for name in names if name[7:] != served(object_place)]
    pruned = []
    slow = Between(object_place.origin, lambda: pruned.append(prune_origin(object_place.origin, versions=[mine, "1"])))
    push_version(left, slow, replace="2")
    assert [name[:6] for name in pruned[0].versions] == ["000001"]  # the other one is kept for the push
    assert served(object_place) == mine[7:]
    check_whole(object_place, tmp_path)


def test_a_push_is_refused_while_a_prune_is_under_way(object_place: Place, copy: CopyMap, tmp_path: Path) -> None:
    left = copy("left")
    push_both(left, object_place)
    push_version(left, object_place.origin, version="1")
    refused = []

    def push() -> None:
        with pytest.raises(MapBusy, match=r"is being pruned; .*, after [0-9:]{8} UTC\. Nothing was sent"):
            push_version(left, object_place.origin)
        refused.append(True)

    prune_origin(Between(object_place.origin, push), versions=["2"])
    assert refused
    assert not [path for path in object_place.files() if path.startswith(".")]
    push_version(left, object_place.origin)
    check_whole(object_place, tmp_path)


def notice(place: Place, kind: str, age: timedelta, needed: list[str]) -> str:
    path = f".{kind}/{datetime.now(UTC) - age:%Y%m%dT%H%M%S.%fZ}-01234567"
    obstore.put(place.store, path, json.dumps(needed).encode())
    return path


def test_the_notices_of_killed_processes_count_for_a_while(object_place: Place, copy: CopyMap) -> None:
    town = copy("left")
    push_both(town, object_place)
    push_version(town, object_place.origin, version="1")
    path = notice(object_place, "pruning", timedelta(minutes=19), [])
    with pytest.raises(MapBusy):
        push_version(town, object_place.origin)
    obstore.delete(object_place.store, path)
    old = notice(object_place, "pruning", timedelta(minutes=21), [])
    push_version(town, object_place.origin)
    assert old not in object_place.files()
    push_version(town, object_place.origin, version="1")
    (mine,) = [f"segments/{name}" for name in folders(object_place, "segments") if name.startswith("000003")]
    path = notice(object_place, "publishing", timedelta(days=13), [mine])
    prune_origin(object_place.origin, versions=["2"])
    assert mine[9:] in folders(object_place, "segments")
    obstore.delete(object_place.store, path)
    old = notice(object_place, "publishing", timedelta(days=15), [mine])
    prune_origin(object_place.origin, keep=1)
    assert mine[9:] not in folders(object_place, "segments")
    assert old not in object_place.files()


def test_work_that_takes_too_long_gives_up(object_place: Place, copy: CopyMap, monkeypatch: pytest.MonkeyPatch) -> None:
    town = copy("left")
    push_both(town, object_place)
    push_version(town, object_place.origin, version="1")
    before = object_place.files()
    limits = dict.fromkeys(notices._LIMITS, timedelta(0))
    with monkeypatch.context() as patch:
        late = Between(object_place.origin, lambda: patch.setattr(notices, "_LIMITS", limits))
        with pytest.raises(OriginError, match="took longer than 0:00:00, so others no longer count on it"):
            prune_origin(late, versions=["2"])
    with monkeypatch.context() as patch:
        late = Between(object_place.origin, lambda: patch.setattr(notices, "_LIMITS", limits))
        with pytest.raises(OriginError, match="took longer than"):
            push_version(town, late)
    assert object_place.files() == before


def test_a_damaged_origin_loses_nothing(place: Place, copy: CopyMap) -> None:
    town = copy("left")
    push_both(town, place)
    path = next(path for path in place.files() if path.startswith("versions/000001") and path.endswith("manifest.json"))
    place.damage(path)
    before = place.files()
    with pytest.raises(OriginError, match=rf"{path} .* is damaged"):
        prune_origin(place.origin, keep=2)
    assert place.files() == before
    prune_origin(place.origin, keep=1)  # without reading the removed files
    path = next(path for path in place.files() if path.endswith("manifest.json"))
    place.store.delete(path)
    before = place.files()
    with pytest.raises(OriginError, match=rf"{path}.* (is damaged|cannot be read)"):
        prune_origin(place.origin, keep=1)
    assert place.files() == before


def test_what_to_prune_is_said_rightly(place: Place, copy: CopyMap, tmp_path: Path) -> None:
    with pytest.raises(OriginError, match="names no version"):
        prune_origin(place.origin, keep=1)
    assert place.files() == {}
    town = copy("left")
    push_both(town, place)
    for wrong, why in (
        ({}, "say either how many"),
        ({"keep": 1, "versions": ["1"]}, "say either how many"),
        ({"keep": 0}, "at least one version"),
        ({"versions": ["7"]}, "has no version 000007; it has 000001-"),
    ):
        with pytest.raises(InvalidInput, match=why):
            prune_origin(place.origin, **wrong)
    assert is_origin(place.address)
    assert not is_origin(str(town))
    assert not is_origin(str(tmp_path / "nothing"))
    assert read_current(town).version == "000002"
