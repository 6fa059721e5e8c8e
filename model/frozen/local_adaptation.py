"""The local adaptation of a frozen network.

``tests/model/frozen/test_layers.py::test_local_adaptation`` compares it with ``model.selavpr.local_adaptation``.
"""

import torch.nn.functional as F
from torch import Tensor

from model.frozen.target import Target
from model.frozen.up_convolution import FrozenUpConvolution
from model.selavpr.local_adaptation import LocalAdaptation


class FrozenLocalAdaptation:
    """Compute ``model.selavpr.local_adaptation.LocalAdaptation``, with lengths in float32."""

    def __init__(self, adaptation: LocalAdaptation, grid: tuple[int, int], target: Target, pictures: int) -> None:
        self.grid, self.dtype = grid, target.dtype
        cells = pictures * grid[0] * grid[1]
        self.up1 = FrozenUpConvolution(adaptation.up1, target, cells, "relu")
        self.up2 = FrozenUpConvolution(adaptation.up2, target, 4 * cells)

    def __call__(self, patch_tokens: Tensor) -> Tensor:
        """Turn ``(B, height·width, D)`` float32 tokens into ``(B, (4·height - 3)·(4·width - 3), C)`` of length 1."""
        cells = patch_tokens.to(self.dtype).view(len(patch_tokens), *self.grid, -1)
        return F.normalize(self.up2(self.up1(cells)).flatten(1, 2).float(), dim=-1)
