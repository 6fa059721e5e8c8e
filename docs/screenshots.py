"""``python -m docs.screenshots``: write the pictures of the page that the documents show.

It builds the demo if it is missing, and serves it. Each picture is a state of the page that has an address.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import numpy as np
import typer
from PIL import Image

from benchmarks.browser import Browser, Tab, started_browser
from benchmarks.load.server import serving
from demo.prepare import DEMO_SHORTLIST, demo_files, prepare_demo
from placefix.console import output_console, run
from placefix.progress import show_progress

IMAGES = Path(__file__).parent / "images"

_DESKTOP, _PHONE = (1280, 900), (390, 844)
_COLOURS = 256  # in a picture
_OWN_COLOURS = 200  # the most frequent ones of the page, which stay as they are; its photos share the others
_LISTED = (
    "document.querySelector('#place-list summary') && "
    "[...document.querySelectorAll('.candidate img, #preview img, .place img')].every((each) => each.complete)"
)
_ANSWERED = (
    f"document.querySelectorAll('li.candidate').length === 10 && document.querySelector('.plan .spot') && {_LISTED}"
)
_READ = (
    "document.querySelector('.map') && document.querySelector('#queue [role=meter]') && "
    "document.querySelector('#answers td') && !document.getElementById('answers').innerText.includes('–')"  # read twice
)
_DRAWN_MS = 600  # until Leaflet has faded in its tiles and marks


@dataclass(frozen=True)
class Shot:
    """Describe a picture of the page.

    Attributes:
        name: The name of its file, without suffix.
        address: The part of the address behind ``#``.
        size: Width and height of the window.
        is_dark: Whether the visitor's system is dark.
        part: A selector of the part of the page to show; None shows the window.
        then: JavaScript to run before.
        path: The path of the page.
        photos: The number of the demo's photos to give to the page before.
    """

    name: str
    address: str
    size: tuple[int, int] = _DESKTOP
    is_dark: bool = False
    part: str | None = None
    then: str = "0"
    path: str = "/"
    photos: int = 0

    @property
    def is_complete(self) -> str:
        """Return an expression of JavaScript that is true once the page is complete."""
        if self.path == "/status":
            return _READ
        return _ANSWERED if "sample=" in self.address else _LISTED


def _sample(name: str) -> str:
    return f"sample={quote(f'queries/{name}.jpg', safe='')}"


_NIGHT = _sample("street-138-query-006-night")
_SUN = _sample("street-136-query-070-sun")
_FOG = _sample("street-137-query-086-fog")
_TO_THE_ANSWER = "document.getElementById('answer').scrollIntoView({ behavior: 'instant' })"
_TO_THE_MATCHES = "document.querySelector('.matches').scrollIntoView({ behavior: 'instant' })"
_VEILED = "new Promise((done) => setInterval(() => document.querySelector('.veil') && done(), 50))"
_TO_THE_HEAT = f"{_VEILED}.then(() => {_TO_THE_MATCHES})"


_PICKED = "street-136-query-070-sun.jpg"
_MANY = "mode=many"
_PICK = f"document.querySelector('.file[title=\"{_PICKED}\"]').click()"
_TO_THE_TABLE = f"{_PICK}, document.getElementById('work').scrollIntoView({{ behavior: 'instant' }})"

SHOTS = (
    Shot("page", _NIGHT),
    Shot("page-dark", _NIGHT, is_dark=True),
    Shot("page-phone", _NIGHT, _PHONE, then=_TO_THE_ANSWER),
    Shot("page-phone-dark", _NIGHT, _PHONE, is_dark=True, then=_TO_THE_ANSWER),
    Shot("page-matches", _FOG, part=".matches", then=_TO_THE_MATCHES),
    Shot("page-matches-dark", f"{_FOG}&with=elsewhere", is_dark=True, part=".matches", then=_TO_THE_MATCHES),
    Shot("page-heat", f"{_SUN}&heat=on", part=".matches", then=_TO_THE_HEAT),
    Shot("page-matches-phone", _FOG, _PHONE, then=_TO_THE_MATCHES),
    Shot("page-places", "view=-48.858600,-123.400000,19&place=-48.85862417,-123.40000286"),
    Shot("many", _MANY, then=_PICK, photos=12),
    Shot("many-dark", _MANY, is_dark=True, then=_PICK, photos=12),
    Shot("many-phone", _MANY, _PHONE, then=_TO_THE_TABLE, photos=12),
    Shot("many-phone-dark", _MANY, _PHONE, is_dark=True, then=_TO_THE_TABLE, photos=12),
    Shot("answer-localized", _SUN, part=".overview"),
    Shot("answer-uncertain", _FOG, part=".overview"),
    Shot("answer-not-found", _sample("street-136-query-040-night"), part=".overview"),
    # The last ones, because they count the questions of the others.
    Shot("status", "", path="/status"),
    Shot("status-dark", "", is_dark=True, path="/status"),
    Shot("status-phone", "", _PHONE, path="/status"),
    Shot("status-phone-dark", "", _PHONE, is_dark=True, path="/status"),
)


def screenshots(
    only: Annotated[list[str] | None, typer.Option(help="The name of one; repeat it for several.")] = None,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = IMAGES,
    served: Annotated[Path, typer.Option(help="The folder of the demo, which is built if it does not exist.")] = Path(
        ".served"
    ),
) -> None:
    """Write the pictures of the page, or some of them."""
    prepare_demo(served, show_progress)
    demo = demo_files(served)
    settings = {"weights": demo.weights, "samples": demo.samples, "shortlist": DEMO_SHORTLIST, "browse": "on"}
    with (
        serving(demo.map, None, {name: str(value) for name, value in settings.items()}) as server,
        tempfile.TemporaryDirectory() as profile,
        started_browser(Path(profile)) as browser,
    ):
        for shot in SHOTS:
            if only is None or shot.name in only:
                path = out / f"{shot.name}.png"
                path.write_bytes(take(shot, server.url, browser, demo.samples / "queries"))
                output_console().print(f"{path}: {path.stat().st_size // 1000} kB", soft_wrap=True)


def take(shot: Shot, url: str, browser: Browser, photos: Path | None = None) -> bytes:
    """Take a picture of a page that is served, as a small PNG; photos that are given come from a folder."""
    with browser.opened_tab() as tab:
        tab.set_window(*shot.size, is_phone=shot.size == _PHONE, is_dark=shot.is_dark)
        tab.go(f"{url}{shot.path}#{shot.address}")
        tab.wait_for(shot.is_complete)
        if shot.photos > 0 and photos is not None:
            _give(tab, sorted(photos.iterdir()), shot.photos)
        else:
            _let_settle(tab)
        tab.run(shot.then)
        if shot.photos > 0:
            tab.wait_for(_ANSWERED)
            _let_settle(tab)
        with Image.open(BytesIO(tab.picture())) as whole:
            picture = whole.convert("RGB")
        if shot.part is not None:
            box = f"document.querySelector({shot.part!r}).getBoundingClientRect()"
            left, top, right, bottom = tab.run(
                f"(({{ left, top, right, bottom }}) => [left, top, right, bottom])({box})"
            )
            picture = picture.crop((left, top, right, bottom))
    small = BytesIO()
    picture.quantize(palette=_palette(picture), dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()


def _give(tab: Tab, photos: Sequence[Path], count: int) -> None:
    """Give some photos to the page, from all over the folder, and wait for their answers."""
    tab.wait_for("document.querySelector('#prior button')")
    tab.give_files("#file", photos[:: len(photos) // count][:count])
    tab.wait_for(f"document.querySelector('.done')?.textContent === '{count} of {count} done'")
    tab.wait_for("[...document.querySelectorAll('.task canvas')].every(({ width }) => width > 4)")


def _let_settle(tab: Tab) -> None:
    tab.run(f"new Promise((done) => setTimeout(done, {_DRAWN_MS}))")


def _palette(picture: Image.Image) -> Image.Image:
    own = np.unique(np.asarray(picture).reshape(-1, 3), axis=0, return_counts=True)
    kept = own[0][np.argsort(-own[1], kind="stable")[:_OWN_COLOURS]]
    shared = picture.quantize(_COLOURS - len(kept)).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*kept.ravel().tolist(), *shared])
    return palette


if __name__ == "__main__":
    app = typer.Typer()
    app.command()(screenshots)
    run(app)
