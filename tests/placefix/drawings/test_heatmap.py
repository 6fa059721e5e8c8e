"""Heat is where the activation is."""

import numpy as np
import pytest
import torch
from PIL import Image

from model.cell_grid import CellGrid
from model.errors import InvalidInput
from placefix.drawings.colours import heat_colours
from placefix.drawings.feature_maps import FeatureMap
from placefix.drawings.heatmap import Heat, draw_heatmap, overlay

GRID = CellGrid((4, 4), (4, 4))


def heat_at(row: int, column: int, *, hot: float = 3.0) -> Heat:
    values = torch.zeros(4, 4, 8)
    values[0, 0] = -1.0
    values[row, column] = hot
    values += torch.tensor([1.0, -1.0] * 4)  # the channels differ, and their mean does not
    return Heat.of(FeatureMap(values.reshape(16, 8), GRID))


def test_heat_is_the_mean_over_the_channels() -> None:
    heat = heat_at(2, 1)
    assert (heat.lowest, heat.highest) == pytest.approx((-1.0, 3.0))
    over = heat.over(width=40, height=80)
    assert over.shape == (80, 40)
    assert over.min() == pytest.approx(0.0, abs=1e-6)
    assert 0.9 < over.max() <= 1
    row, column = np.unravel_index(over.argmax(), over.shape)
    assert abs(row + 0.5 - 2.5 * 20) <= 1
    assert abs(column + 0.5 - 1.5 * 10) <= 1


def test_the_overlay_is_hot_where_the_heat_is_and_the_photo_shows_through() -> None:
    photo = Image.new("RGB", (160, 80), (255, 255, 0))
    photo.paste((0, 0, 0), (80, 0, 160, 80))
    image = np.asarray(overlay(photo, heat_at(1, 3))).astype(int)
    red, blue = heat_colours(np.array([1.0, 0.0])).astype(int)
    black_below = image[int(1.5 * 20), int(3.5 * 40)]
    assert np.abs(black_below - 0.55 * red).max() <= 12
    corner = image[0, 0]  # the coldest cell, over yellow, which is grey 226
    assert np.abs(corner - (0.55 * blue + 0.45 * 226)).max() <= 3


def test_the_panel_shows_the_photo_its_heat_and_the_scale() -> None:
    photo = Image.new("RGB", (300, 200), (10, 200, 30))
    panel = draw_heatmap(photo, heat_at(3, 3), "a title", "a note")
    pixels = np.asarray(panel)
    height = 320  # 480 × 320: the whole width
    top = panel.height - height
    assert np.abs(pixels[top : top + height, :480].astype(int) - (10, 200, 30)).max() <= 1
    scale = pixels[top:, 2 * 488 + 9]
    assert np.array_equal(scale, heat_colours(np.linspace(1, 0, height)))
    assert (pixels[:top] < 128).any()


def test_the_scale_of_a_strip_is_high_enough_for_its_numbers() -> None:
    panel = np.asarray(draw_heatmap(Image.new("RGB", (600, 30)), heat_at(3, 3), "a title", "a note"))
    scale = panel[:, 2 * 488 + 9]
    ends = heat_colours(np.array([1.0, 0.0]))
    [top], [bottom] = ((scale == end).all(axis=1).nonzero()[0][:1] for end in ends)
    assert bottom - top >= 90


def test_a_mean_that_is_the_same_everywhere_is_refused() -> None:
    random = torch.randn(16, 64, generator=torch.Generator().manual_seed(0))
    normalised = torch.nn.functional.layer_norm(random, (64,))
    with pytest.raises(InvalidInput, match="no heat to show"):
        Heat.of(FeatureMap(normalised, GRID))
    with pytest.raises(InvalidInput, match="no heat to show"):
        Heat.of(FeatureMap(torch.ones(16, 64), GRID))
