"""Check the content of a fetched map, the files that are fetched again, and the refusals."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import obstore
import pytest

from index_builder.changes.add import add_pictures
from index_builder.changes.prune import prune_versions
from index_builder.verify import verify_map
from model.encoder import Encoder
from model.errors import InvalidInput
from place_map.activation import roll_back
from place_map.errors import MapCorrupt, MapExists, OriginError
from place_map.exchange.bringing import _part
from place_map.exchange.cache import Cache
from place_map.exchange.fetch import fetch_version
from place_map.exchange.push import push_version
from place_map.reader import PlaceMap
from place_map.shard import Shard
from tests.faults.map_state import MapState
from tests.index_builder.map_factory import SMALL, photo_listing
from tests.place_map.exchange.origins import CopyMap, Place, Wrapped

SPANS = list[tuple[str, int]]


def spied(place: Place) -> tuple["Spy", SPANS]:
    spy = Spy(place)
    return spy, spy.spans


class Spy(Wrapped):
    """Remember of an origin which files were read, and from which byte."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.origin)
        self.spans: SPANS = []

    def read(self, path: str, start: int, end: int) -> Iterator[bytes]:
        self.spans.append((path, start))
        return super().read(path, start, end)


@pytest.fixture
def town(copy: CopyMap, place: Place) -> Path:
    """Make a map whose two versions are at the origin, the second one named."""
    town = copy("left")
    for version in ("1", "2"):
        push_version(town, place.origin, version=version)
    return town


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """Return the path to which the map is fetched."""
    return tmp_path / "there" / "town"


def test_a_new_version_brings_its_own_files_alone(place: Place, town: Path, there: Path) -> None:
    first = fetch_version(place.origin, there, version="1")
    assert (first.version, first.before) == ("000001", None)
    told = fetch_version(place.origin, there, is_trial=True)
    spy, spans = spied(place)
    second = fetch_version(spy, there)
    assert (second.version, second.before) == ("000002", "000001")
    read = {path for path, _ in spans}
    assert {path.partition("-")[0] for path in read} == {"segments/000003", "versions/000002"}
    assert second.files == told.files == len(read)
    assert MapState.of(there) == MapState.of(town)
    again, spans = spied(place)
    assert fetch_version(again, there).files == 0
    assert [path.rpartition("/")[2] for path, _ in spans] == ["manifest.json"]


def test_a_trial_touches_nothing(place: Place, town: Path, there: Path) -> None:
    assert town.exists()
    told = fetch_version(place.origin, there, is_trial=True)
    assert not there.parent.exists()
    fetched = fetch_version(place.origin, there)
    assert (told.files, told.bytes) == (fetched.files, fetched.bytes)


def test_shards_get_their_segments_alone(place: Place, town: Path, there: Path) -> None:
    with PlaceMap.open(town) as whole:
        expected = whole.global_features(np.arange(len(whole)))
    seen = []
    for number in (1, 2):
        shard, own = Shard(number, 2), there.with_name(f"town{number}")
        spy, spans = spied(place)
        fetch_version(spy, own, shard=shard)
        with PlaceMap.open(own, shard=shard) as part:
            part.check_sums()
            rows = shard.rows(part.manifest)
            assert np.array_equal(part.global_features(np.arange(len(part))), expected[rows])
            seen += rows.tolist()
            ids = {segment.id for segment in part.segments}
        assert {path.split("/")[1][:6] for path, _ in spans if path.startswith("segments")} == ids
        assert not [path for path, _ in spans if path.endswith((".faiss", ".jpg"))]
    assert sorted(seen) == list(range(len(expected)))
    fetch_version(place.origin, own)  # the rest
    assert MapState.of(own).files.keys() == {
        path for path in MapState.of(town).files if not path.startswith("versions/000001")
    }
    assert verify_map(own).problems == ()


def test_a_file_that_was_begun_is_continued(place: Place, town: Path, there: Path) -> None:
    cached = Cache(there).path / place.path_of("locals.npy")
    content = place.files()[place.path_of("locals.npy")]
    cached.parent.mkdir(parents=True)
    _part(cached).write_bytes(content[:1000])
    spy, spans = spied(place)
    fetch_version(spy, there)
    assert [start for path, start in spans if path == place.path_of("locals.npy")] == [1000]
    assert MapState.of(there).files.items() <= MapState.of(town).files.items()


@pytest.mark.parametrize("length", [10, 10**6])
def test_a_beginning_that_is_wrong_is_fetched_again(place: Place, town: Path, there: Path, length: int) -> None:
    """Also one that is longer than the file."""
    cached = Cache(there).path / place.path_of("globals.npy")
    cached.parent.mkdir(parents=True)
    _part(cached).write_bytes(b"x" * length)
    spy, spans = spied(place)
    fetch_version(spy, there)
    assert (place.path_of("globals.npy"), 0) in spans
    assert MapState.of(there).files.items() <= MapState.of(town).files.items()
    assert not list(Cache(there).path.rglob(".*.part"))


@pytest.mark.parametrize("name", ["locals.npy", "places.parquet", "thumbnails.mjpeg", "manifest.json"])
def test_a_damaged_file_is_named_with_its_origin(place: Place, town: Path, there: Path, name: str) -> None:
    fetch_version(place.origin, there, version="1")
    before = MapState.of(there)
    path = max(path for path in place.files() if path.endswith(name))
    whole = place.damage(path)
    with pytest.raises(OriginError, match="is damaged: its SHA-256 is not the manifest's") as told:
        fetch_version(place.origin, there)
    assert told.value.message.startswith(f"{path} at {place.address} ")
    assert MapState.of(there) == before
    obstore.put(place.store, path, whole)
    fetch_version(place.origin, there)
    assert MapState.of(there) == MapState.of(town)


def test_a_file_that_is_gone_is_named(place: Place, town: Path, there: Path) -> None:
    assert town.exists()
    path = place.path_of("globals.npy")
    place.store.delete(path)
    with pytest.raises(OriginError, match=path):
        fetch_version(place.origin, there)
    assert not there.exists()


def test_a_damaged_line_is_refused(place: Place, town: Path, there: Path) -> None:
    assert town.exists()
    obstore.put(place.store, "CURRENT", b"something else\n")
    with pytest.raises(MapCorrupt, match="does not name a version"):
        fetch_version(place.origin, there)


def test_a_version_that_comes_back_is_in_the_cache(place: Place, town: Path, there: Path) -> None:
    fetch_version(place.origin, there, version="1")
    fetch_version(place.origin, there)
    prune_versions(there, keep=1)
    roll_back(town)
    push_version(town, place.origin)
    spy, spans = spied(place)
    fetched = fetch_version(spy, there)
    assert (fetched.version, fetched.before, fetched.files) == ("000001", "000002", 0)
    assert {path.rpartition("/")[2] for path, _ in spans} == {"manifest.json"}
    assert verify_map(there).problems == ()
    prune_versions(there, keep=1)  # the newest one and the served one stay
    assert verify_map(there).versions == ("000001", "000002")


def test_the_cache_gives_up_what_no_version_lists(place: Place, town: Path, there: Path) -> None:
    assert town.exists()
    cache = Cache(there)
    for version in ("1", "2"):
        fetch_version(place.origin, there, version=version)
    assert cache.trim(0) == 0
    prune_versions(there, keep=1)
    state = MapState.of(there)
    assert cache.trim(10**9) == 0
    freed = cache.trim(0)
    assert freed == sum(len(content) for path, content in place.files().items() if path.startswith("versions/000001"))
    assert MapState.of(there) == state
    assert verify_map(there).problems == ()


def test_the_cache_gives_up_first_what_was_used_longest_ago(there: Path) -> None:
    cache = Cache(there)
    for name, used_s in (("000001-a", 300), ("000002-b", 100), ("000003-c", 200)):
        folder = cache.path / "segments" / name
        folder.mkdir(parents=True)
        (folder / "locals.npy").write_bytes(bytes(1000))
        os.utime(folder, (used_s, used_s))
    assert cache.trim(1500) == 2000
    assert [folder.name for folder in (cache.path / "segments").iterdir()] == ["000001-a"]


def test_a_map_without_its_cache_is_read_instead_of_the_origin(place: Place, town: Path, there: Path) -> None:
    fetch_version(place.origin, there, version="1")
    os.rename(Cache(there).path, there.with_name("elsewhere"))
    spy, spans = spied(place)
    fetch_version(spy, there)
    assert {path.partition("-")[0] for path, _ in spans} == {"segments/000003", "versions/000002"}
    assert MapState.of(there) == MapState.of(town)


def test_damage_is_mended_on_demand(place: Place, town: Path, there: Path) -> None:
    fetch_version(place.origin, there)
    path = there / "segments" / "000001" / "locals.npy"
    content = path.read_bytes()
    with path.open("r+b") as file:  # in place, as a disk does it
        file.seek(len(content) - 1)
        file.write(bytes([content[-1] ^ 1]))
    fetch_version(place.origin, there)
    assert len(verify_map(there).problems) == 1
    spy, spans = spied(place)
    fetch_version(spy, there, check_sums=True)
    assert sorted({path.rpartition("/")[2] for path, _ in spans}) == ["locals.npy", "manifest.json"]
    assert verify_map(there).problems == ()
    assert MapState.of(there).files.items() <= MapState.of(town).files.items()


def test_a_reader_keeps_what_it_has_open(place: Place, town: Path, there: Path) -> None:
    fetch_version(place.origin, there, version="1")
    with PlaceMap.open(there) as reader:
        fetch_version(place.origin, there)
        with PlaceMap.open(town, "1") as same:
            rows = np.arange(len(same))
            assert np.array_equal(reader.global_features(rows), same.global_features(rows))


def test_a_map_that_was_changed_is_not_replaced(
    place: Place, town: Path, copy: CopyMap, there: Path, encoder: Encoder, tmp_path: Path
) -> None:
    assert town.exists()
    other = copy("right")
    before = MapState.of(other)
    with pytest.raises(MapExists, match="has another version 000002 than"):
        fetch_version(place.origin, other)
    add_pictures(town, photo_listing(tmp_path / "yet_more", 2), encoder, SMALL, prefix="yet/")
    push_version(town, place.origin)
    with pytest.raises(MapExists, match="has another segment 000003 in its version 000002 than"):
        fetch_version(place.origin, other)
    assert MapState.of(other) == before
    there.mkdir(parents=True)
    (there / "notes.txt").write_text("mine")
    with pytest.raises(MapExists, match="is there, and is not a map"):
        fetch_version(place.origin, there)


def test_an_unknown_version_is_refused_with_those_that_are_there(place: Place, town: Path, there: Path) -> None:
    assert town.exists()
    with pytest.raises(InvalidInput, match=r"has no version 000007; it has 000001-\w{12}, 000002-\w{12}"):
        fetch_version(place.origin, there, version="7")
    with pytest.raises(InvalidInput, match="4 shards"):
        fetch_version(place.origin, there, shard=Shard(1, 4))
    assert not there.exists()


def test_two_versions_of_a_number_are_told_apart(place: Place, town: Path, copy: CopyMap, there: Path) -> None:
    """The files of a publisher who lost stay at the origin."""
    assert town.exists()
    right = copy("right")
    push_version(right, place.origin, replace="2")
    with pytest.raises(InvalidInput, match="more than one version 000002"):
        fetch_version(place.origin, there, version="2")
    name = f"000002-{(town / 'CURRENT').read_text()[:12]}"
    fetch_version(place.origin, there, version=name)
    assert (there / "CURRENT").read_bytes() == (town / "CURRENT").read_bytes()
