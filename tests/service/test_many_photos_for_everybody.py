"""Many photos on the page for keyboards, screen readers, weak eyes, slow lines and phones; in a real browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.browser import Tab
from service.settings import ServiceSettings
from tests.service.conftest import Served, Town, serving
from tests.service.pages import DESKTOP, MOVING, PHONE, focused_by_tab, named_nodes, nameless, page_bytes, weak_texts

NAMES = ["1.jpg", "2.jpg", "3.jpg", "bad.jpg"]


@pytest.fixture(scope="module")
def server(judged_towns: dict[str, Town]) -> Iterator[Served]:
    maps = tuple(each.map_path for each in judged_towns.values())
    with serving(ServiceSettings(maps=maps)) as served:
        served.wait_until_ready()
        yield served


@pytest.fixture(scope="module")
def photos(town: Town, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return three photos of the town, and a file that is not a photo."""
    folder = tmp_path_factory.mktemp("photos")
    for name, place_id in zip(NAMES, ("a street/1.jpg", "a street/2.jpg", "a street/3.jpg"), strict=False):
        shutil.copy(town.photos[place_id], folder / name)
    (folder / "bad.jpg").write_text("no picture")
    return [folder / name for name in NAMES]


def show(tab: Tab, server: Served, photos: list[Path], map_name: str = "localized") -> None:
    """Show the answers of some photos, with one of them picked and one marked, and a circle known beforehand."""
    tab.go(f"{server.url}/#map={map_name}&mode=many&near=55.703,13.194&within_m=900")
    tab.wait_for("document.querySelector('.prior-ring') && document.querySelector('.none')")
    tab.give_files("#file", photos)
    tab.wait_for("document.querySelector('.done')?.textContent === '4 of 4 done'")
    tab.run("document.querySelectorAll('.task')[2].click(), document.querySelectorAll('.task input')[1].click()")
    tab.wait_for("document.querySelector('#answer li.candidate') && document.querySelector('.plan .spot')")
    tab.wait_for("!document.querySelector('.marked').hidden")


def test_the_modules_come_once_somebody_wants_them(tab: Tab, server: Served) -> None:
    tab.go(f"{server.url}/#map=localized")
    tab.wait_for("document.querySelector('#place-list summary')")
    names = {"desk.js", "table.js", "queue.js", "work.css", "beside.js"}
    assert not names & set(page_bytes(tab))
    tab.run("document.getElementById('to-many').click()")
    tab.wait_for("document.querySelector('.none')?.checkVisibility()")
    assert names - {"beside.js"} <= set(page_bytes(tab))
    assert sum(page_bytes(tab).values()) < 200_000


def test_everything_can_be_reached_and_done_by_keyboard(tab: Tab, server: Served, photos: list[Path]) -> None:
    show(tab, server, photos)
    tab.run("document.querySelector('.masthead a').focus()")  # where the Tab key begins
    reached = focused_by_tab(tab)
    expected = ["to-one", "to-many", "map", "file", "folder", "together", "prior-near", "prior-within", "Mark all rows"]
    assert [each for each in reached if each in expected] == expected
    assert any(each.startswith("Circle of 900 m around 55.70300, 13.19400") for each in reached)
    assert tab.run("document.querySelectorAll('.task[tabindex=\"0\"]').length") == 1  # the rows are one stop
    tab.run("document.querySelector('[data-column=name] button').focus()")
    tab.press("Enter", code=13, text="\r")
    tab.wait_for("location.hash.includes('sort=name')")


def test_everything_that_can_be_used_has_a_name(tab: Tab, server: Served, photos: list[Path]) -> None:
    show(tab, server, photos)
    assert nameless(tab) == []
    nodes = named_nodes(tab)
    assert {"Mark 2.jpg", "Mark all rows"} <= {name for role, name in nodes if role == "checkbox"}
    assert ("grid", "Photos and what came of them") in nodes
    rows = [name for role, name in nodes if role == "row"]
    assert len(rows) == 5  # with that of the headers
    assert any("2.jpg" in each and "found" in each and "98 %" in each for each in rows)
    assert tab.run("document.querySelector('[role=progressbar]').ariaValueNow") == "4"


@pytest.mark.parametrize("map_name", ["localized", "uncertain", "not_found"])
def test_texts_have_the_contrast_that_weak_eyes_need(
    map_name: str, tab: Tab, server: Served, photos: list[Path]
) -> None:
    tab.set_window(*DESKTOP)
    show(tab, server, photos, map_name)
    assert weak_texts(tab) == []
    tab.run("document.querySelector('.note').textContent = '2 files that are not pictures were left out.'")
    tab.run("document.querySelector('#prior .why').textContent = 'why'")
    tab.run("document.querySelectorAll('#prior button')[1].setAttribute('aria-disabled', 'true')")
    tab.run("document.querySelector('.filters button:last-child').click()")
    tab.run("new Promise(requestAnimationFrame)")
    assert weak_texts(tab) == []


def test_nothing_moves_for_those_who_want_no_movement(tab: Tab, server: Served, photos: list[Path]) -> None:
    tab.prefer(is_still=True)
    show(tab, server, photos)
    tab.run("document.querySelector('.task').dataset.status = 'asking'")
    assert tab.run(MOVING) == 0
    assert tab.run("document.getAnimations().length") == 0


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nothing_is_wider_than_the_screen(size: tuple[int, int], tab: Tab, server: Served, photos: list[Path]) -> None:
    tab.set_window(*size, is_phone=size == PHONE)
    show(tab, server, photos)
    assert tab.run("document.scrollingElement.scrollWidth") <= size[0]
    assert tab.run("document.querySelector('.table').clientWidth") > 0.6 * size[0] - 1
    beyond = "[...document.querySelectorAll('.task, .work button, .prior button, .prior input')]"
    inside = "({ left, right, width }) => width === 0 || (left >= 0 && right <= innerWidth)"
    outside = tab.run(
        f"{beyond}.filter((each) => !each.closest('.columns, .filters') && !({inside})(each.getBoundingClientRect()))"
        ".map((each) => each.textContent)"
    )
    assert outside == []


@pytest.mark.parametrize("mode", ["", "&mode=many"])
def test_a_phone_has_the_camera_at_hand(mode: str, tab: Tab, server: Served) -> None:
    tab.set_window(*PHONE, is_phone=True)
    tab.go(f"{server.url}/#map=localized{mode}")
    tab.wait_for("document.querySelector('#prior button') && document.querySelector('#place-list summary')")
    assert tab.run("document.getElementById('camera').getAttribute('capture')") == "environment"
    bar = tab.run("(({ top, bottom }) => [top, bottom])(document.querySelector('.hand').getBoundingClientRect())")
    assert bar[1] == PHONE[1]  # at the lower edge, wherever the page is scrolled to
    assert bar[0] >= PHONE[1] - 90
    tab.run("scrollTo(0, 1e6)")
    assert tab.run("document.querySelector('.hand').getBoundingClientRect().bottom") == PHONE[1]
    assert tab.run("document.querySelector('footer').getBoundingClientRect().bottom") <= bar[0]
    shown = (
        "[...document.querySelectorAll('.hand .way, .modes a, #prior button')].filter((each) => each.offsetHeight > 0)"
    )
    sizes = tab.run(f"{shown}.map((each) => each.offsetHeight)")
    assert len(sizes) >= 6
    assert min(sizes) >= 44


def test_buttons_of_the_table_are_large_enough_for_a_thumb(tab: Tab, server: Served, photos: list[Path]) -> None:
    tab.set_window(*PHONE, is_phone=True)
    show(tab, server, photos)
    sizes = tab.run(
        "[...document.querySelectorAll('.work button, .task')].filter((each) => each.offsetHeight > 0)"
        ".map((each) => each.offsetHeight)"
    )
    assert len(sizes) > 12
    assert min(sizes) >= 44
