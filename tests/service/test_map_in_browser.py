"""The map on the page, in a real browser: the answer on it, the pictures of the map, and its addresses."""

from collections.abc import Iterator

import pytest

from benchmarks.browser import Tab
from model.geo import LatLon
from service.samples import Sample
from service.settings import ServiceSettings
from tests.service.conftest import Served, Town, serving

ANSWERED = "document.querySelectorAll('li.candidate').length === 10 && document.querySelector('.plan .spot')"
LISTED = "document.querySelector('#place-list li')"
NO_WEBGL = """
    HTMLCanvasElement.prototype.getContext = ((original) => function (kind, ...rest) {
      return kind.startsWith("webgl") ? null : original.call(this, kind, ...rest);
    })(HTMLCanvasElement.prototype.getContext);
"""


@pytest.fixture(scope="module")
def server(judged_towns: dict[str, Town], town: Town) -> Iterator[Served]:
    """Serve a map for each status; a picture of the town to ask with, and another whose true place is 20 m away."""
    photo, position = town.photos["a street/3.jpg"], town.positions["a street/3.jpg"]
    samples = (
        Sample("3.jpg", photo, "image/jpeg", position),
        Sample("near.jpg", photo, "image/jpeg", LatLon(position.latitude + 0.00018, position.longitude)),
        Sample("unknown.jpg", town.photos["a street/5.jpg"], "image/jpeg"),
    )
    maps = tuple(each.map_path for each in judged_towns.values())
    with serving(ServiceSettings(maps=maps, rerank="always"), samples=samples) as served:
        served.wait_until_ready()
        yield served


def show(tab: Tab, server: Served, address: str, is_complete: str) -> None:
    tab.go(f"{server.url}/#{address}")
    tab.wait_for(is_complete)
    assert tab.complaints == []


def count(tab: Tab, selector: str) -> int:
    return int(tab.run(f"document.querySelectorAll({selector!r}).length"))


def text(tab: Tab, selector: str) -> str:
    return str(tab.run(f"document.querySelector({selector!r}).textContent"))


def value(tab: Tab, name: str) -> str | None:
    """Return a value in the address."""
    found: str | None = tab.run(f"new URLSearchParams(location.hash.slice(1)).get({name!r})")
    return found


def test_leaflet_comes_after_the_first_paint_and_needs_no_webgl(tab: Tab, server: Served) -> None:
    tab.call("Page.addScriptToEvaluateOnNewDocument", source=NO_WEBGL)
    show(tab, server, "map=localized", LISTED)
    assert tab.run("document.createElement('canvas').getContext('webgl2')") is None
    painted, fetched = tab.run(
        "[performance.getEntriesByName('first-paint')[0].startTime,"
        " performance.getEntriesByType('resource').find(({ name }) => name.endsWith('/leaflet.js')).startTime]"
    )
    assert painted <= fetched


@pytest.mark.parametrize(
    ("status", "marks", "words"),
    [
        ("localized", {".best .disc": 1, ".radius": 1}, ["the place", "13 m around it hold 95 of 100 answers"]),
        ("uncertain", {".best .disc": 1, ".radius": 1}, ["the best match", "38 m around it hold 95 of 100 answers"]),
        ("not_found", {".best .disc": 0, ".radius": 0}, ["candidates, by rank"]),
        ("uncalibrated", {".best .disc": 1, ".radius": 0}, ["the best match"]),
    ],
)
def test_each_status_stands_on_the_map_in_its_own_way(
    status: str, marks: dict[str, int], words: list[str], tab: Tab, server: Served
) -> None:
    show(tab, server, f"map={status}&sample=3.jpg", ANSWERED)
    assert {selector: count(tab, selector) for selector in marks} == marks
    legend = text(tab, "#plan-legend")
    for each in [*words, "where it was taken", "pictures of the map"]:
        assert each in legend
    assert count(tab, ".true-spot") == 1
    if marks[".radius"]:
        dashes = tab.run("getComputedStyle(document.querySelector('.radius')).strokeDasharray")
        assert (dashes != "none") is (status == "uncertain")


def test_the_statuses_look_different(tab: Tab, server: Served) -> None:
    looks = set()
    for status in ("localized", "uncertain", "uncalibrated"):
        show(
            tab, server, f"map={status}&sample=3.jpg", f"{ANSWERED} && document.querySelector('[data-status={status}]')"
        )
        style = "getComputedStyle(document.querySelector('.disc'))"
        looks.add(tuple(tab.run(f"[{style}.backgroundColor, {style}.borderStyle]")))
    assert len(looks) == 3


def test_the_circle_has_the_radius_in_the_scale_of_the_map(tab: Tab, server: Served) -> None:
    show(tab, server, "map=localized&sample=3.jpg", ANSWERED)
    radius, line, label = tab.run(
        "[document.querySelector('.radius').getBBox().width / 2,"
        " document.querySelector('.leaflet-control-scale-line').offsetWidth,"
        " document.querySelector('.leaflet-control-scale-line').textContent]"
    )
    assert label.endswith(" m")
    assert radius * float(label[:-2]) / line == pytest.approx(12.5, rel=0.05)
    assert radius > 20  # so that it is seen


def test_the_answer_has_its_heading_and_the_candidates_their_ranks(tab: Tab, server: Served) -> None:
    show(tab, server, "map=localized&sample=near.jpg", ANSWERED)
    assert tab.run("document.querySelector('.best .wedge path').getAttribute('transform')") == "rotate(30)"
    assert count(tab, ".error") == 1  # a line to where it was taken
    lifted = "[...document.querySelectorAll('.spot svg')].filter((each) => getComputedStyle(each).zIndex !== 'auto')"
    assert tab.run(f"{lifted}.length") == 0  # no wedge lies over a number
    ranks = tab.run("[...document.querySelectorAll('.plan .spot')].flatMap((each) => each.dataset.ranks.split(' '))")
    assert sorted(map(int, ranks)) == list(range(1, 11))
    labels = tab.run("[...document.querySelectorAll('.plan-mark')].map((each) => each.getAttribute('aria-label'))")
    assert "The answer, candidate 1" in labels
    assert "Where the photo was taken" in labels
    assert any(label.startswith("Candidate ") and label.endswith(" from the first") for label in labels)


def test_a_candidate_and_its_mark_point_at_each_other(tab: Tab, server: Served) -> None:
    show(tab, server, "map=localized&sample=3.jpg", ANSWERED)
    tab.run("document.querySelector('.plan-mark:has([data-ranks=\"1\"])').focus()")
    assert tab.run("document.querySelector('[data-rank=\"1\"]').classList.contains('pointed')")
    tab.run("document.activeElement.blur()")
    assert count(tab, ".pointed") == 0


def test_the_pictures_of_the_map_can_be_looked_at_and_asked_with(tab: Tab, server: Served) -> None:
    show(tab, server, "map=uncalibrated", LISTED)
    said = text(tab, "#place-list summary")
    assert said == "List: 12 single pictures in view"
    buttons = "[...document.querySelectorAll('#place-list button')]"
    tab.run(f"{buttons}.find((each) => each.textContent.includes('7.jpg')).click()")
    tab.wait_for("document.querySelector('.place img')?.naturalWidth > 0")
    shown = text(tab, "#place")
    assert "a street/7.jpg" in shown
    assert "E 70°" in shown
    assert value(tab, "place") is not None
    assert count(tab, ".picked") == 1
    tab.run("document.querySelector('.ask').click()")
    tab.wait_for(ANSWERED)
    assert "0 m from where it was taken" in text(tab, "#verdict")
    assert tab.run("document.querySelector('.candidate').title") == "a street/7.jpg"
    assert tab.run("document.getElementById('place').hidden")


def test_a_click_on_a_point_shows_its_picture_and_escape_hides_it(tab: Tab, server: Served, town: Town) -> None:
    position = town.positions["a street/5.jpg"]
    tab.set_window(1280, 900)
    show(tab, server, f"map=localized&view={position.latitude},{position.longitude},18", LISTED)
    tab.wait_for("document.getElementById('place-list').textContent.includes('5.jpg')")
    box = "document.getElementById('plan').getBoundingClientRect()"
    x, y = tab.run(f"(({{ x, y, width, height }}) => [x + width / 2, y + height / 2])({box})")
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        tab.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    tab.wait_for("document.getElementById('place').textContent.includes('a street/5.jpg')")
    tab.press("Escape", code=27)
    tab.wait_for("document.getElementById('place').hidden")
    assert value(tab, "place") is None


def test_an_address_leads_to_a_map_a_view_and_a_picture(tab: Tab, server: Served, town: Town) -> None:
    position = town.positions["ä ö/ñ 1.jpg"]
    place = f"{position.latitude},{position.longitude}"
    show(tab, server, f"map=uncertain&view={place},17&place={place}", "document.querySelector('.place dl')")
    assert "ä ö/ñ 1.jpg" in text(tab, "#place")
    assert tab.run("document.getElementById('map').value") == "uncertain"
    assert text(tab, ".leaflet-control-scale-line") == "50 m"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("map=nothing", "The map nothing is not served here; localized is shown."),
        ("map=localized&sample=nothing.jpg", "There is no sample nothing.jpg."),
        ("view=95,13,17", "A view is a latitude, a longitude and a zoom"),
        ("view=,,", "A view is a latitude, a longitude and a zoom"),
        ("place=1,2,3", "A place is a latitude and a longitude"),
        ("place=1,2", "the map has no picture at that place"),
    ],
)
def test_an_address_that_leads_nowhere_is_told(address: str, says: str, tab: Tab, server: Served) -> None:
    wrong = "document.getElementById('address-wrong')"
    show(tab, server, address, f"!{wrong}.hidden && document.querySelector('.sample')")
    assert says in tab.run(f"{wrong}.textContent")
    tab.run("document.querySelector('.sample').click()")
    tab.wait_for(f"{wrong}.hidden")


def test_an_address_of_an_earlier_release_still_leads_to_its_sample(tab: Tab, server: Served) -> None:
    tab.go(f"{server.url}/?map=localized&sample=3.jpg")
    tab.wait_for(ANSWERED)
    assert "Found here" in text(tab, "#verdict")


def test_back_leads_to_the_question_before(tab: Tab, server: Served) -> None:
    show(
        tab,
        server,
        "map=localized",
        "document.querySelectorAll('.sample').length === 3 && document.querySelector('.plan canvas')",
    )
    for name in ("3.jpg", "unknown.jpg"):
        tab.run(f"document.querySelector('.sample[data-id=\"{name}\"]').click()")
        tab.wait_for(f"{ANSWERED} && document.getElementById('preview-caption').textContent === '{name}'")
    assert value(tab, "sample") == "unknown.jpg"
    tab.run("history.back()")
    tab.wait_for("document.getElementById('preview-caption').textContent === '3.jpg'")
    tab.run("history.back()")
    tab.wait_for("document.getElementById('preview').hidden")
    assert value(tab, "map") == "localized"
    assert count(tab, ".plan .spot") == 0


def test_many_pictures_on_one_spot_are_shown_one_by_one(tab: Tab, server: Served) -> None:
    """The card, with pictures that are handed to it."""
    show(tab, server, "map=localized", LISTED)
    script = """
        import(document.querySelector("script[type=module]").src.replace("page.js", "place_card.js")).then((card) => {
          const properties = { time: "2024-05-01T09:30:00+02:00", headings_deg: [] };
          const pictures = ["a.jpg", "b.jpg"].map((id) => ({ properties: { id, ...properties } }));
          card.showPlace(document.getElementById("place"), pictures, "localized", { onAsk() {}, onClose() {} });
        })
    """
    tab.run(script)
    assert "2 pictures here" in text(tab, "#place")
    assert "2024-05-01 09:30:00 +02:00" in text(tab, "#place")
    assert "a.jpg" in text(tab, "#place dl")
    tab.run("document.querySelector('[aria-label=\"The next picture\"]').click()")
    assert "b.jpg" in text(tab, "#place dl")
    tab.wait_for("document.querySelector('#place .lacking')")
    assert tab.run("document.querySelector('.ask').hidden")  # there is no picture to ask with
