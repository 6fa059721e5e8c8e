"""The part of the page that shows why a place is the answer, in headless Chromium."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

import pytest
from PIL import Image

from benchmarks.browser import Tab
from service.samples import Sample
from service.settings import ServiceSettings
from service.words import MOST_PAIRS
from tests.service.conftest import Served, Town, serving

DRAWN = """
    document.querySelectorAll('.match-lines .line').length > 0
    && document.querySelector('.match-pair canvas').width !== 300
    && document.querySelector('.match-pair img').complete
"""
FEW = 60
_TOLD = "JSON.parse(document.querySelector('.raw pre').textContent).matches"


@pytest.fixture(scope="module")
def server(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve the town, a picture of it to ask with, and the same as a portrait that its EXIF turns."""
    folder = tmp_path_factory.mktemp("samples")
    photo = town.photos["a street/3.jpg"]
    samples = (
        Sample("own.jpg", photo, "image/jpeg", town.positions["a street/3.jpg"]),
        Sample("turned.png", turned(photo, folder / "turned.png"), "image/png"),
    )
    settings = ServiceSettings(maps=(town.map_path,), rerank="always")
    with serving(settings, samples=samples) as served:
        served.wait_until_ready()
        yield served


def turned(photo: Path, path: Path) -> Path:
    """Write a portrait, stored as a landscape that needs a turn."""
    exif, buffer = Image.Exif(), BytesIO()
    exif[0x0112] = 6
    with Image.open(photo) as picture:
        portrait = picture.convert("RGB").resize((240, 400))
    portrait.transpose(Image.Transpose.ROTATE_90).save(buffer, "PNG", exif=exif)
    path.write_bytes(buffer.getvalue())
    return path


def show(tab: Tab, server: Served, address: str) -> None:
    tab.go("about:blank")
    tab.go(f"{server.url}/#{address}")
    tab.wait_for(DRAWN)
    assert tab.complaints == []


def count(tab: Tab, selector: str) -> int:
    return int(str(tab.run(f"document.querySelectorAll({selector!r}).length")))


def text(tab: Tab, selector: str) -> str:
    return str(tab.run(f"document.querySelector({selector!r}).textContent"))


def test_parts_that_match_are_joined_by_few_lines_and_by_all_on_demand(tab: Tab, server: Served) -> None:
    show(tab, server, "sample=own.jpg")
    total = int(str(tab.run(f"{_TOLD}.candidates[0].count")))
    assert count(tab, ".match-lines .line") == FEW
    assert text(tab, ".match-count") == f"{FEW} of {total} matching parts"
    tab.run("document.getElementById('all-lines').click()")
    assert count(tab, ".match-lines .line") == MOST_PAIRS
    assert text(tab, ".match-count") == f"{MOST_PAIRS} of {total} matching parts"
    assert "lines=all" in str(tab.run("location.hash"))
    show(tab, server, "sample=own.jpg&lines=all")
    assert count(tab, ".match-lines .line") == MOST_PAIRS


@pytest.mark.parametrize(("size", "is_phone"), [((1280, 900), False), ((390, 844), True)])
@pytest.mark.parametrize("sample", ["own.jpg", "turned.png"])
def test_lines_end_where_the_cells_lie_in_both_pictures(
    sample: str, size: tuple[int, int], is_phone: bool, tab: Tab, server: Served
) -> None:
    tab.set_window(*size, is_phone=is_phone)
    show(tab, server, f"sample={sample}&lines=all")
    worst_px = tab.run(f"""(() => {{
        const {{ grid, candidates: [best] }} = {_TOLD};
        const box = (selector) => document.querySelector(selector).getBoundingClientRect();
        const [photo, picture, svg] = ['.match-pair canvas', '.match-pair img', '.match-lines'].map(box);
        const lines = [...document.querySelectorAll('.match-lines .line')].toReversed();
        const place = (cell) => [grid.x[cell % grid.columns], grid.y[Math.floor(cell / grid.columns)]];
        const at = (circle, name) => Number(circle.getAttribute(name));
        const off = (circle, box, cell) => Math.hypot(
            svg.left + at(circle, 'cx') - box.left - place(cell)[0] * box.width,
            svg.top + at(circle, 'cy') - box.top - place(cell)[1] * box.height,
        );
        return Math.max(...lines.map((line, number) => {{
            const [start, end] = line.querySelectorAll('circle');
            const [query, other] = [best.query_cells[number], best.candidate_cells[number]];
            return Math.max(off(start, photo, query), off(end, picture, other));
        }}));
    }})()""")
    assert float(str(worst_px)) < 0.2
    width, height = tab.run("(({ width, height }) => [width, height])(document.querySelector('.match-pair canvas'))")
    assert (width, height) == ((320, 240) if sample == "own.jpg" else (240, 400))  # upright, as it is looked at


def test_the_best_of_another_place_can_be_looked_at(tab: Tab, server: Served) -> None:
    show(tab, server, "sample=own.jpg")
    assert text(tab, ".match-pair figure:nth-child(2) figcaption") == "a street/3.jpg"
    best, rival = (
        int(str(tab.run(f"{_TOLD}.candidates.filter((each) => each.is_elsewhere === {is_elsewhere})[0].count")))
        for is_elsewhere in ("false", "true")
    )
    assert f"{best} parts of the photo were found again in the best picture, and {rival} in" in text(tab, ".match-why")
    tab.run("document.querySelectorAll('.match-choice input')[1].click()")
    tab.wait_for("document.querySelector('.match-pair img').complete")
    other = str(tab.run(f"{_TOLD}.candidates[1].candidate.id"))
    assert text(tab, ".match-pair figure:nth-child(2) figcaption") == other != "a street/3.jpg"
    assert "with=2" in str(tab.run("location.hash"))
    label = str(tab.run("document.querySelector('.match-lines').getAttribute('aria-label')"))
    assert label.endswith(f"of {other} that match")
    show(tab, server, "sample=own.jpg&with=2")
    assert text(tab, ".match-pair figure:nth-child(2) figcaption") == other


def test_one_answer_and_thumbnails_are_all_that_is_fetched(tab: Tab, server: Served) -> None:
    show(tab, server, "sample=own.jpg&with=2")
    fetched = [str(name) for name in tab.run("performance.getEntriesByType('resource').map(({ name }) => name)")]
    assert len([name for name in fetched if "/localize" in name]) == 1
    paths = [name.split("/places/")[1] for name in fetched if name.endswith("/thumbnail")]
    shown = tab.run("[...document.querySelectorAll('li.candidate')].map(({ title }) => title)")
    assert {unquote(path.removesuffix("/thumbnail")) for path in paths} <= set(map(str, shown))
    assert paths


@pytest.mark.parametrize(
    ("why", "shown"),
    [
        (None, None),
        ("the network has no local features", "Parts that match cannot be shown: the network has no local features."),
    ],
)
def test_an_answer_without_matches_says_why(why: str | None, shown: str | None, tab: Tab, server: Served) -> None:
    tab.go(f"{server.url}/#sample=own.jpg")
    tab.wait_for(DRAWN)
    answer = json.dumps({"matches": None, "without_evidence": why, "position": None})
    made = tab.run(f"""import(document.querySelector('script[type=module]').src.replace('page.js', 'matches.js'))
        .then((it) => it.showMatches({answer})?.querySelector('p').textContent ?? null)""")
    assert made == shown


def test_it_is_shown_on_demand_where_the_network_looked(tab: Tab, server: Served) -> None:
    show(tab, server, "sample=own.jpg")
    assert count(tab, ".veil") == 0
    tab.run("document.getElementById('heat').click()")
    tab.wait_for("document.querySelector('.veil')")
    assert [tab.run(f"document.querySelector('.veil').{side}") for side in ("width", "height")] == [8, 8]
    assert "The bright parts of the photo weighed most" in text(tab, ".match-looked")
    assert "heat=on" in str(tab.run("location.hash"))
    asked = tab.run("performance.getEntriesByType('resource').filter(({ name }) => name.includes('/localize?')).length")
    assert asked == 2
    tab.run("document.getElementById('heat').click()")
    assert tab.run("getComputedStyle(document.querySelector('.veil')).display") == "none"
    assert text(tab, ".match-looked") == ""
    show(tab, server, "sample=own.jpg&heat=on")
    tab.wait_for("document.querySelector('.veil')")
    assert tab.run("getComputedStyle(document.querySelector('.veil')).display") == "block"
