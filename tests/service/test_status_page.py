"""The page for operators at /status, in a real browser: the figures that it reads, and its looks."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.browser import Tab
from service.settings import ServiceSettings
from service.stages import Stage
from tests.service.conftest import Serve, Served, Town, serving
from tests.service.map_versions import grow_town
from tests.service.pages import DESKTOP, MOVING, PHONE, WEAK_TEXTS, focused_by_tab, nameless, page_bytes
from tests.service.status_page import BUTTON, READ, show, table, text
from tests.service.test_metrics import scrape, value

FIRST_PAINT_BYTES = 100_000

# Timers that the test lets run by hand, and how often the figures were asked for.
BY_HAND = """
    window.timers = [];
    window.setTimeout = (act) => window.timers.push(act);
    window.clearTimeout = (number) => { window.timers[number - 1] = null; };
    window.asked = 0;
    const fetched = window.fetch;
    window.fetch = (...all) => { window.asked += all[0] === "metrics"; return fetched(...all); };
"""
RUN_TIMERS = "window.timers.splice(0).forEach((act) => act?.())"
WAITS = "window.timers.filter((act) => act !== null).length === 1"


@pytest.fixture(scope="module")
def grown(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Make a town with two versions; the first is served."""
    return grow_town(town, tmp_path_factory.mktemp("grown"))


@pytest.fixture(scope="module")
def server(judged_towns: dict[str, Town], grown: Town) -> Iterator[Served]:
    """Start a server that has answered, and refused, questions to maps with and without a calibration."""
    maps = (*(each.map_path for each in judged_towns.values()), grown.map_path)
    with serving(ServiceSettings(maps=maps, rerank="always", watch_interval_s=0)) as served:
        served.wait_until_ready()
        content = grown.photos["100%.jpg"].read_bytes()
        for name, count in (("localized", 3), ("uncertain", 1)):
            for _ in range(count):
                assert served.client.post("/localize", content=content, params={"map": name}).is_success
        nothing = served.client.post("/localize", content=b"no picture", params={"map": "localized"})
        assert nothing.status_code == 415
        yield served


def in_module(name: str, expression: str) -> str:
    """Return a script that evaluates an expression with a module of the page, which it calls ``it``."""
    address = "document.querySelector('script[type=module]').src.replace('status.js', " + json.dumps(name) + ")"
    return f"import({address}).then((it) => {expression})"


def parsed(tab: Tab, exposition: str) -> set[tuple[str, tuple[tuple[str, str], ...], float]]:
    """Return the metrics that the page reads in a text."""
    script = (
        f"[...it.parseMetrics({json.dumps(exposition)})].flatMap(([name, series]) => "
        "[...series.values()].map(({ labels, value }) => [name, Object.entries(labels), value]))"
    )
    found: list[Any] = tab.run(in_module("prometheus.js", script))
    return {(name, tuple(sorted((key, each) for key, each in labels)), value) for name, labels, value in found}


def test_the_text_of_the_metrics_is_read_as_the_library_reads_it(tab: Tab, server: Served) -> None:
    show(tab, server)
    registry = CollectorRegistry()
    odd = Counter("odd_total", "Labels\nthat are\\written with care.", ["label"], registry=registry)
    for number, label in enumerate(['a"b', "a\\b", "a\nb", "a,b={}", "", "ä 1"]):
        odd.labels(label=label).inc(number + 0.5)
    for exposition in (server.client.get("/metrics").text, generate_latest(registry).decode()):
        expected = {
            (sample.name, tuple(sorted(sample.labels.items())), sample.value)
            for family in text_string_to_metric_families(exposition)
            for sample in family.samples
        }
        assert {name for name, _, _ in expected}
        assert parsed(tab, exposition) == expected


@pytest.mark.parametrize(
    ("seconds", "share", "expected"),
    [
        ([], 0.5, None),
        ([0.5] * 10, 0.5, 0.5),  # the middle of the bucket from 0 to 1
        ([0.5] * 10, 0.95, 0.95),
        ([0.5] * 6 + [1.5] * 4, 0.5, 5 / 6),
        ([0.5] * 6 + [1.5] * 4, 0.8, 1.5),
        ([3.0] * 3, 0.5, 3.0),  # the middle of the bucket from 2 to 4
        ([9.0] * 3, 0.5, "Infinity"),
    ],
)
def test_a_quantile_is_estimated_as_prometheus_does(
    seconds: list[float], share: float, expected: float | str | None, tab: Tab, server: Served
) -> None:
    show(tab, server)
    registry = CollectorRegistry()
    histogram = Histogram("taken_seconds", "Time.", buckets=(1.0, 2.0, 4.0), registry=registry)
    for each in seconds:
        histogram.observe(each)
    exposition = json.dumps(generate_latest(registry).decode())
    estimate = f"it.quantileOf(it.parseMetrics({exposition}), 'taken_seconds', {share})"
    found = tab.run(in_module("prometheus.js", f"{estimate} === Infinity ? 'Infinity' : {estimate}"))
    assert found == (pytest.approx(expected) if isinstance(expected, float) else expected)


def test_between_two_readings_counters_grow_or_begin_anew_and_other_values_are_as_they_are(
    tab: Tab, server: Served
) -> None:
    show(tab, server)
    before = 'a_total{x="1"} 5\nb_total 9\ndepth 4\n'
    now = 'a_total{x="1"} 7\na_total{x="2"} 1\nb_total 2\ndepth 3\n'
    script = (
        f"((changes) => [it.valueOf(changes, 'a_total', {{ x: '1' }}), it.valueOf(changes, 'a_total'), "
        f"it.valueOf(changes, 'b_total'), it.valueOf(changes, 'depth'), it.valueOf(changes, 'nothing')])"
        f"(it.difference(it.parseMetrics({json.dumps(now)}), it.parseMetrics({json.dumps(before)})))"
    )
    assert tab.run(in_module("prometheus.js", script)) == [2, 3, 2, 3, None]


def test_what_runs_and_how_it_does_is_shown(tab: Tab, server: Served) -> None:
    show(tab, server, "", f"{READ} && document.querySelectorAll('#facts dt').length >= 7")
    assert text(tab, "#service") == "Ready"
    facts = text(tab, "#facts")
    ready = server.client.get("/health/ready").json()
    for fact in ("Release", "Up for", "Memory", ready["device"], ready["network"]["family"], "not trained"):
        assert fact in facts

    answers = table(tab, "#answers")
    assert {status: cells[:2] for status, cells in answers.items()} == {
        "localized": ["3", "75 %"],
        "uncertain": ["1", "25 %"],
        "not found": ["0", "0 %"],
        "no candidates": ["0", "0 %"],
        "uncalibrated": ["0", "0 %"],
    }
    stages = table(tab, "#stages")
    counts = scrape(server)
    ran = [stage for stage in Stage if value(counts, "placefix_stage_duration_seconds_count", stage=stage) > 0]
    assert len(ran) >= 6
    assert list(stages) == ["whole request", "upload", *ran]
    assert all(re.fullmatch(r"[\d.]+ m?s", cell) for cells in stages.values() for cell in cells)
    assert "0 of 64 pictures" in text(tab, "#queue")
    assert "0 of 128 questions" in text(tab, "#queue")
    assert table(tab, "#problems")["not_an_image picture refused"][0] == "1"
    assert tab.run("document.querySelector('#queue [role=meter]').getAttribute('aria-valuetext')") == "0 of 64 pictures"


def test_every_map_stands_with_its_versions_and_its_calibration(tab: Tab, server: Served) -> None:
    show(tab, server)
    cards = tab.run("[...document.querySelectorAll('.map')].map((each) => each.innerText)")
    assert len(cards) == len(server.client.get("/maps").json()["maps"])
    by_name = {card.split("\n")[0]: card for card in cards}
    assert "calibrated" in by_name["localized"]
    assert "not calibrated" in by_name["uncalibrated"]
    assert "add 93 more" in by_name["uncalibrated"]
    assert "selavpr · re-ranked by mutual-matches · weights: licence not known" in by_name["town"]
    assert "not calibrated" not in by_name["localized"]
    assert [word in by_name["town"] for word in ("000001", "000002", "served", "build", "add", "Serve")] == [True] * 6


@pytest.mark.parametrize(
    ("reranker", "licence", "line"),
    [
        ("superglue", "non-commercial research only", "re-ranked by superglue · weights: non-commercial research only"),
        (None, "MIT", "not re-ranked · weights: MIT"),
    ],
)
def test_the_licence_of_the_weights_is_stated(
    reranker: str | None, licence: str, line: str, tab: Tab, server: Served
) -> None:
    show(tab, server)
    told = {
        "name": "a map",
        "version": "000001",
        "pictures": 3,
        "is_damaged": False,
        "network": {"family": "a family"},
        "reranker": reranker,
        "weights_licence": licence,
        "calibration": None,
        "calibration_advice": None,
        "versions": [],
    }
    card = in_module("status_maps.js", f"it.mapCard({json.dumps(told)}).querySelector('.by').textContent")
    assert tab.run(card) == f"a family · {line}"


def test_it_reads_on_while_it_is_seen_and_stops_while_it_is_hidden(tab: Tab, server: Served) -> None:
    tab.call("Page.addScriptToEvaluateOnNewDocument", source=BY_HAND)
    show(tab, server, "", f"{READ} && {WAITS}")
    assert tab.run("window.asked") == 1
    tab.run(RUN_TIMERS)
    tab.wait_for(f"window.asked === 2 && {WAITS}")
    tab.run("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    tab.run(RUN_TIMERS)
    assert not tab.run(WAITS)
    assert tab.run("window.asked") == 2
    tab.run("Object.defineProperty(document, 'hidden', { value: false, configurable: true })")
    tab.run("document.dispatchEvent(new Event('visibilitychange'))")
    tab.wait_for(f"window.asked === 3 && {WAITS}")


def test_the_last_minutes_are_what_came_between_two_readings(tab: Tab, town: Town, serve: Serve) -> None:
    served = serve(town)
    content = town.photos["100%.jpg"].read_bytes()
    served.client.post("/localize", content=content)
    tab.call("Page.addScriptToEvaluateOnNewDocument", source=BY_HAND)
    show(tab, served, "#span=recent", f"{READ} && {WAITS}")
    assert text(tab, "#span-said") == "Known after the next reading."
    assert text(tab, "#answers") == "No questions yet."
    for _ in range(2):
        served.client.post("/localize", content=content)
    tab.run(RUN_TIMERS)
    tab.wait_for("document.querySelector('#answers tbody')")
    rows = table(tab, "#answers")
    assert rows["uncalibrated"][:2] == ["2", "100 %"]
    assert float(rows["uncalibrated"][2].replace(",", "")) > 0  # a minute
    assert rows["localized"] == ["0", "0 %", "0"]
    tab.run("document.getElementById('span-start').click()")
    assert tab.run("location.hash") == ""
    assert table(tab, "#answers")["uncalibrated"][0] == "3"
    tab.run("history.back()")
    tab.wait_for("document.getElementById('span-recent').checked")


def test_an_address_leads_to_a_map(tab: Tab, server: Served) -> None:
    show(tab, server, "#map=town", "document.querySelector('.map.named')")
    assert tab.run("document.querySelector('.map.named').dataset.map") == "town"
    show(tab, server, "#map=nothing", "!document.getElementById('address-wrong').hidden")
    assert "the map nothing is not served here" in text(tab, "#address-wrong")


def test_before_anything_is_asked_it_says_so(tab: Tab, town: Town, serve: Serve) -> None:
    served = serve(town)
    show(tab, served)
    assert text(tab, "#answers") == text(tab, "#stages") == "No questions yet."
    show(tab, served, "#span=recent")
    assert text(tab, "#problems") == "Nothing went wrong."


def test_while_the_service_is_not_ready_it_says_why(tab: Tab, town: Town) -> None:
    with serving(ServiceSettings(maps=(town.map_path,))) as served:
        served.wait_until_ready()
        served.runtime.begin_draining()
        tab.go(f"{served.url}/status")
        tab.wait_for("document.getElementById('service').textContent === 'Not ready'")
        assert text(tab, "#notice")
        tab.wait_for("document.querySelector('#queue [role=meter]')")  # the figures are there even so


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_texts_have_the_contrast_that_weak_eyes_need(is_dark: bool, tab: Tab, server: Served) -> None:
    tab.set_window(*DESKTOP, is_dark=is_dark)
    show(tab, server)
    tab.run(f"{BUTTON}.click()")
    for each in ("notice", "key-needed", "key", "maps-unread", "figures-unread"):
        tab.run(f"document.getElementById('{each}').hidden = false")
    assert tab.run(WEAK_TEXTS) == []


def test_everything_can_be_reached_by_keyboard_and_has_a_name(tab: Tab, server: Served) -> None:
    show(tab, server)
    reached = focused_by_tab(tab)
    assert {"A", "Versions of town", "Serve 000002", "span-start"} <= set(reached)
    assert nameless(tab) == []


def test_nothing_moves_for_those_who_want_no_movement(tab: Tab, server: Served) -> None:
    tab.prefer(is_still=True)
    show(tab, server)
    assert tab.run(MOVING) == 0


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nothing_is_wider_than_the_screen(size: tuple[int, int], tab: Tab, server: Served) -> None:
    tab.set_window(*size, is_phone=size == PHONE)
    show(tab, server)
    tab.run(f"{BUTTON}.click()")
    assert tab.run("document.scrollingElement.scrollWidth") <= size[0]
    wider = "[...document.querySelectorAll('.table-box')].filter((each) => each.scrollWidth > each.clientWidth).length"
    assert tab.run(wider) == 0


def test_the_first_paint_needs_few_bytes(tab: Tab, server: Served) -> None:
    show(tab, server)
    sizes = page_bytes(tab)
    assert {"status.js", "prometheus.js", "status.css"} <= set(sizes)
    assert 0 < sum(sizes.values()) <= FIRST_PAINT_BYTES
    assert not {"leaflet.js", "page.js"} & set(sizes)
