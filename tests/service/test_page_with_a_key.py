"""The page of a service that has keys, in a real browser: it asks for one, and sends it with everything."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.browser import Tab
from service.key_file import append_key
from service.keys import Scope, make_key
from service.samples import Sample
from service.settings import ServiceSettings
from tests.service.conftest import Served, Town, serving
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "keys.txt"


@pytest.fixture(scope="module")
def key(key_file: Path) -> str:
    key, line = make_key("page", [Scope.READ])
    append_key(key_file, "page", line)
    return key


@pytest.fixture(scope="module")
def server(key: str, key_file: Path, town: Town) -> Iterator[Served]:
    assert key
    photo = town.photos["a street/3.jpg"]
    samples = [Sample("3.jpg", photo, "image/jpeg", condition="day"), Sample("4.jpg", photo, "image/jpeg")]
    with serving(ServiceSettings(maps=(town.map_path,), keys=key_file), samples=samples) as served:
        served.wait_until_ready()
        yield served


def enter(tab: Tab, key: str) -> None:
    tab.run(f"document.getElementById('key-field').value = {json.dumps(key)}")
    tab.run("document.querySelector('#key button').click()")


def test_the_page_asks_for_a_key_and_shows_everything_with_it(tab: Tab, server: Served, key: str) -> None:
    tab.go(f"http://127.0.0.1:{server.port}/")
    tab.wait_for("!document.getElementById('key').hidden")
    assert "those who have a key" in tab.run("document.querySelector('#key .why').textContent")
    assert tab.run("document.querySelectorAll('.sample').length") == 0
    assert tab.run("document.getElementById('plan-box').hidden")

    enter(tab, "not the key")
    assert "neither spaces" in tab.run("document.querySelector('#key .why').textContent")
    enter(tab, "wrong")
    tab.wait_for("document.querySelector('#key .why')?.textContent.includes('may have been revoked')")
    assert all("401" in complaint for complaint in tab.complaints), tab.complaints
    tab.complaints.clear()

    enter(tab, key)
    tab.wait_for("document.querySelectorAll('.sample img').length === 2")
    assert tab.run("document.getElementById('key').hidden")
    tab.wait_for("[...document.querySelectorAll('.sample img')].every((each) => each.naturalWidth > 0)")
    tab.run("document.querySelector('.sample').click()")
    tab.wait_for("document.querySelectorAll('.candidate').length === 10")
    tab.wait_for("[...document.querySelectorAll('.candidate img')].every((each) => each.naturalWidth > 0)")
    tab.wait_for("document.getElementById('preview-picture').naturalWidth > 0")
    assert tab.run("document.querySelectorAll('.lacking').length") == 0
    tab.wait_for("document.querySelectorAll('.plan .spot').length > 0")
    assert "pictures of the map" not in tab.run("document.getElementById('plan-legend').textContent")  # another scope
    why = "All pictures of the map are shown to keys with the scope browse."
    assert tab.run("document.getElementById('plan-note').innerText") == why
    assert not any("/places?" in address for address in tab.received)
    assert key not in tab.run("location.href + document.cookie + JSON.stringify(localStorage)")
    assert tab.complaints == []  # nothing that the policy had to refuse


def test_a_key_that_may_browse_shows_all_pictures(tab: Tab, server: Served, key_file: Path) -> None:
    browsing, line = make_key("desk", [Scope.READ, Scope.BROWSE])
    append_key(key_file, "desk", line)
    headers = {"Authorization": f"Bearer {browsing}"}
    wait_until(lambda: server.client.get("/maps/town/places", headers=headers).status_code == 200)
    tab.go(f"{server.url}/")
    tab.wait_for("!document.getElementById('key').hidden")
    tab.complaints.clear()
    enter(tab, browsing)
    tab.wait_for("document.querySelectorAll('#place-list li').length === 12")
    tab.run("document.querySelector('#place-list button').click()")
    tab.wait_for("document.querySelector('.place img')?.naturalWidth > 0")
    assert tab.run("document.getElementById('plan-note').innerText") == ""
    assert tab.complaints == []


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [({"published_host": "192.0.2.1"}, "PLACEFIX_BROWSE=on shows all"), ({"browse": "off"}, "PLACEFIX_BROWSE=off")],
)
def test_without_keys_the_page_says_why_it_shows_candidates_alone(
    settings: dict[str, str], remedy: str, tab: Tab, town: Town
) -> None:
    samples = [Sample("3.jpg", town.photos["a street/3.jpg"], "image/jpeg")]
    with serving(ServiceSettings.model_validate({"maps": (town.map_path,), **settings}), samples=samples) as served:
        served.wait_until_ready()
        tab.go(f"{served.url}/#sample=3.jpg")
        tab.wait_for("document.querySelector('.plan .spot')")
        assert remedy in tab.run("document.getElementById('plan-note').innerText")
        assert tab.complaints == []


def test_the_documentation_can_be_read_without_a_key_and_takes_one(tab: Tab, server: Served) -> None:
    tab.go(f"http://127.0.0.1:{server.port}/docs")
    tab.wait_for("document.querySelectorAll('.opblock').length >= 9")
    assert tab.run("document.querySelector('.btn.authorize') !== null")
    assert tab.run("document.querySelectorAll('.authorization__btn').length") >= 7
    assert tab.complaints == []


def test_a_key_that_is_revoked_while_many_photos_wait_is_asked_for_again_and_nothing_is_lost(
    tab: Tab, town: Town, tmp_path: Path
) -> None:
    key_file = tmp_path / "keys.txt"
    (first, first_line), (second, second_line) = (make_key(name, [Scope.READ]) for name in ("first", "second"))
    append_key(key_file, "first", first_line)
    with serving(ServiceSettings(maps=(town.map_path,), keys=key_file)) as served:
        served.wait_until_ready()
        tab.go(f"{served.url}/#mode=many")
        tab.wait_for("!document.getElementById('key').hidden")
        enter(tab, first)
        tab.wait_for("document.querySelector('.none') && document.getElementById('key').hidden")
        tab.give_files("#file", [town.photos["a street/1.jpg"]])
        tab.wait_for("document.querySelector('.done')?.textContent === '1 of 1 done'")

        key_file.unlink()
        append_key(key_file, "second", second_line)
        headers = {"Authorization": f"Bearer {second}"}
        wait_until(lambda: served.client.get("/maps", headers=headers).status_code == 200)
        tab.give_files("#file", [town.photos["a street/2.jpg"], town.photos["a street/3.jpg"]])
        tab.wait_for("!document.getElementById('key').hidden")
        assert "may have been revoked" in tab.run("document.querySelector('#key .why').textContent")
        assert tab.run("document.querySelector('.state-line').textContent").startswith("Paused")
        enter(tab, second)
        tab.wait_for("document.querySelector('.done').textContent === '3 of 3 done'")
        assert tab.run("document.querySelectorAll('.task[data-status=uncalibrated]').length") == 3
    assert all("401" in complaint for complaint in tab.complaints)
