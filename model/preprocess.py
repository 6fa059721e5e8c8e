"""The definition of the network's input for training, building and serving."""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from model.images import DEFAULT_LIMITS, ImageLimits, open_image

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

Filter = Literal["bilinear", "bicubic", "pillow-bilinear", "pillow-bicubic"]

_PILLOW = {"pillow-bilinear": Image.Resampling.BILINEAR, "pillow-bicubic": Image.Resampling.BICUBIC}


class Preprocessing(StrEnum):
    """Name the way of decoding and resizing; the user chooses it, and a map records it.

    Attributes:
        ANTIALIAS: Bilinear with antialiasing, as in training. Large JPEGs are decoded at a fraction (``model.jpeg``),
            which is a part of the resizing.
        OFFICIAL_EVAL: Bilinear without antialiasing, from all pixels, as in the published recalls.
        ANTIALIAS_WHOLE: Bilinear with antialiasing, from all pixels; maps of formats 1 to 3 call it ``antialias``.
    """

    ANTIALIAS = "antialias"
    OFFICIAL_EVAL = "official-eval"
    ANTIALIAS_WHOLE = "antialias-whole"

    @property
    def decodes_whole(self) -> bool:
        """Return whether all pixels of large JPEGs are decoded."""
        return self is not Preprocessing.ANTIALIAS

    @property
    def antialiases(self) -> bool:
        """Return whether resizing is antialiased."""
        return self is not Preprocessing.OFFICIAL_EVAL


@dataclass(frozen=True)
class Preparation:
    """Describe the preparation of a picture for a network: it is resized to one size, and scaled.

    A network states its preparation, and a map records it. The defaults are SelaVPR's.

    Attributes:
        height: The height of the network's input in pixels.
        width: The width of the network's input in pixels.
        mean: The mean of each channel, in the range 0 to 1, which is subtracted.
        std: The deviation of each channel, by which the result is divided.
        filter: The interpolation of pixels. Pillow's filters give whole numbers from 0 to 255, and always antialias.
        preprocessing: The way of decoding and resizing.
    """

    height: int = 224
    width: int = 224
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    filter: Filter = "bilinear"
    preprocessing: Preprocessing = Preprocessing.ANTIALIAS

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width."""
        return self.height, self.width

    @property
    def antialiases(self) -> bool:
        """Return whether resizing is antialiased."""
        return self.filter in _PILLOW or self.preprocessing.antialiases

    def gives_the_pixels_of(self, other: "Preparation") -> bool:
        """Return whether another preparation gives the same numbers for pictures that are decoded whole."""
        own, others = (replace(each, preprocessing=Preprocessing.ANTIALIAS) for each in (self, other))
        return own == others and self.antialiases == other.antialiases


_SELAVPR = Preparation()


def open_for(preparation: Preparation, source: Path | bytes, limits: ImageLimits = DEFAULT_LIMITS) -> Image.Image:
    """Decode a picture for a preparation; see ``model.images.open_image``.

    Args:
        preparation: The preparation, which says whether a large JPEG is decoded at a fraction.
        source: A file, or the bytes of one.
        limits: The limits on the size of the picture.

    Raises:
        ImageError: The picture cannot be used; the class of the error says why.
    """
    return open_image(source, limits, whole=preparation.preprocessing.decodes_whole)


def preprocess(image: Image.Image, preparation: Preparation = _SELAVPR) -> Tensor:
    """Resize a picture to a network's input size, and scale its channels.

    Args:
        image: The upright picture in mode RGB (``open_for`` with the same preparation).
        preparation: The preparation; by default SelaVPR's. The aspect ratio is not kept.

    Returns:
        ``(3, height, width)`` float32 on the CPU.
    """
    if image.mode != "RGB":
        raise ValueError(f"expected an RGB picture, got mode {image.mode}")
    if preparation.filter in _PILLOW:
        image = image.resize((preparation.width, preparation.height), _PILLOW[preparation.filter])
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(image.height, image.width, 3)
    result = torch.empty(3, *preparation.size)
    # One channel at a time, so a picture of 50 megapixels needs 200 MB of float32 instead of 600 MB.
    for channel, (mean, std) in enumerate(zip(preparation.mean, preparation.std, strict=True)):
        plane = pixels[:, :, channel].to(torch.float32).div_(255).sub_(mean).div_(std)
        result[channel] = plane if plane.shape == preparation.size else _resized(plane, preparation)
    return result


def _resized(plane: Tensor, preparation: Preparation) -> Tensor:
    return F.interpolate(
        plane[None, None],
        size=preparation.size,
        mode=preparation.filter,
        align_corners=False,
        antialias=preparation.antialiases,
    )[0, 0]
