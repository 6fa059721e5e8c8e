"""The pictures of the page in the documents are those that a command makes."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from benchmarks.browser import Browser
from docs.screenshots import IMAGES, SHOTS, Shot, take
from service.samples import Sample
from service.settings import ServiceSettings
from tests.service.conftest import Town, browser, serving, town

__all__ = ["browser", "town"]  # fixtures

MOST_BYTES = 250_000


def test_every_picture_is_there_is_small_and_shows_the_whole_window() -> None:
    assert len({shot.name for shot in SHOTS}) == len(SHOTS)
    for shot in SHOTS:
        path = IMAGES / f"{shot.name}.png"
        assert path.stat().st_size <= MOST_BYTES
        with Image.open(path) as picture:
            assert shot.part is not None or picture.size == shot.size


def test_a_picture_is_taken_of_a_state_that_has_an_address(town: Town, browser: Browser, tmp_path: Path) -> None:
    assert tmp_path
    samples = [Sample("3.jpg", town.photos["a street/3.jpg"], "image/jpeg")]
    with serving(ServiceSettings(maps=(town.map_path,)), samples=samples) as served:
        served.wait_until_ready()
        light, dark = (
            Image.open(BytesIO(take(Shot("x", "sample=3.jpg", (390, 844), is_dark=is_dark), served.url, browser)))
            for is_dark in (False, True)
        )
    assert light.size == dark.size == (390, 844)
    assert brightest(light) > 200
    assert brightest(dark.crop((0, 0, 20, 300))) < 60  # the margin


def brightest(picture: Image.Image) -> int:
    return max(value for value, count in enumerate(picture.convert("L").histogram()) if count > 0)
