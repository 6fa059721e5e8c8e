"""The page in a real browser: headless Chromium, where there is one."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from benchmarks.browser import Tab
from model.geo import LatLon
from service.samples import Sample
from service.settings import ServiceSettings
from tests.service.conftest import Served, Town, serving

SAYS = "document.body.textContent.includes"
ALL_CANDIDATES = """
    document.querySelectorAll('li.candidate').length === 10 &&
    [...document.querySelectorAll('.candidate img')].every((each) => each.complete)
"""


@pytest.fixture(scope="module")
def page_server(town: Town, village: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve two maps, and samples: a picture of the town itself, with its true place and a wrong one; no picture."""
    place_id = "a street/3.jpg"
    position, photo = town.positions[place_id], town.photos[place_id]
    no_picture = tmp_path_factory.mktemp("samples") / "no.jpg"
    no_picture.write_text("<b>not a picture</b>")
    samples = (
        Sample("right/<b>1.jpg", photo, "image/jpeg", position, condition="<i>night</i>"),
        Sample("wrong.jpg", photo, "image/jpeg", LatLon(position.latitude + 0.001, position.longitude)),
        Sample("unknown.jpg", photo, "image/jpeg"),
        Sample("no.jpg", no_picture, "image/jpeg"),
    )
    settings = ServiceSettings(maps=(town.map_path, village.map_path), rerank="always")
    with serving(settings, samples=samples) as served:
        served.wait_until_ready()
        yield served


def visit(tab: Tab, server: Served, query: str, is_complete: str) -> str:
    """Return the page's elements, once an expression says that all have come."""
    tab.go(f"http://127.0.0.1:{server.port}/{query}")
    tab.wait_for(is_complete)
    page = str(tab.run("document.documentElement.outerHTML"))
    complaints = [each for each in tab.complaints if "415" not in each]
    assert complaints == []  # neither an error of a script nor anything that the policy had to refuse
    return page


def test_the_page_offers_samples_and_maps(tab: Tab, page_server: Served) -> None:
    said = "document.body.textContent.includes"
    page = visit(
        tab, page_server, "", f"{said}('2 maps') && {said}('is not trained') && document.querySelector('.sample')"
    )
    assert page.count('class="sample"') == 4
    assert "2 maps · 15 pictures · CPU" in page
    assert '<option value="town">' in page
    assert "is not trained for places" in page
    assert "<b>1.jpg" not in page  # ids are text
    assert "<i>night" not in page


@pytest.mark.parametrize(
    ("sample_id", "verdict"),
    [
        ("right/<b>1.jpg", ("truth right", "0 m from where it was taken")),
        ("wrong.jpg", ("truth wrong", "111 m from where it was taken")),
        ("unknown.jpg", None),
    ],
)
def test_a_sample_is_answered_with_place_plan_time_and_candidates(
    sample_id: str, verdict: tuple[str, str] | None, tab: Tab, page_server: Served
) -> None:
    page = visit(tab, page_server, f"#map=town&sample={quote(sample_id, safe='')}", ALL_CANDIDATES)
    assert "55.70300° N" in page
    assert "13.19400° E" in page
    assert len(re.findall(r'<li class="candidate', page)) == 10
    assert page.count('class="lacking"') == 0  # every thumbnail has come
    assert 'title="a street/3.jpg"' in page
    assert 'class="spot best"' in page
    assert re.search(r"rerank [\d.]+ m?s", page)
    if verdict is None:
        assert "from where it was taken" not in page
    else:
        assert f'class="{verdict[0]}"' in page
        assert verdict[1] in page


@pytest.fixture(scope="module")
def judged_server(judged_towns: dict[str, Town], town: Town) -> Iterator[Served]:
    """Serve a map for each status, and a picture of the town to ask with."""
    place_id = "a street/3.jpg"
    samples = (Sample("3.jpg", town.photos[place_id], "image/jpeg", town.positions[place_id]),)
    maps = tuple(each.map_path for each in judged_towns.values())
    with serving(ServiceSettings(maps=maps, rerank="always"), samples=samples) as served:
        served.wait_until_ready()
        yield served


POSITION = "55.70300° N"
RIGHT = "{} of 100 answers like this are right."
CIRCLE = '<path class="radius'


@pytest.mark.parametrize(
    ("status", "says", "lacks"),
    [
        (
            "localized",
            [
                "Found here",
                RIGHT.format(98),
                "Within 13 m in 95 of 100 answers",
                CIRCLE,
                POSITION,
            ],
            ["parts match", "calibrate", "The most similar pictures"],
        ),
        (
            "uncertain",
            [
                "Perhaps here",
                RIGHT.format(60),
                "parts match, and",
                "Within 38 m",
                CIRCLE,
                POSITION,
            ],
            ["calibrate"],
        ),
        (
            "not_found",
            ["Not in this map", RIGHT.format(10), "Too little speaks for any", "Most alike"],
            [CIRCLE, POSITION, "Within 38 m", "Copy"],
        ),
        (
            "uncalibrated",
            ["Best match", "This map cannot say how sure it is.", "add 93 more, or give placefix calibrate", POSITION],
            [CIRCLE, "answers like this", 'class="meter"'],
        ),
    ],
)
def test_every_status_is_shown_as_what_it_is(
    status: str, says: list[str], lacks: list[str], tab: Tab, judged_server: Served
) -> None:
    page = visit(tab, judged_server, f"#map={status}&sample=3.jpg", ALL_CANDIDATES)
    body = page[page.index('id="answer-body"') : page.index('<details class="raw"')]
    assert f'data-status="{status}"' in page
    for each in says:
        assert each in body
    for each in lacks:
        assert each not in body
    grey = "getComputedStyle(document.querySelector('.candidate img')).filter.startsWith('grayscale')"
    assert tab.run(grey) is (status == "not_found")
    near = "The most similar picture is 0 m from where it was taken" if status == "not_found" else "0 m from where"
    assert near in body


RIVALS = """
    import(document.querySelector("script[type=module]").src.replace("page.js", "trust.js"))
    .then(({ trustOf }) => trustOf({
      status: "uncertain", confidence: 0.004,
      evidence: { compared: 3, matches: 100, rival_matches: %s },
      candidates: [[0, 100], [0.0001, 70], [0.001, 70], [0.01, 20]].map(([latitude, mutual_matches]) =>
        ({ latitude, longitude: 0, mutual_matches })),
    }))
"""


@pytest.mark.parametrize(
    ("rival_matches", "why"),
    [
        (70, "A place 111 m away matches nearly as well: in 70 parts against 100."),
        (60, "Another place matches nearly as well: in 60 parts against 100."),  # it is not among the candidates
        (20, "100 parts match, and 20 match another place: too few to be sure."),
    ],
)
def test_it_is_said_why_an_answer_is_uncertain(rival_matches: int, why: str, tab: Tab, judged_server: Served) -> None:
    visit(tab, judged_server, "", "document.querySelector('.sample')")
    said = tab.run(RIVALS % rival_matches)
    assert said == {
        "headline": "Perhaps here",
        "sentence": "Fewer than 1 of 100 answers like this is right.",
        "why": why,
    }


def test_another_question_is_shown_in_its_own_tone(tab: Tab, judged_server: Served) -> None:
    visit(tab, judged_server, "#map=not_found&sample=3.jpg", ALL_CANDIDATES)
    tab.run("document.getElementById('map').value = 'localized'")
    tab.run("document.getElementById('map').dispatchEvent(new Event('change'))")
    tab.wait_for("document.getElementById('answer-body').dataset.status === 'localized'")
    tab.wait_for(f"{SAYS}('Found here')")
    assert tab.complaints == []


def test_what_goes_wrong_is_said_in_the_words_of_the_problem(tab: Tab, page_server: Served) -> None:
    page = visit(tab, page_server, "#map=town&sample=no.jpg", f"{SAYS}('Not a picture')")
    assert "<h3>Not a picture</h3>" in page
    assert 'class="candidate' not in page.replace('class="candidates', "")
