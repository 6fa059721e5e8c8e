"""SuperPoint (DeTone et al., CVPR Workshops 2018): keypoints of a picture, and their descriptors.

The published weights are for non-commercial research only.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.errors import InvalidInput

CELL = 8  # pixels of a side
_CHANNELS = (64, 64, 128, 128)
_HIDDEN = 256
_DIM = 256
_RADIUS = 4  # pixels around a keypoint without another one
_ROUNDS = 2
_LEAST_SCORE = 0.005
PLACE = 3  # numbers beside a descriptor: x and y in pixels, and the score
_BORDER = 4  # pixels without keypoints


@dataclass(frozen=True)
class Keypoints:
    """Hold the keypoints of one picture, strongest first.

    Attributes:
        places: ``(k, 2)`` x and y in pixels.
        scores: ``(k,)``, above 0.005.
        descriptors: ``(k, C)`` of length 1.
        size: Height and width of the picture.
    """

    places: Tensor
    scores: Tensor
    descriptors: Tensor
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.places)


class ConvBlock(nn.Module):
    """Apply two convolutions of 3 × 3 with a ReLU behind each."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv_a = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.conv_b = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """Turn ``(B, in, H, W)`` into ``(B, channels, H, W)``."""
        output: Tensor = self.conv_b(self.conv_a(maps).relu())
        return output.relu()


class Head(nn.Module):
    """Apply a convolution of 3 × 3 with a ReLU, and one of 1 × 1."""

    def __init__(self, out_channels: int) -> None:
        super().__init__()
        self.conv_a = nn.Conv2d(_CHANNELS[-1], _HIDDEN, 3, padding=1)
        self.conv_b = nn.Conv2d(_HIDDEN, out_channels, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Turn ``(B, 128, h, w)`` into ``(B, out, h, w)``."""
        output: Tensor = self.conv_b(self.conv_a(maps).relu())
        return output


class SuperPoint(nn.Module):
    """Find and describe keypoints in grey pictures.

    Attributes:
        last_border: The pixels without keypoints at the lower and the right edge. The code of transformers 5.24 leaves
            0 there by mistake, and the method 4.
    """

    def __init__(self) -> None:
        super().__init__()
        self.last_border = _BORDER
        channels = (1, *_CHANNELS)
        self.blocks = nn.ModuleList(ConvBlock(channels[n], channels[n + 1]) for n in range(len(_CHANNELS)))
        self.score = Head(CELL * CELL + 1)
        self.descriptor = Head(_DIM)

    def forward(self, picture: Tensor, most: int) -> Keypoints:
        """Find the keypoints of one picture; see ``find``."""
        return as_keypoints(*self.find(picture, most), (picture.shape[0], picture.shape[1]))

    def find(self, picture: Tensor, most: int) -> tuple[Tensor, Tensor]:
        """Find the keypoints of one picture, as rows of one number for all pictures.

        Args:
            picture: ``(H, W)``, grey, from 0 to 1; H and W multiples of 8.
            most: The greatest number of keypoints.

        Returns:
            ``(most, C)`` descriptors of length 1, and ``(most, 3)`` x, y and score, strongest first. Rows without a
            keypoint are 0.

        Raises:
            InvalidInput: The picture has another shape.
        """
        size = picture.shape[0], picture.shape[-1]
        if picture.ndim != 2 or not size[0] or not size[1] or size[0] % CELL or size[1] % CELL:
            raise InvalidInput(f"a grey picture must be (H, W) with multiples of {CELL}, not {tuple(picture.shape)}")
        maps = picture[None, None]
        for number, block in enumerate(self.blocks):
            maps = block(maps if number == 0 else F.max_pool2d(maps, 2))
        shares = self.score(maps).softmax(dim=1)[:, :-1]  # the last one says that a cell has no keypoint
        scores = thin_out(F.pixel_shuffle(shares, CELL))[0, 0]
        inside = torch.zeros_like(scores, dtype=torch.bool)
        inside[_BORDER : size[0] - self.last_border, _BORDER : size[1] - self.last_border] = True
        scores = scores.masked_fill(~inside | (scores <= _LEAST_SCORE), 0)
        # Shapes that do not depend on the picture, so that a GPU can record the work once.
        found, order = scores.flatten().sort(descending=True, stable=True)
        found, order = found[:most], order[:most]
        places = torch.stack((order % size[1], order // size[1]), dim=1).to(picture.dtype)
        is_one = (found > 0)[:, None]
        descriptors = sample(F.normalize(self.descriptor(maps), dim=1), places) * is_one
        beside = torch.cat((places, found[:, None]), dim=1) * is_one
        missing = (0, 0, 0, most - len(found))
        return F.pad(descriptors, missing), F.pad(beside, missing)


def as_keypoints(descriptors: Tensor, beside: Tensor, size: tuple[int, int]) -> Keypoints:
    """Return the keypoints of rows.

    Args:
        descriptors: ``(n, C)``.
        beside: ``(n, 3)`` x, y and score, which is 0 in rows without a keypoint.
        size: Height and width of the grey picture.
    """
    is_one = beside[:, 2] > 0
    return Keypoints(beside[is_one, :2], beside[is_one, 2], descriptors[is_one], size)


def thin_out(scores: Tensor) -> Tensor:
    """Return scores ``(B, 1, H, W)`` with 0 wherever a higher one lies within 4 pixels.

    Two further rounds bring back maxima that only suppressed ones hid.
    """
    is_kept = scores == _highest(scores)
    for _ in range(_ROUNDS):
        is_near = _highest(is_kept.to(scores.dtype)) > 0
        rest = scores.masked_fill(is_near, 0)
        is_kept |= (rest == _highest(rest)) & ~is_near
    return scores.masked_fill(~is_kept, 0)


def _highest(maps: Tensor) -> Tensor:
    return F.max_pool2d(maps, 2 * _RADIUS + 1, stride=1, padding=_RADIUS)


def sample(maps: Tensor, places: Tensor) -> Tensor:
    """Return the descriptors of places, bilinear between cells.

    Args:
        maps: ``(1, C, h, w)`` for cells of 8 × 8 pixels.
        places: ``(k, 2)`` x and y in pixels.

    Returns:
        ``(k, C)`` of length 1.
    """
    height, width = maps.shape[2:]
    # -1 at the first cell, 1 at the last one
    at = torch.stack([_between(places[:, n], cells) for n, cells in enumerate((width, height))], dim=1)
    sampled = F.grid_sample(maps, at[None, None], mode="bilinear", align_corners=True)[0, :, 0]
    return F.normalize(sampled, dim=0).T


def _between(pixels: Tensor, cells: int) -> Tensor:
    return (pixels - CELL / 2 + 0.5) / (cells * CELL - CELL / 2 - 0.5) * 2 - 1
