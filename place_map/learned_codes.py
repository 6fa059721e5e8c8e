"""Codes of local features by a codebook that is learned for a map: a byte stands for several numbers of a feature.

A feature is rotated by an orthogonal matrix, and cut into groups of channels. A byte names the entry of the codebook
that is nearest to the group (Jégou, Douze and Schmid, Product Quantization for Nearest Neighbor Search, 2011). Entries
are whole numbers, so a reader takes them as codes (``model.codes``): they are proportional to the rotated feature. A
query is rotated before it is compared with them, and not rounded; a rotation changes no product of two features.

``place_map.code_learning`` learns codebooks.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from model.codes import as_features

LearnedBits = Literal[1, 2]

ENTRIES: Final = 256
LARGEST_CODE: Final = 127


@dataclass(frozen=True, eq=False)
class LearnedCodes:
    """Hold a rotation and a codebook.

    Attributes:
        rotation: ``(C, C)`` float32, orthogonal; a feature is multiplied by it from the right.
        entries: ``(width, 256, channels of a byte)`` int8, the codes for each value of each byte of a feature. Channels
            beyond C are 0.
        unit: The number that a code of 1 stands for in a feature of length 1.
        cosine: The mean cosine between a feature of the sample and its codes, in (0, 1].
    """

    rotation: NDArray[np.float32]
    entries: NDArray[np.int8]
    unit: float
    cosine: float

    @property
    def width(self) -> int:
        """Return the bytes of a feature."""
        return len(self.entries)

    def rotate(self, features: Tensor) -> Tensor:
        """Rotate features ``(…, C)``, in float32 on their device."""
        return features.float() @ torch.from_numpy(self.rotation).to(features.device)

    def restore(self, codes: Tensor) -> Tensor:
        """Return the features of length 1, not rotated, for which codes ``(…, C)`` stand."""
        return as_features(codes) @ torch.from_numpy(self.rotation).to(codes.device).T

    def encode(self, features: Tensor) -> Tensor:
        """Return the nearest entries of features.

        Args:
            features: ``(…, C)`` float32 of length 1, not rotated.

        Returns:
            ``(…, width)`` uint8, on the same device.
        """
        entries = torch.from_numpy(self.entries).to(features.device).float() * self.unit
        half_squares = entries.square().sum(dim=-1) / 2
        nearest = torch.empty((*features.shape[:-1], self.width), dtype=torch.uint8, device=features.device)
        if not nearest.numel():
            return nearest
        channels, in_byte = features.shape[-1], entries.shape[-1]
        pictures = features.reshape(-1, *features.shape[-2:]), nearest.view(-1, *nearest.shape[-2:])
        # One picture at a time: products of the same shape are rounded alike, so codes do not depend on the batch.
        for picture, of_picture in zip(*pictures, strict=True):
            groups = pad(self.rotate(picture), (0, self.width * in_byte - channels)).view(-1, self.width, in_byte)
            for place in range(self.width):
                # The nearest has the greatest product less half of its squared length.
                scores = torch.addmm(-half_squares[place], groups[:, place], entries[place].T)
                of_picture[:, place] = scores.argmax(dim=1)
        return nearest

    def decode(self, stored: NDArray[np.uint8], out: NDArray[np.int8]) -> None:
        """Write the codes of stored features.

        Args:
            stored: ``(…, width)``.
            out: ``(…, C)``, contiguous; the result is written to it.
        """
        if not out.size:
            return
        places = stored + ENTRIES * np.arange(self.width)
        in_byte = self.entries.shape[-1]
        if out.shape[-1] % in_byte:
            codes = self.entries.reshape(-1, in_byte)[places]
            out[...] = codes.reshape(*stored.shape[:-1], -1)[..., : out.shape[-1]]
        else:  # the codes of a byte are adjacent, and are copied together as one wide number
            wide = self.entries.view(f"u{in_byte}").reshape(-1)
            np.take(wide, places, out=out.view(wide.dtype), mode="clip")  # in range, and this mode does not check


def learned_width(channels: int, bits: LearnedBits) -> int:
    """Return the bytes of a feature of C channels."""
    return -(-channels * bits // 8)
