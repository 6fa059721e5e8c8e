"""``placefix map push`` and ``fetch``, as they are typed."""

import json
from pathlib import Path

import numpy as np

from place_map.exchange.cache import Cache
from place_map.reader import PlaceMap
from place_map.versions import existing_versions, list_versions
from tests.commands import RunCommand
from tests.index_builder.map_factory import write_features_map


def written(path: Path) -> Path:
    features = np.random.default_rng(1).normal(size=(6, 8)).astype(np.float32)
    return write_features_map(path, features / np.linalg.norm(features, axis=1, keepdims=True), segment_rows=3)


def test_a_map_goes_to_an_origin_and_comes_back(command: RunCommand, tmp_path: Path) -> None:
    town, origin, there = written(tmp_path / "town"), tmp_path / "origin", tmp_path / "there" / "town"
    told = command("map", "push", town, origin, "--dry-run")
    assert told.returncode == 0
    assert "would be sent for version 000001; it names no version" in told.stdout
    assert not origin.exists()
    sent = json.loads(command("map", "push", town, origin, "--json").stdout)
    assert (sent["version"], sent["before"], sent["files"]) == ("000001", None, 2 * 3 + 2)
    assert "8 files" in command("map", "fetch", origin, there, "--dry-run").stdout
    assert not there.parent.exists()
    fetched = command("map", "fetch", origin, there, "--keep", "2", "--cache-gb", "0")
    assert "version 000001 is served; 8 files" in fetched.stdout
    assert "fetching: " in fetched.stderr
    with PlaceMap.open(there) as place_map, PlaceMap.open(town) as same:
        assert place_map.places.ids == same.places.ids
    again = command("map", "fetch", origin, there, "--check-sums")
    assert "0 files, 0 bytes, fetched; before it was 000001" in again.stdout


def test_older_versions_go_from_the_map_and_then_from_the_cache(command: RunCommand, tmp_path: Path) -> None:
    town, origin, there = written(tmp_path / "town"), tmp_path / "origin", tmp_path / "there" / "town"
    for number in range(3):
        if number:
            assert command("remove", town, "--id", f"p{number}").returncode == 0
        assert command("map", "push", town, origin).returncode == 0
        assert command("map", "fetch", origin, there, "--keep", "2").returncode == 0
    assert existing_versions(there) == ["000002", "000003"]
    assert [version.is_current for version in list_versions(there)] == [False, True]
    cached = Cache(there).path / "versions"
    assert len(list(cached.iterdir())) == 3
    assert command("map", "fetch", origin, there, "--cache-gb", "0").returncode == 0
    assert len(list(cached.iterdir())) == 2


def test_old_versions_go_from_an_origin_as_from_a_map(command: RunCommand, tmp_path: Path) -> None:
    town, origin, there = written(tmp_path / "town"), tmp_path / "origin", tmp_path / "there" / "town"
    command("map", "push", town, origin)
    command("remove", town, "--id", "p1")
    command("map", "push", town, origin)
    pruned = command("map", "prune", origin, "--keep", "1")
    assert pruned.returncode == 0, pruned.stderr
    assert "removed; 0 segments with them; " in pruned.stdout
    assert [path.name[:6] for path in (origin / "versions").iterdir()] == ["000002"]
    assert command("map", "fetch", origin, there).returncode == 0
    assert "no version to remove" in command("map", "prune", there, "--keep", "1").stdout


def test_a_shard_is_asked_for_by_its_number(command: RunCommand, tmp_path: Path) -> None:
    town, origin, there = written(tmp_path / "town"), tmp_path / "origin", tmp_path / "there" / "town"
    command("map", "push", town, origin)
    assert command("map", "fetch", origin, there, "--shard", "2/2").returncode == 0
    assert len(list((there / "segments").iterdir())) == 1
    for wrong, why in (("3/2", "there is no shard 3 of 2"), ("2", "'2' is not a shard"), ("1/3", "among 3 shards")):
        refused = command("map", "fetch", origin, tmp_path / "other", "--shard", wrong)
        assert refused.returncode == 1
        assert why in " ".join(refused.stderr.split())
        assert not (tmp_path / "other").exists()


def test_errors_are_sentences(command: RunCommand, tmp_path: Path) -> None:
    town, there = written(tmp_path / "town"), tmp_path / "there"
    for arguments, why in (
        (("push", town, town), "is a map, and an origin has other names"),
        (("push", tmp_path / "nothing", tmp_path / "origin"), "is not there"),
        (("push", town, "ftp://host/town"), "is not of a known kind"),
        (("fetch", tmp_path / "origin", there), "names no version"),
        (("fetch", town, there), "is a map, and an origin has other names"),
    ):
        refused = command("map", *arguments)
        assert refused.returncode == 1
        assert why in " ".join(refused.stderr.split())
    assert {entry.name for entry in tmp_path.iterdir()} == {"town"}
