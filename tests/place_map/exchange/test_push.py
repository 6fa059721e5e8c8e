"""Check the content of an origin after a push, and the pushes that are refused."""

from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Barrier, Thread

import pytest

import place_map.exchange.push as push_module
from index_builder.changes.prune import prune_versions
from index_builder.verify import verify_map
from model.errors import InvalidInput
from place_map.activation import roll_back
from place_map.current import Current
from place_map.errors import MapBusy, MapCorrupt, OriginError, PublishConflict
from place_map.exchange.fetch import fetch_version
from place_map.exchange.opening import open_origin
from place_map.exchange.origin import Origin, Served
from place_map.exchange.push import push_version
from tests.faults.map_state import MapState
from tests.place_map.exchange.origins import CopyMap, Place, Wrapped


class Watched(Wrapped):
    """Call a function before the last write of an origin.

    Args:
        origin: The origin.
        before_the_end: The function to call.
    """

    def __init__(self, origin: Origin, before_the_end: Callable[[], object]) -> None:
        super().__init__(origin)
        self._before_the_end = before_the_end
        self.written: list[str] = []

    def write(self, path: str, chunks: Iterable[bytes], size: int) -> None:
        super().write(path, chunks, size)
        self.written.append(path)

    def replace_current(self, pointer: Current, before: Served | None) -> bool:
        self._before_the_end()
        return super().replace_current(pointer, before)


def served_at(place: Place) -> bytes:
    return place.files()["CURRENT"]


def test_a_pushed_map_comes_back_as_it_was(place: Place, copy: CopyMap, tmp_path: Path) -> None:
    town = copy("left")
    for version in ("1", "2"):
        push_version(town, place.origin, version=version)
        fetch_version(place.origin, tmp_path / "there" / "town")
    assert MapState.of(tmp_path / "there" / "town") == MapState.of(town)
    assert verify_map(tmp_path / "there" / "town").problems == ()
    assert served_at(place) == (town / "CURRENT").read_bytes()


def test_only_what_is_missing_is_sent_segments_first(place: Place, copy: CopyMap) -> None:
    town = copy("left")
    first = push_version(town, place.origin, version="000001")
    assert (first.version, first.before) == ("000001", None)
    before = place.files()
    watched = Watched(place.origin, lambda: None)
    second = push_version(town, watched)
    assert (second.version, second.before, second.files) == ("000002", "000001", len(watched.written))
    kinds = [path.partition("/")[0] for path in watched.written]
    assert kinds == sorted(kinds)  # segments, then versions
    assert {path[:16] for path in watched.written if path.startswith("segments")} == {"segments/000003-"}
    assert second.bytes == sum(len(place.files()[path]) for path in watched.written)
    assert {path: place.files()[path] for path in before if path != "CURRENT"} == {
        path: content for path, content in before.items() if path != "CURRENT"
    }
    again = Watched(place.origin, lambda: None)
    assert push_version(town, again).files == 0
    assert again.written == []


def test_an_earlier_version_is_named_again(place: Place, copy: CopyMap) -> None:
    town = copy("left")
    push_version(town, place.origin)
    roll_back(town)
    assert push_version(town, place.origin).before == "000002"
    assert b"000001" in served_at(place)


def test_a_trial_writes_nothing(place: Place, copy: CopyMap) -> None:
    town = copy("left")
    told = push_version(town, place.origin, is_trial=True)
    assert place.files() == {}
    sent = push_version(town, place.origin)
    assert (told.files, told.bytes, told.before) == (sent.files, sent.bytes, None)


def test_a_map_that_diverged_does_not_replace_the_other(place: Place, copy: CopyMap, tmp_path: Path) -> None:
    left, right = copy("left"), copy("right")
    push_version(left, place.origin)
    before = place.files()
    with pytest.raises(PublishConflict, match=r"names version 000002 \(manifest .*--replace 000002"):
        push_version(right, place.origin)
    assert place.files() == before
    with pytest.raises(InvalidInput, match="names version 000002, not 1"):
        push_version(right, place.origin, replace="1")
    push_version(right, place.origin, replace="2")
    fetch_version(place.origin, tmp_path / "there" / "town")
    assert MapState.of(tmp_path / "there" / "town").manifests["000002"] == MapState.of(right).manifests["000002"]


def test_a_pruned_version_is_replaced_by_name(place: Place, copy: CopyMap) -> None:
    town = copy("left")
    push_version(town, place.origin, version="1")
    prune_versions(town, keep=1)
    with pytest.raises(PublishConflict, match="does not have"):
        push_version(town, place.origin)
    assert push_version(town, place.origin, replace="1").before == "000001"


def test_of_two_publishers_one_is_refused_with_both_versions(object_place: Place, copy: CopyMap) -> None:
    """The other one publishes when all but the last write is done."""
    left, right = copy("left"), copy("right")
    push_version(left, object_place.origin, version="1")
    slow = Watched(object_place.origin, lambda: push_version(right, object_place.origin))
    mine, theirs = ((each / "CURRENT").read_bytes()[:12].decode() for each in (left, right))
    with pytest.raises(PublishConflict, match=rf"from version 000001 .* to version 000002 \(manifest {mine}") as told:
        push_version(left, slow)
    assert f"changed it to version 000002 (manifest {theirs}…)" in told.value.message
    assert served_at(object_place) == (right / "CURRENT").read_bytes()


def test_the_first_version_of_all_has_one_publisher(object_place: Place, copy: CopyMap) -> None:
    left, right = copy("left"), copy("right")
    slow = Watched(object_place.origin, lambda: push_version(right, object_place.origin))
    with pytest.raises(PublishConflict, match="from no version to version 000002"):
        push_version(left, slow)
    assert served_at(object_place) == (right / "CURRENT").read_bytes()


def test_two_publishers_of_the_same_version_both_succeed(object_place: Place, copy: CopyMap) -> None:
    town = copy("left")
    slow = Watched(object_place.origin, lambda: push_version(town, object_place.origin))
    assert push_version(town, slow).version == "000002"


def test_publishers_that_race_leave_a_whole_version(object_place: Place, copy: CopyMap, tmp_path: Path) -> None:
    sides = {name: copy(name) for name in ("left", "right")}
    push_version(sides["left"], object_place.origin, version="1")
    outcomes: dict[str, str] = {}
    start = Barrier(len(sides))

    def publish(name: str) -> None:
        start.wait()
        try:
            outcomes[name] = push_version(sides[name], object_place.origin).version
        except PublishConflict as error:
            outcomes[name] = error.code

    threads = [Thread(target=publish, args=(name,)) for name in sides]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes.values()) == ["000002", "publish_conflict"]
    (winner,) = (name for name, outcome in outcomes.items() if outcome == "000002")
    fetch_version(object_place.origin, tmp_path / "there" / "town")
    assert verify_map(tmp_path / "there" / "town").problems == ()
    assert (tmp_path / "there" / "town" / "CURRENT").read_bytes() == (sides[winner] / "CURRENT").read_bytes()


def test_a_directory_has_one_publisher_at_a_time(copy: CopyMap, tmp_path: Path) -> None:
    left, right = copy("left"), copy("right")
    origin = open_origin(str(tmp_path / "origin"))

    def refused() -> None:
        with pytest.raises(MapBusy, match="publishing to this origin"):
            push_version(right, origin)

    push_version(left, Watched(origin, refused))
    assert (tmp_path / "origin" / "CURRENT").read_bytes() == (left / "CURRENT").read_bytes()
    assert not (tmp_path / "origin" / ".publishing").exists()


def test_a_damaged_file_is_not_sent(place: Place, copy: CopyMap) -> None:
    town = copy("left")
    push_version(town, place.origin, version="1")
    path = town / "segments" / "000003" / "locals.npy"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(MapCorrupt, match=r"segments/000003/locals\.npy is damaged"):
        push_version(town, place.origin)
    assert b"000001" in served_at(place)
    assert not [name for name in place.files() if name.startswith("segments/000003") and name.endswith("locals.npy")]
    path.write_bytes(content)
    push_version(town, place.origin)
    assert b"000002" in served_at(place)


def test_a_version_without_all_its_files_is_not_published(
    place: Place, copy: CopyMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = copy("first")
    send = push_module._send

    def send_and_lose(*arguments: object) -> None:
        send(*arguments)  # type: ignore[arg-type]
        place.store.delete(place.path_of("globals.npy"))

    with monkeypatch.context() as patch:
        patch.setattr(push_module, "_send", send_and_lose)
        with pytest.raises(OriginError, match=r"1 files have not arrived .*globals\.npy"):
            push_version(town, place.origin)
    assert "CURRENT" not in place.files()
    assert push_version(town, place.origin).files == 1


def test_addresses_that_are_no_origins(copy: CopyMap, tmp_path: Path) -> None:
    town = copy("first")
    with pytest.raises(InvalidInput, match="is a map, and an origin has other names"):
        open_origin(str(town))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("Dear")
    with pytest.raises(InvalidInput, match=r"holds letter\.txt, which is not of an origin"):
        open_origin(str(tmp_path / "home"))
    with pytest.raises(InvalidInput, match="is a file"):
        open_origin(str(town / "CURRENT"))
    for address in ("gs://bucket/town", "file:///maps"):
        with pytest.raises(InvalidInput, match="is not of a known kind"):
            open_origin(address)
    for address in ("s3://", "s3://bucket", "s3://bucket/"):
        with pytest.raises(InvalidInput, match="names no place in a bucket"):
            open_origin(address)
    with pytest.raises(OriginError, match="names no version"):
        fetch_version(open_origin(str(tmp_path / "nowhere")), tmp_path / "there" / "town")
    assert not (tmp_path / "nowhere").exists()
    assert not (tmp_path / "there").exists()


@pytest.mark.cluster
def test_a_bucket_that_is_not_there(s3_settings: str, copy: CopyMap) -> None:
    assert s3_settings
    with pytest.raises(OriginError, match=r"s3://nowhere/town/.*AWS_ENDPOINT_URL"):
        push_version(copy("first"), open_origin("s3://nowhere/town"))
