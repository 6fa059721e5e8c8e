"""The features of a batch of pictures."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class CellMap:
    """Hold the last map of a network before it pools, of a batch of B pictures.

    Attributes:
        values: ``(B, N, C)`` float32, cells in row-major order, not normalised.
        grid: ``(height, width)`` of the cells, so that N = height × width.
    """

    values: Tensor
    grid: tuple[int, int]


@dataclass(frozen=True)
class Features:
    """Hold the features of a batch of B pictures.

    Attributes:
        global_features: ``(B, D)`` float32; each row has Euclidean length 1. D = 1024 for ViT-L/14.
        local_features: ``(B, N, C)`` float32; each of the N rows of a picture has Euclidean length 1. The N cells of
            ``local_grid`` are in row-major order. N = 3721 = 61 × 61 and C = 128 for 224 × 224 pixels.
        local_grid: ``(height, width)`` of the local features, so that N = height × width.
        local_extras: ``(B, N, E)`` float32, the numbers beside each local feature that the method's re-ranker needs;
            None if it needs none.
    """

    global_features: Tensor
    local_features: Tensor
    local_grid: tuple[int, int]
    local_extras: Tensor | None = None

    def __post_init__(self) -> None:
        height, width = self.local_grid
        if self.global_features.ndim != 2 or self.local_features.ndim != 3:
            raise ValueError(
                f"features must be (B, D) and (B, N, C), not {tuple(self.global_features.shape)} "
                f"and {tuple(self.local_features.shape)}"
            )
        if self.local_features.shape[1] != height * width:
            raise ValueError(f"{self.local_features.shape[1]} local features are not {height} × {width}")

    def __len__(self) -> int:
        return int(self.global_features.shape[0])

    def __getitem__(self, rows: slice) -> "Features":
        extras = None if self.local_extras is None else self.local_extras[rows]
        return Features(self.global_features[rows], self.local_features[rows], self.local_grid, extras)

    def to(self, device: torch.device | str) -> "Features":
        """Return the same features on another device."""
        extras = None if self.local_extras is None else self.local_extras.to(device)
        return Features(self.global_features.to(device), self.local_features.to(device), self.local_grid, extras)
