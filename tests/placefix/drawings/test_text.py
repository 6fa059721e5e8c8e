"""Text fits where it is written."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from placefix.drawings import text
from placefix.drawings.text import CAPTION_PX, line_px, shorten, width_of, write


def test_what_fits_stays_as_it_is() -> None:
    assert shorten("a street.jpg", 300, CAPTION_PX) == "a street.jpg"
    assert shorten("two\nlines", 300, CAPTION_PX) == "two lines"


def test_what_does_not_fit_loses_its_middle() -> None:
    name = "@0555555.00@6123456.00@33@U@055.698@013.195@a-very-long-name@.jpg"
    shortened = shorten(name, 200, CAPTION_PX)
    assert 100 < width_of(shortened, CAPTION_PX) <= 200
    start, _, end = shortened.partition("…")
    assert start
    assert end
    assert name.startswith(start)
    assert name.endswith(end)


@given(st.text(st.characters(codec="latin-1"), max_size=80), st.integers(20, 400))
def test_a_line_is_never_wider_than_its_place(line: str, width: int) -> None:
    assert width_of(shorten(line, width, CAPTION_PX), CAPTION_PX) <= width


def test_letters_stay_within_their_line_and_are_of_their_colour() -> None:
    image = Image.new("RGB", (300, 60), "white")
    end = write(ImageDraw.Draw(image), (10, 20), "Ågj|", width_px=200, colour=(255, 0, 0))
    inked = Image.eval(image, lambda value: 255 - value).getbbox()
    assert inked is not None
    left, top, right, bottom = inked
    assert left >= 9
    assert top >= 20 - 2
    assert right <= end + 1
    assert bottom <= 20 + line_px(CAPTION_PX)
    colours = image.getcolors()
    assert colours is not None
    assert any(colour == (255, 0, 0) for _, colour in colours)


@pytest.fixture
def _without_system_font(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def forget() -> None:
        text.font.cache_clear()
        text._has_system_font.cache_clear()

    monkeypatch.setattr(text, "_SYSTEM_FONT", "no-such-font.ttf")
    forget()
    yield
    monkeypatch.undo()
    forget()


@pytest.mark.usefixtures("_without_system_font")
def test_without_a_system_font_captions_are_written_in_pillows_own() -> None:
    assert shorten("61 × 61 cells", 400, CAPTION_PX) == "61 x 61 cells"
    image = Image.new("RGB", (200, 30), "white")
    write(ImageDraw.Draw(image), (0, 0), "61 × 61", width_px=200)
    assert len(image.getcolors() or []) > 2
