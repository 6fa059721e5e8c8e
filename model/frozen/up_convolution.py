"""An up-convolution as four matrix products, whose results interleave.

``tests/model/frozen/test_layers.py::test_up_convolution`` compares it with torch's ``nn.ConvTranspose2d``.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from model.frozen.linear import Activation, FrozenLinear
from model.frozen.target import Target

# A kernel of 3 with a stride of 2 computes an even output from one input, by its middle element. It computes an odd
# output from two inputs: by its last element from the one before, by its first element from the one behind.
_MIDDLE: tuple[int, ...] = (1,)
_BOTH_SIDES: tuple[int, ...] = (2, 0)


class FrozenUpConvolution:
    """Compute ``nn.ConvTranspose2d`` with a kernel of 3, a stride of 2, a padding of 1, and an activation.

    The channels of a cell are contiguous in memory, as the products need them and as local features are stored. No
    output is a sum of rounded parts: one row of a product holds all inputs of an output.
    """

    def __init__(
        self, convolution: nn.ConvTranspose2d, target: Target, rows: int, activation: Activation = "none"
    ) -> None:
        weight = convolution.weight  # (in, out, 3, 3)
        self.out_channels = weight.shape[1]
        self.products = {
            (odd_row, odd_column): FrozenLinear(
                torch.cat([weight[:, :, y, x].T for y in _taps(odd_row) for x in _taps(odd_column)], dim=1),
                convolution.bias,
                target,
                rows,
                activation,
            )
            for odd_row in (0, 1)
            for odd_column in (0, 1)
        }

    def __call__(self, cells: Tensor) -> Tensor:
        """Turn ``(B, height, width, in)`` into ``(B, 2·height - 1, 2·width - 1, out)``."""
        batch, height, width, _ = cells.shape
        output = cells.new_empty(batch, 2 * height - 1, 2 * width - 1, self.out_channels)
        for (odd_row, odd_column), product in self.products.items():
            reached = [
                cells[:, rows, columns] for rows in _inputs(odd_row, height) for columns in _inputs(odd_column, width)
            ]
            if reached[0].numel():  # a single row or column has no cells in between
                output[:, odd_row::2, odd_column::2] = product(torch.cat(reached, dim=-1))
        return output


def _taps(odd: int) -> Sequence[int]:
    return _BOTH_SIDES if odd else _MIDDLE


def _inputs(odd: int, count: int) -> Sequence[slice]:
    return (slice(0, count - 1), slice(1, count)) if odd else (slice(0, count),)
