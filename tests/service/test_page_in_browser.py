"""The page in a real browser: headless Chromium, where there is one."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from model.geo import LatLon
from service.samples import Sample
from service.settings import ServiceSettings
from tests.service.browser import FLAGS, find_chromium
from tests.service.conftest import Served, Town, serving

VIRTUAL_TIME_MS = 20_000  # passes at once while the page only waits


@pytest.fixture(scope="module")
def chromium() -> str:
    return find_chromium()


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
    settings = ServiceSettings(maps=(town.map_path, village.map_path), rerank=True)
    with serving(settings, samples=samples) as served:
        served.wait_until_ready()
        yield served


def visit(chromium: str, server: Served, query: str, profile: Path) -> str:
    """The page's elements, once it has come to rest."""
    command = [
        chromium,
        *FLAGS,
        "--enable-logging=stderr",
        f"--user-data-dir={profile}",
        f"--virtual-time-budget={VIRTUAL_TIME_MS}",
        "--dump-dom",
        f"http://127.0.0.1:{server.port}/{query}",
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    complaints = [line for line in result.stderr.splitlines() if "CONSOLE" in line and "415" not in line]
    assert complaints == []  # neither an error of a script nor anything that the policy had to refuse
    return result.stdout


def test_the_page_offers_samples_and_maps(chromium: str, page_server: Served, tmp_path: Path) -> None:
    page = visit(chromium, page_server, "", tmp_path)
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
    sample_id: str, verdict: tuple[str, str] | None, chromium: str, page_server: Served, tmp_path: Path
) -> None:
    page = visit(chromium, page_server, f"?map=town&sample={quote(sample_id, safe='')}", tmp_path)
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


def test_what_goes_wrong_is_said_in_the_words_of_the_problem(
    chromium: str, page_server: Served, tmp_path: Path
) -> None:
    page = visit(chromium, page_server, "?map=town&sample=no.jpg", tmp_path)
    assert "<h3>Not a picture</h3>" in page
    assert 'class="candidate' not in page.replace('class="candidates', "")
