"""Colours agree with the legends."""

import numpy as np

from placefix.drawings.colours import heat_colours, place_colour


def test_the_colour_map_is_turbo() -> None:
    known = {0: (48, 18, 59), 30: (70, 102, 221), 100: (63, 246, 138), 191: (251, 129, 34), 255: (122, 4, 3)}
    colours = heat_colours(np.array(list(known)) / 255)
    assert colours.dtype == np.uint8
    assert np.abs(colours.astype(int) - np.array(list(known.values()))).max() <= 2


def test_heat_beyond_the_ends_has_the_colours_of_the_ends() -> None:
    ends = heat_colours(np.array([0.0, 1.0]))
    assert np.array_equal(heat_colours(np.array([-3.0, 7.0])), ends)
    assert heat_colours(np.zeros((4, 5))).shape == (4, 5, 3)


def test_places_far_apart_differ_and_neighbours_look_alike() -> None:
    corners = np.array([place_colour(x, y) for x in (0.0, 1.0) for y in (0.0, 1.0)])
    for row, corner in enumerate(corners):
        assert np.abs(np.delete(corners, row, axis=0) - corner).sum(axis=1).min() > 80
    for x in np.linspace(0, 0.95, 20):
        here, beside = np.array(place_colour(x, 0.5)), np.array(place_colour(x + 1 / 60, 0.5))
        assert 0 < np.abs(here - beside).sum() < 60
    assert max(place_colour(0.4, 0.9)) == 255  # bright at the bottom too
