"""The page for keyboards, screen readers, weak eyes, slow lines and phones; in a real browser."""

from collections.abc import Iterator

import pytest

from benchmarks.browser import Tab
from service.samples import Sample
from service.settings import ServiceSettings
from tests.service.conftest import Served, Town, serving
from tests.service.pages import (
    DESKTOP,
    MOVING,
    PHONE,
    WEAK_TEXTS,
    focused_by_tab,
    named_nodes,
    nameless,
    page_bytes,
    weak_texts,
)

ANSWERED = "document.querySelectorAll('li.candidate').length === 10 && document.querySelector('.plan .spot')"
LISTED = "document.querySelector('#place-list li')"
STATUSES = ["localized", "uncertain", "not_found", "uncalibrated"]
FIRST_PAINT_BYTES = 100_000


@pytest.fixture(scope="module")
def server(judged_towns: dict[str, Town], town: Town) -> Iterator[Served]:
    photo, position = town.photos["a street/3.jpg"], town.positions["a street/3.jpg"]
    samples = (Sample("3.jpg", photo, "image/jpeg", position, condition="night"),)
    maps = tuple(each.map_path for each in judged_towns.values())
    with serving(ServiceSettings(maps=maps, rerank="always"), samples=samples) as served:
        served.wait_until_ready()
        yield served


def show(tab: Tab, server: Served, address: str, is_complete: str) -> None:
    tab.go(f"{server.url}/#{address}")
    tab.wait_for(is_complete)
    assert tab.complaints == []


def test_the_first_paint_needs_few_bytes_and_the_next_visit_hardly_any(tab: Tab, server: Served) -> None:
    show(tab, server, "map=localized", LISTED)
    sizes = page_bytes(tab)
    assert {"", "page.js", "page.css", "plan.js", "leaflet.js"} <= set(sizes)
    leaflet = sum(sizes.pop(name) for name in ("leaflet.js", "leaflet.css"))  # after the first paint
    assert 0 < sum(sizes.values()) <= FIRST_PAINT_BYTES
    assert leaflet <= 60_000
    tab.received.clear()
    tab.call("Page.reload")
    tab.wait_for(LISTED)
    assert sum(page_bytes(tab).values()) <= 2000


def test_everything_can_be_reached_and_done_by_keyboard(tab: Tab, server: Served) -> None:
    show(tab, server, "map=localized", f"{LISTED} && document.querySelector('.sample')")
    reached = focused_by_tab(tab)
    expected = ["map", "file", "Sample 1, night", "plan", "Zoom in", "Zoom out", "Show the whole map"]
    assert [each for each in reached if each in expected] == expected
    assert "SUMMARY" in reached

    tab.run("document.querySelector('.sample').focus()")
    tab.press("Enter", code=13, text="\r")
    tab.wait_for(ANSWERED)
    reached = focused_by_tab(tab)
    assert "The answer, candidate 1" in reached
    assert any(each.startswith("Candidate ") for each in reached)

    tab.run("document.getElementById('plan').focus()")
    before = tab.run("location.hash")
    tab.press("ArrowRight", code=39)
    tab.wait_for(f"location.hash !== {before!r} && location.hash.includes('view=')")
    tab.run("document.querySelector('#place-list summary').focus()")
    tab.press("Enter", code=13, text="\r")
    tab.wait_for("document.getElementById('place-list').open")


@pytest.mark.parametrize("address", ["map=localized", "map=localized&sample=3.jpg", "map=not_found&sample=3.jpg"])
def test_everything_that_can_be_used_has_a_name(address: str, tab: Tab, server: Served) -> None:
    show(tab, server, address, ANSWERED if "sample" in address else LISTED)
    used = named_nodes(tab)
    assert len([name for role, name in used if role == "button"]) >= 4
    assert nameless(tab) == []
    regions = {name for role, name in used if role == "region"}
    assert {"The photo", "The answer", "Map. Arrow keys move it, plus and minus zoom."} <= regions


@pytest.mark.parametrize("status", STATUSES)
def test_texts_have_the_contrast_that_weak_eyes_need(status: str, tab: Tab, server: Served) -> None:
    tab.set_window(*DESKTOP)
    show(tab, server, f"map={status}&sample=3.jpg", ANSWERED)
    assert weak_texts(tab) == []
    tab.run("document.querySelector('#place-list').open = true")
    tab.run("document.querySelector('#place-list button')?.click()")
    tab.run("document.getElementById('notice').hidden = document.getElementById('key').hidden = false")
    assert weak_texts(tab) == []


def test_the_measure_of_contrast_finds_a_weak_text(tab: Tab, server: Served) -> None:
    show(tab, server, "map=localized", LISTED)
    tab.run("document.querySelector('footer p').style.color = '#aaa'")
    assert len(tab.run(WEAK_TEXTS)) == 1


def test_nothing_moves_for_those_who_want_no_movement(tab: Tab, server: Served) -> None:
    tab.prefer(is_still=True)
    show(tab, server, "map=localized&sample=3.jpg", ANSWERED)
    assert tab.run("document.querySelectorAll('.leaflet-zoom-anim, .leaflet-fade-anim').length") == 0
    assert tab.run(MOVING) == 0
    tab.run("document.querySelector('[aria-label=\"Zoom in\"]').click()")
    assert tab.run("document.getAnimations().length") == 0


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("address", ["map=localized", "map=localized&sample=3.jpg"])
def test_nothing_is_wider_than_the_screen(size: tuple[int, int], address: str, tab: Tab, server: Served) -> None:
    tab.set_window(*size, is_phone=size == PHONE)
    show(tab, server, address, ANSWERED if "sample" in address else LISTED)
    assert tab.run("document.scrollingElement.scrollWidth") <= size[0]
    assert tab.run("document.getElementById('plan').clientWidth") > 0.4 * size[0]
    assert tab.run("document.getElementById('plan').clientHeight") >= 340


def test_buttons_on_the_map_are_large_enough_for_a_thumb(tab: Tab, server: Served) -> None:
    tab.set_window(*PHONE, is_phone=True)
    show(tab, server, "map=localized&sample=3.jpg", ANSWERED)
    sides = tab.run(
        "[...document.querySelectorAll('.plan-tools button')]"
        ".flatMap(({ offsetWidth, offsetHeight }) => [offsetWidth, offsetHeight])"
    )
    assert len(sides) == 10
    assert min(sides) >= 44
