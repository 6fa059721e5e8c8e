"""Maps change while real servers answer from them: nothing fails, nothing is mixed, nothing broken is served."""

import gc
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from index_builder.changes.prune import prune_versions
from place_map import layout
from place_map.activation import roll_back
from place_map.errors import MapBusy
from service import map_swap
from service.localizer import Localizer
from tests.service.conftest import Serve, Town
from tests.service.map_versions import (
    add_some,
    asking_all_the_time,
    claim_another_network,
    contents,
    copy_town,
    flip_bit,
    is_served,
    mend,
    point_to,
    remove_one,
    served_version,
)
from tests.service.test_metrics import labels_of, scrape, value
from tests.waiting import wait_until

OFTEN_S = 0.02


@pytest.fixture(scope="module")
def grown(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Make a town with a second version, which has a segment of its own; the first is served."""
    folder = tmp_path_factory.mktemp("grown")
    town = copy_town(town, folder)
    add_some(town, folder / "more")
    roll_back(town.map_path)
    return town


@pytest.fixture
def changing(town: Town, tmp_path: Path) -> Town:
    return copy_town(town, tmp_path)


def test_changes_and_rollbacks_are_followed_while_requests_run(changing: Town, tmp_path: Path, serve: Serve) -> None:
    served = serve(changing, watch_interval_s=OFTEN_S)
    content = changing.photos["100%.jpg"].read_bytes()
    with asking_all_the_time(served.url, content) as asked:
        changes: list[Callable[[], str]] = [
            lambda: remove_one(changing),
            lambda: add_some(changing, tmp_path / "more"),
            lambda: roll_back(changing.map_path).after,
            lambda: roll_back(changing.map_path).after,
        ]
        for change in changes:
            version, count = change(), asked.count
            wait_until(partial(is_served, served, version))
            wait_until(partial(asked.is_beyond, count + 10))
    assert asked.failures == []
    of_versions = contents(changing)
    assert set(asked.answers) == {"000001", "000002", "000003"}
    assert asked.answers == {version: {frozenset(of_versions[version])} for version in asked.answers}


def test_metrics_and_answers_say_which_version_is_served(changing: Town, serve: Serve) -> None:
    served = serve(changing, watch_interval_s=OFTEN_S)
    assert value(scrape(served), "placefix_map_swaps_total", map="town", outcome="swapped") == 0
    remove_one(changing)
    wait_until(partial(is_served, served, "000002"))
    samples = scrape(served)
    assert labels_of(samples, "placefix_map_info", "version") == {"000002"}
    assert value(samples, "placefix_map_pictures", map="town") == 11
    assert value(samples, "placefix_map_swaps_total", map="town", outcome="swapped") == 1
    assert value(samples, "placefix_map_swaps_total", map="town", outcome="failed") == 0
    [described] = served.client.get("/health/ready").json()["maps"]
    assert (described["version"], described["pictures"]) == ("000002", 11)


def test_one_map_of_several_changes(changing: Town, village: Town, serve: Serve) -> None:
    served = serve(changing, village, watch_interval_s=OFTEN_S)
    remove_one(changing)
    wait_until(partial(is_served, served, "000002"))
    assert served_version(served, "village") == "000001"
    response = served.client.post(
        "/localize", content=village.photos["0.jpg"].read_bytes(), params={"map": "village", "candidates": 1}
    )
    assert response.json()["candidates"][0]["id"] == "0.jpg"


def test_a_server_that_does_not_watch_stays_with_its_version(changing: Town, serve: Serve) -> None:
    served = serve(changing, watch_interval_s=0)
    remove_one(changing)
    response = served.client.post("/localize", content=changing.photos["100%.jpg"].read_bytes())
    assert response.json()["map"]["version"] == served_version(served) == "000001"


def cut_left_out(town: Town, version: str) -> None:
    path = layout.version_dir(town.map_path, version) / layout.LEFT_OUT
    path.write_bytes(path.read_bytes()[:-10])


def flip_global_feature(town: Town, version: str) -> None:
    del version
    flip_bit(layout.segment_dir(town.map_path, "000004") / layout.GLOBALS)


def spoil_manifest(town: Town, version: str) -> None:
    flip_bit(layout.version_dir(town.map_path, version) / layout.MANIFEST, 100)


@pytest.mark.parametrize("damage", [cut_left_out, flip_global_feature, spoil_manifest, claim_another_network])
def test_a_broken_version_is_never_served_and_told_once(
    damage: Callable[[Town, str], None],
    grown: Town,
    tmp_path: Path,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(map_swap, "_FIRST_RETRY_S", OFTEN_S)
    changing, broken = copy_town(grown, tmp_path), "000002"
    served = serve(changing, watch_interval_s=OFTEN_S)
    damage(changing, broken)
    with asking_all_the_time(served.url, changing.photos["100%.jpg"].read_bytes(), clients=1) as asked:
        point_to(changing, broken)
        wait_until(lambda: value(scrape(served), "placefix_map_swaps_total", map="town", outcome="failed") == 1)
        wait_until(partial(asked.is_beyond, asked.count + 20))
        assert served.client.get("/health/ready").status_code == 200
        assert value(scrape(served), "placefix_map_swaps_total", map="town", outcome="failed") == 1
    assert asked.failures == []
    assert set(asked.answers) == {"000001"}
    assert caplog.text.count("a version cannot be served") == 1
    # The version is mended without moving CURRENT: its files had not arrived.
    mend(changing, grown.map_path)
    point_to(changing, broken)
    wait_until(partial(is_served, served, broken))


def test_a_map_whose_current_has_gone_is_served_on(changing: Town, serve: Serve) -> None:
    served = serve(changing, watch_interval_s=OFTEN_S)
    line = (changing.map_path / layout.CURRENT).read_bytes()
    (changing.map_path / layout.CURRENT).unlink()
    wait_until(lambda: value(scrape(served), "placefix_map_swaps_total", map="town", outcome="failed") == 1)
    content = changing.photos["100%.jpg"].read_bytes()
    assert served.client.post("/localize", content=content).status_code == 200
    (changing.map_path / layout.CURRENT).write_bytes(line)
    remove_one(changing)
    wait_until(partial(is_served, served, "000002"))


def test_a_version_is_kept_as_long_as_it_is_read_and_can_be_removed_then(changing: Town, serve: Serve) -> None:
    served = serve(changing, watch_interval_s=OFTEN_S, verify="off")
    with served.runtime.engine.maps.reading("town") as version:
        remove_one(changing)
        wait_until(partial(is_served, served, "000002"))
        with pytest.raises(MapBusy):
            prune_versions(changing.map_path, versions=["1"])
        assert version.localizer.place_map.thumbnail(0)
    wait_until(lambda: is_pruned(changing, "1"))
    assert list(contents(changing)) == ["000002"]
    response = served.client.post("/localize", content=changing.photos["100%.jpg"].read_bytes())
    assert response.status_code == 200


def is_pruned(town: Town, version: str) -> bool:
    try:
        prune_versions(town.map_path, versions=[version])
    except MapBusy:
        return False
    return True


@pytest.mark.parametrize("swaps", [6, pytest.param(40, marks=pytest.mark.faults)])
def test_nothing_grows_with_the_number_of_swaps(swaps: int, changing: Town, serve: Serve) -> None:
    gc.unfreeze()
    gc.collect()  # servers of other tests
    alone = localizers() + 1
    served = serve(changing, watch_interval_s=OFTEN_S)
    remove_one(changing)

    def swap() -> None:
        before = served_version(served)
        after = "000001" if before == "000002" else "000002"
        point_to(changing, after)
        wait_until(partial(is_served, served, after))
        content = changing.photos["100%.jpg"].read_bytes()
        assert served.client.post("/localize", content=content).json()["map"]["version"] == after

    wait_until(partial(is_served, served, "000002"))
    for _ in range(4):
        swap()
    check = served.runtime._map_check
    assert check is not None
    wait_until(lambda: check.is_done and localizers() == alone)
    descriptors, resident = open_descriptors(changing), resident_bytes()
    for _ in range(swaps):
        swap()
    wait_until(lambda: check.is_done and localizers() == alone)
    assert open_descriptors(changing) == descriptors
    assert resident_bytes() - resident < 30e6
    assert value(scrape(served), "placefix_map_swaps_total", map="town", outcome="swapped") == 5 + swaps


def localizers() -> int:
    """Return how many are in memory, without a collection: they must go by themselves."""
    gc.unfreeze()  # objects that a service has frozen count, too
    return sum(type(each) is Localizer for each in gc.get_objects())


def open_descriptors(town: Town) -> int:
    """Return the files of the map that this process has open; ``CURRENT`` is read every now and then."""
    targets = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            targets.append(str(entry.readlink()))
        except FileNotFoundError:  # the one that lists the others
            continue
    return sum(target.startswith(f"{town.map_path}/") and not target.endswith(layout.CURRENT) for target in targets)


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_damage_of_a_version_that_is_not_served_any_more_does_not_matter(
    grown: Town, tmp_path: Path, serve: Serve
) -> None:
    changing, damaged = copy_town(grown, tmp_path), "000002"
    served = serve(changing, watch_interval_s=OFTEN_S)
    flip_bit(layout.segment_dir(changing.map_path, "000004") / layout.LOCALS)  # no sum at loading covers it
    point_to(changing, damaged)
    wait_until(lambda: served.client.get("/health/ready").status_code == 503)
    assert value(scrape(served), "placefix_map_damaged", map="town") == 1
    roll_back(changing.map_path)
    wait_until(lambda: served.client.get("/health/ready").status_code == 200)
    assert served_version(served) == "000001"
    assert value(scrape(served), "placefix_map_damaged", map="town") == 0
    check = served.runtime._map_check
    assert check is not None
    wait_until(lambda: check.is_done)
    assert served.client.get("/health/ready").status_code == 200


def test_every_byte_is_checked_before_the_swap_if_that_is_asked_for(grown: Town, tmp_path: Path, serve: Serve) -> None:
    changing, damaged = copy_town(grown, tmp_path), "000002"
    served = serve(changing, watch_interval_s=OFTEN_S, verify="start")
    flip_bit(layout.segment_dir(changing.map_path, "000004") / layout.LOCALS)
    point_to(changing, damaged)
    wait_until(lambda: value(scrape(served), "placefix_map_swaps_total", map="town", outcome="failed") == 1)
    assert served_version(served) == "000001"
    assert served.client.get("/health/ready").status_code == 200
