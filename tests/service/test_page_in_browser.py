"""The page in a real browser: headless Chromium, where there is one."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from model.geo import LatLon
from service.samples import Sample
from service.settings import ServiceSettings
from tests.service.browser import Tab
from tests.service.conftest import Served, Town, serving

SAYS = "document.body.textContent.includes"
ALL_CANDIDATES = """
    document.querySelectorAll('li.candidate').length === 10 &&
    [...document.querySelectorAll('.candidate img')].every((each) => each.complete)
"""


@pytest.fixture(scope="module")
def page_server(town: Town, village: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Two maps, and samples: a picture of the town itself, with its true place and with a wrong one; no picture."""
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
    """The page's elements, once an expression says that all have come."""
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
    page = visit(tab, page_server, f"?map=town&sample={quote(sample_id, safe='')}", ALL_CANDIDATES)
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


def test_what_goes_wrong_is_said_in_the_words_of_the_problem(tab: Tab, page_server: Served) -> None:
    page = visit(tab, page_server, "?map=town&sample=no.jpg", f"{SAYS}('Not a picture')")
    assert "<h3>Not a picture</h3>" in page
    assert 'class="candidate' not in page.replace('class="candidates', "")
