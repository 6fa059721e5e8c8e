"""A circle that is known beforehand, and a second map, on the page in a real browser."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from benchmarks.browser import Tab
from service.samples import Sample
from service.settings import ServiceSettings
from tests.service.conftest import Served, Town, serving

LISTED = "document.querySelector('#place-list li') && document.querySelector('#prior button')"
ANSWERED = "document.querySelectorAll('#answer-body li.candidate').length > 0"
BOX = "(({ x, y, width, height }) => [x, y, width, height])(document.getElementById('plan').getBoundingClientRect())"


@pytest.fixture(scope="module")
def server(judged_towns: dict[str, Town], town: Town) -> Iterator[Served]:
    """Serve a map for each status, and a picture of the town to ask with."""
    photo, position = town.photos["a street/3.jpg"], town.positions["a street/3.jpg"]
    maps = tuple(each.map_path for each in judged_towns.values())
    with serving(ServiceSettings(maps=maps), samples=[Sample("3.jpg", photo, "image/jpeg", position)]) as served:
        served.wait_until_ready()
        yield served


def show(tab: Tab, server: Served, address: str = "map=localized") -> None:
    tab.go(f"{server.url}/#{address}")
    tab.wait_for(LISTED)


def prior(tab: Tab) -> tuple[float, float, float] | None:
    """Return latitude, longitude and metres of the address."""
    text = tab.run("location.hash.slice(1)")
    found = parse_qs(text)
    if "near" not in found:
        return None
    latitude, longitude = map(float, found["near"][0].split(","))
    return latitude, longitude, float(found["within_m"][0])


def wait_for_prior(tab: Tab) -> tuple[float, float, float]:
    tab.wait_for("location.hash.includes('near=')")
    found = prior(tab)
    assert found is not None
    return found


def asked_last(tab: Tab) -> dict[str, list[str]]:
    """Return the parameters of the last question that say where to look."""
    questions = [address for address in tab.received if "/localize?" in address]
    said = parse_qs(urlsplit(questions[-1]).query)
    return {name: said[name] for name in ("map", "near", "within_m") if name in said}


def focus(tab: Tab, selector: str) -> None:
    tab.run(f"document.querySelector({selector!r}).focus()")


def test_a_circle_is_drawn_with_the_pointer_and_asked_with(tab: Tab, server: Served, town: Town) -> None:
    position = town.positions["a street/3.jpg"]
    tab.set_window(1280, 900)
    show(tab, server, f"map=localized&view={position.latitude},{position.longitude},17")
    x, y, width, height = tab.run(BOX)
    left, top = tab.run(
        "(({ x, y }) => [x + 9, y + 9])([...document.querySelectorAll('#prior button')]"
        ".find((each) => each.textContent === 'Draw on the map').getBoundingClientRect())"
    )
    tab.stroke((left, top), (left, top))
    tab.wait_for("document.querySelector('.drawing')")
    assert "drag to the rim" in tab.run("document.querySelector('#prior .why').textContent")
    tab.stroke((x + width / 2, y + height / 2), (x + width / 2 + 100, y + height / 2))
    latitude, longitude, within_m = wait_for_prior(tab)
    assert latitude == pytest.approx(position.latitude, abs=1e-4)
    assert longitude == pytest.approx(position.longitude, abs=1e-4)
    metres_per_pixel = tab.run(
        "parseFloat(document.querySelector('.leaflet-control-scale-line').textContent)"
        " / document.querySelector('.leaflet-control-scale-line').offsetWidth"
    )
    assert within_m == pytest.approx(100 * metres_per_pixel, rel=0.06)
    assert tab.run("document.querySelector('.drawing')") is None
    assert tab.run("document.getElementById('place').hidden")  # the stroke meant no picture
    assert tab.run("document.querySelectorAll('.prior-ring').length") == 1
    assert "known roughly where" in tab.run("document.getElementById('plan-legend').textContent")
    assert tab.run("document.getElementById('prior-within').value") == f"{within_m:g}"

    tab.run("document.querySelector('.sample').click()")
    tab.wait_for(ANSWERED)
    assert asked_last(tab)["within_m"] == [f"{within_m:g}"]
    assert tab.complaints == []


def test_a_circle_is_placed_moved_resized_and_removed_with_keys(tab: Tab, server: Served) -> None:
    show(tab, server)
    focus(tab, "#prior button")
    tab.press("Enter", code=13, text="\r")
    first = wait_for_prior(tab)
    assert tab.run("document.activeElement.classList.contains('prior-middle')")
    tab.press("ArrowUp", code=38)
    tab.press("+", code=107)
    tab.wait_for(f"!location.hash.includes('within_m={first[2]:g}')")
    latitude, longitude, within_m = wait_for_prior(tab)
    assert latitude > first[0]
    assert longitude == pytest.approx(first[1], abs=1e-6)
    assert within_m == pytest.approx(1.25 * first[2], abs=1)
    assert "Arrow keys move it" in tab.run("document.activeElement.ariaLabel")
    tab.press("Delete", code=46)
    tab.wait_for("!location.hash.includes('near=')")
    assert tab.run("document.querySelectorAll('.prior-ring, .prior-middle').length") == 0
    assert tab.complaints == []


def test_a_circle_is_written_changed_and_removed(tab: Tab, server: Served) -> None:
    show(tab, server, "map=localized&near=55.703,13.194&within_m=250")
    tab.wait_for("document.querySelector('.prior-ring')")
    assert tab.run("document.getElementById('prior-near').value") == "55.703, 13.194"
    tab.run("document.querySelector('.sample').click()")
    tab.wait_for(ANSWERED)
    assert asked_last(tab) == {"map": ["localized"], "near": ["55.703,13.194"], "within_m": ["250"]}
    write(tab, "prior-within", "1")
    tab.wait_for("document.querySelectorAll('#answer-body li.candidate').length === 1")
    assert asked_last(tab)["within_m"] == ["1"]  # asked again by itself
    write(tab, "prior-near", "somewhere")
    assert "Write degrees as 55.7058, 13.1932" in tab.run("document.querySelector('#prior .why').textContent")
    assert wait_for_prior(tab) == (55.703, 13.194, 1)
    tab.run("[...document.querySelectorAll('#prior button')].find((each) => each.textContent === 'Remove').click()")
    tab.wait_for("document.querySelectorAll('#answer-body li.candidate').length === 10")
    assert prior(tab) is None
    assert asked_last(tab) == {"map": ["localized"]}


def write(tab: Tab, field: str, text: str) -> None:
    tab.run(f"document.getElementById({field!r}).value = {text!r}")
    tab.run(f"document.getElementById({field!r}).dispatchEvent(new Event('change', {{ bubbles: true }}))")


def press_position(tab: Tab) -> None:
    tab.run(
        "[...document.querySelectorAll('#prior button')].find((each) => each.textContent === 'My position').click()"
    )


def test_the_device_says_where_it_is_if_the_visitor_wants_that(tab: Tab, server: Served) -> None:
    tab.answer_for_visitor("geolocation", server.url, "granted")
    tab.call("Emulation.setGeolocationOverride", latitude=55.703, longitude=13.194, accuracy=812.5)
    show(tab, server)
    assert prior(tab) is None
    press_position(tab)
    assert wait_for_prior(tab) == (55.703, 13.194, 813)
    assert "until you remove it" in tab.run("document.querySelector('#prior .why').textContent")
    assert tab.complaints == []


def test_a_device_that_may_not_say_it_is_no_dead_end(tab: Tab, server: Served) -> None:
    tab.answer_for_visitor("geolocation", server.url, "denied")
    show(tab, server)
    press_position(tab)
    tab.wait_for("document.querySelector('#prior .why').textContent.includes('does not tell your position')")
    assert prior(tab) is None


def test_over_plain_http_the_button_says_why_it_is_off(tab: Tab, server: Served) -> None:
    source = (
        "Object.defineProperty(window, 'isSecureContext', { value: false })"  # the tests' own address is a safe one
    )
    tab.call("Page.addScriptToEvaluateOnNewDocument", source=source)
    show(tab, server)
    assert "HTTPS alone" in tab.run("document.querySelector('#prior .why').textContent")
    assert tab.run("document.querySelectorAll('#prior [aria-disabled=true]').length") == 1
    press_position(tab)
    assert prior(tab) is None


def test_a_photo_is_asked_of_two_maps_side_by_side(tab: Tab, server: Served) -> None:
    tab.set_window(1280, 900)
    show(tab, server, "map=localized&sample=3.jpg")
    tab.wait_for(ANSWERED)
    tab.run("document.getElementById('other-map').value = 'not_found'")
    tab.run("document.getElementById('other-map').dispatchEvent(new Event('change'))")
    tab.wait_for("document.querySelectorAll('#beside li.candidate').length === 10")
    assert tab.run("location.hash").endswith("&compare=not_found")
    assert tab.run("document.getElementById('answer-map').textContent") == "localized"
    assert tab.run("document.getElementById('beside-map').textContent") == "not_found"
    assert "Found here" in tab.run("document.getElementById('answer-body').textContent")
    assert "Not in this map" in tab.run("document.getElementById('beside').textContent")
    tab.wait_for("document.querySelectorAll('#beside .plan .spot').length > 0")
    left, right = (tab.run(f"document.getElementById('{each}').offsetLeft") for each in ("answer-body", "beside"))
    assert right > left + 300
    tab.run("document.getElementById('other-map').value = ''")
    tab.run("document.getElementById('other-map').dispatchEvent(new Event('change'))")
    tab.wait_for("document.getElementById('beside').hidden")
    assert tab.complaints == []


def test_an_address_leads_to_two_maps(tab: Tab, server: Served) -> None:
    show(tab, server, "map=uncertain&compare=localized&sample=3.jpg")
    tab.wait_for("document.querySelectorAll('#beside li.candidate').length === 10")
    assert tab.run("document.getElementById('other-map').value") == "localized"
    assert "Perhaps here" in tab.run("document.getElementById('answer-body').textContent")
    assert "Found here" in tab.run("document.getElementById('beside').textContent")
