"""The page for operators at /status, in a real browser: versions that were served, and the keys that changes need."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.browser import Tab
from service.key_file import append_key
from service.keys import Scope, make_key
from service.settings import ServiceSettings
from tests.service.conftest import Serve, Served, Town, serving
from tests.service.map_versions import add_some, claim_another_network, copy_town, grow_town, served_version
from tests.service.status_page import BUTTON, READ, show, text
from tests.service.test_page_with_a_key import enter


@pytest.fixture(scope="module")
def grown(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Make a town with two versions; the first is served."""
    return grow_town(town, tmp_path_factory.mktemp("grown"))


@pytest.fixture
def changing(grown: Town, tmp_path: Path) -> Town:
    return copy_town(grown, tmp_path)


def test_a_calibration_of_an_earlier_version_is_called_older(
    judged_towns: dict[str, Town], tmp_path: Path, tab: Tab, serve: Serve
) -> None:
    town = copy_town(judged_towns["localized"], tmp_path)
    assert add_some(town, tmp_path / "more") == "000002"
    show(tab, serve(town))
    assert "calibration older than the map" in text(tab, ".calibration")
    assert "Version 000001 was calibrated" in text(tab, ".calibration")


def test_another_version_is_served_after_a_second_look_and_rolled_back(tab: Tab, changing: Town, serve: Serve) -> None:
    served = serve(changing, watch_interval_s=0)
    show(tab, served)
    assert tab.run(f"{BUTTON}.ariaLabel") == "Serve 000002"
    tab.run(f"{BUTTON}.focus()")
    tab.press("Enter", code=13, text="\r")
    assert "instead of 000001" in text(tab, ".said")
    assert tab.run("document.activeElement.ariaLabel") == "Serve 000002 now"
    assert served_version(served) == "000001"
    tab.press("Enter", code=13, text="\r")
    tab.wait_for("document.querySelector('.said').textContent.includes('000002 is served now')")
    assert served_version(served) == "000002"
    assert tab.run("document.activeElement.dataset.map") == "town"

    assert tab.run(f"{BUTTON}.ariaLabel") == "Roll back to 000001"
    tab.run(f"{BUTTON}.click()")
    tab.run("[...document.querySelectorAll('.choice button')].at(-1).click()")  # Cancel
    assert text(tab, ".said") == ""
    assert served_version(served) == "000002"
    tab.run(f"{BUTTON}.click()")
    tab.run(f"{BUTTON}.click()")
    tab.wait_for("document.querySelector('.said').textContent.includes('000001 is served now')")
    assert served_version(served) == "000001"
    assert tab.complaints == []


def test_a_version_that_cannot_be_served_is_told_and_nothing_changes(tab: Tab, changing: Town, serve: Serve) -> None:
    claim_another_network(changing, "000002")
    served = serve(changing, watch_interval_s=0)
    show(tab, served)
    tab.run(f"{BUTTON}.click()")
    tab.run(f"{BUTTON}.click()")
    tab.wait_for("document.querySelector('.said').textContent.includes('network')")
    assert served_version(served) == "000001"
    assert tab.run(f"{BUTTON}.ariaLabel") == "Serve 000002"  # and may be tried again


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Make a file of keys, and return the keys by their scopes."""
    path, keys = tmp_path_factory.mktemp("keys") / "keys.txt", {}
    for scopes in ("read", "metrics", "read metrics", "read metrics admin"):
        name = scopes.replace(" ", "-")
        keys[scopes], line = make_key(name, [Scope(each) for each in scopes.split()])
        append_key(path, name, line)
    return path, keys


@pytest.fixture(scope="module")
def locked(
    grown: Town, keys: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    town = copy_town(grown, tmp_path_factory.mktemp("locked"))
    with serving(ServiceSettings(maps=(town.map_path,), keys=keys[0], watch_interval_s=0)) as served:
        served.wait_until_ready()
        yield served


def begin_anew_with(tab: Tab, key: str) -> None:
    tab.run("window.isOld = true")
    enter(tab, key)
    tab.wait_for("window.isOld === undefined && document.getElementById('key').hidden")


def open_with(tab: Tab, server: Served, key: str) -> None:
    tab.go(f"{server.url}/status")
    tab.wait_for("!document.getElementById('key').hidden")
    assert "to those who have a key" in text(tab, "#key .why")
    assert "--scope read --scope metrics --scope admin" in text(tab, "#key .why")
    assert tab.run("document.querySelectorAll('.map').length") == 0
    begin_anew_with(tab, key)
    assert key not in tab.run("location.href + document.cookie + JSON.stringify(localStorage)")


def test_a_key_that_reads_maps_shows_maps_and_says_which_scope_the_figures_need(
    tab: Tab, locked: Served, keys: tuple[Path, dict[str, str]]
) -> None:
    open_with(tab, locked, keys[1]["read"])
    tab.wait_for("document.querySelector('.map') && !document.getElementById('figures-unread').hidden")
    assert "scope metrics" in text(tab, "#figures-unread")
    assert tab.run("document.getElementById('figures').hidden")
    tab.run("document.getElementById('show-key').click()")
    tab.wait_for("!document.getElementById('key').hidden")


def test_a_key_that_reads_figures_shows_them_and_says_which_scope_the_maps_need(
    tab: Tab, locked: Served, keys: tuple[Path, dict[str, str]]
) -> None:
    open_with(tab, locked, keys[1]["metrics"])
    tab.wait_for("document.querySelector('#queue [role=meter]') && !document.getElementById('maps-unread').hidden")
    assert "scope read" in text(tab, "#maps-unread")


def test_another_version_needs_a_key_that_may(tab: Tab, locked: Served, keys: tuple[Path, dict[str, str]]) -> None:
    headers = {"Authorization": f"Bearer {keys[1]['read']}"}
    open_with(tab, locked, keys[1]["read metrics"])
    tab.wait_for(READ)
    tab.run(f"{BUTTON}.click()")
    tab.run(f"{BUTTON}.click()")
    tab.wait_for("document.querySelector('.said').textContent.includes('scope admin')")
    assert "Another key is needed" in text(tab, "#key .why")
    assert locked.client.get("/maps", headers=headers).json()["maps"][0]["version"] == "000001"
    begin_anew_with(tab, keys[1]["read metrics admin"])
    tab.wait_for(READ)
    tab.run(f"{BUTTON}.click()")
    tab.run(f"{BUTTON}.click()")
    tab.wait_for("document.querySelector('.said').textContent.includes('000002 is served now')")
    assert locked.client.get("/maps", headers=headers).json()["maps"][0]["version"] == "000002"
