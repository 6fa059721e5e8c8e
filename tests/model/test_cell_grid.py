"""Cells lie at the places that follow from the network's arithmetic."""

import numpy as np
import pytest
import torch

from model.cell_grid import CellGrid
from model.encoder import Encoder
from model.selavpr.selavpr import SelaVPR


def test_coarse_cells_lie_in_the_centres_of_their_patches() -> None:
    centres = CellGrid((2, 4), (2, 4)).centres()
    assert centres.tolist() == [[x, y] for y in (0.25, 0.75) for x in (0.125, 0.375, 0.625, 0.875)]


def test_dense_cells_lie_between_the_centres_of_the_first_and_the_last_patch() -> None:
    centres = CellGrid((61, 61), (16, 16)).centres()
    assert centres.shape == (3721, 2)
    assert centres[0].tolist() == [0.5 / 16, 0.5 / 16]
    assert centres[-1].tolist() == pytest.approx([15.5 / 16, 15.5 / 16])
    every_fourth = centres.reshape(61, 61, 2)[::4, ::4].reshape(-1, 2)
    assert every_fourth == pytest.approx(CellGrid((16, 16), (16, 16)).centres())


def test_a_changed_patch_changes_the_dense_cells_around_its_centre(tiny_network: SelaVPR) -> None:
    """The geometry against the up-convolutions themselves."""
    assert tiny_network.local_adaptation is not None
    tokens = torch.zeros(2, 256, tiny_network.config.embed_dim)
    tokens[1, 5 * 16 + 11] = 1.0
    with torch.inference_mode():
        plain, changed = tiny_network.local_adaptation.upsample(tokens, (16, 16))
    rows, columns = (changed - plain).abs().sum(dim=0).nonzero(as_tuple=True)
    centres = CellGrid((61, 61), (16, 16)).centres().reshape(61, 61, 2)[rows, columns]
    assert centres.mean(axis=0) == pytest.approx([11.5 / 16, 5.5 / 16])
    assert np.abs(centres - [11.5 / 16, 5.5 / 16]).max() < 1 / 16


def test_values_spread_between_centres_and_are_constant_outside() -> None:
    spread = CellGrid((1, 2), (1, 2)).spread(torch.tensor([[0.0, 1.0]]), width=8, height=3)
    assert spread.shape == (3, 8)
    assert spread[0].tolist() == pytest.approx([0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])
    assert np.array_equal(spread[0], spread[2])


def test_a_dense_value_appears_at_the_centre_of_its_cell() -> None:
    grid = CellGrid((61, 61), (16, 16))
    values = torch.zeros(61, 61)
    values[20, 44] = 1.0
    spread = grid.spread(values, width=640, height=320)
    row, column = np.unravel_index(spread.argmax(), spread.shape)
    centre = grid.centres().reshape(61, 61, 2)[20, 44]
    assert [(column + 0.5) / 640, (row + 0.5) / 320] == pytest.approx(centre, abs=1 / 320)


def test_an_encoder_knows_where_its_local_features_lie(tiny_encoder: Encoder) -> None:
    assert tiny_encoder.cells == CellGrid((29, 29), (8, 8))
    assert tiny_encoder.cells.cells == tiny_encoder.local_grid
