import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo.rendering import render
from demo.rendering.contact_sheet import contact_sheet
from demo.rendering.renderer import HEIGHT, WIDTH, Renderer
from demo.rendering.shots import CONDITION_SHARES, Condition, Shot, shots_of
from model.errors import InvalidInput
from model.progress import SILENT, Progress


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    try:
        made = Renderer()
    except InvalidInput as missing:
        pytest.skip(f"no OpenGL here: {missing}")
    yield made
    made.close()


@contextmanager
def silently(_what: str) -> Iterator[Progress]:
    yield SILENT


def in_light(condition: Condition) -> Shot:
    return replace(shots_of("val", 1)[0][10], condition=condition)


FEW = tuple(shots[:2] for shots in shots_of("val", 1))


@pytest.fixture
def few_shots(monkeypatch: pytest.MonkeyPatch) -> list[Shot]:
    monkeypatch.setattr(render, "shots_of", lambda _split, _first: FEW)
    return [shot for side in FEW for shot in side]


@pytest.fixture(scope="module")
def rendered(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render the few shots, and return the folder of their split."""
    del renderer  # or the tests are skipped
    out = tmp_path_factory.mktemp("rendered")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "shots_of", lambda _split, _first: FEW)
        assert render.render_split("val", out, silently) == 4
    return out / "val"


def test_a_picture_is_rendered_the_same_again(renderer: Renderer) -> None:
    shot = shots_of("val", 1)[1][5]
    first = renderer.render(shot).copy()
    assert first.shape == (HEIGHT, WIDTH, 3)
    renderer.render(shots_of("val", 2)[1][-1])
    np.testing.assert_array_equal(renderer.render(shot), first)


def test_another_context_renders_the_same(renderer: Renderer) -> None:
    shot = shots_of("val", 1)[1][7]
    other = Renderer()
    try:
        np.testing.assert_array_equal(other.render(shot), renderer.render(shot))
    finally:
        other.close()


def test_the_night_is_dark_and_not_black(renderer: Renderer) -> None:
    day, night = (renderer.render(in_light(condition)).mean() for condition in ("overcast", "night"))
    assert 15 < night < 0.55 * day


def test_conditions_look_different(renderer: Renderer) -> None:
    pictures = [renderer.render(in_light(condition)).astype(int) for condition in CONDITION_SHARES]
    for number, picture in enumerate(pictures):
        for other in pictures[:number]:
            assert np.abs(picture - other).mean() > 5


def test_other_windows_are_lit_on_another_visit(renderer: Renderer) -> None:
    shot = replace(in_light("night"), cars=0, people=0)
    one, other = renderer.render(shot).astype(int), renderer.render(replace(shot, visit=shot.visit + 1)).astype(int)
    assert (np.abs(one - other).max(axis=2) > 60).mean() > 0.004


def test_only_what_is_missing_is_rendered(rendered: Path, tmp_path: Path, few_shots: list[Shot]) -> None:
    folder = Path(shutil.copytree(rendered, tmp_path / "val"))
    before = {shot.path: (folder / shot.path).read_bytes() for shot in few_shots}
    (folder / few_shots[1].path).unlink()
    (folder / few_shots[2].path).unlink()
    assert render.render_split("val", tmp_path, silently) == 2
    assert {shot.path: (folder / shot.path).read_bytes() for shot in few_shots} == before
    assert render.render_split("val", tmp_path, silently) == 0
    assert not list(folder.rglob("*.part"))


def test_the_tables_say_where_each_picture_was_taken(rendered: Path, few_shots: list[Shot]) -> None:
    rows = [row for side in ("database", "queries") for row in render.read_table(rendered / f"{side}.csv")]
    assert [row["path"] for row in rows] == [shot.path for shot in few_shots]
    for row, shot in zip(rows, few_shots, strict=True):
        assert tuple(row) == render.COLUMNS
        assert float(row["latitude"]) == pytest.approx(shot.position.latitude, abs=1e-8)
        with Image.open(rendered / row["path"]) as picture:
            assert picture.size == (WIDTH, HEIGHT)


@pytest.mark.usefixtures("few_shots")
def test_a_folder_of_another_town_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "val").mkdir()
    (tmp_path / "val" / render.STAMP).write_text("other")
    with pytest.raises(InvalidInput, match="Delete it, or choose another folder"):
        render.render_split("val", tmp_path, silently)


def test_an_unknown_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="pretrain, train, val, test"):
        render.render_split("moon", tmp_path, silently)


@pytest.mark.usefixtures("renderer")
def test_a_sheet_shows_every_condition() -> None:
    sheet = contact_sheet("val", places=1)
    assert sheet.width >= WIDTH * (1 + len(CONDITION_SHARES))


def test_two_workers_render_what_one_does(
    rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few_shots: list[Shot]
) -> None:
    monkeypatch.setattr(render, "_CHUNK", 1)
    monkeypatch.setenv("LP_NUM_THREADS", "0")  # so that it is as it was afterwards
    render.render_split("val", tmp_path, silently, workers=2)
    for shot in few_shots:
        assert (rendered / shot.path).read_bytes() == (tmp_path / "val" / shot.path).read_bytes()


def test_without_moderngl_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moderngl", None)
    with pytest.raises(InvalidInput, match=r"placefix\[demo\]"):
        Renderer()
