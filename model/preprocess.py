"""From a picture to the network's input: one definition for training, building and serving."""

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

Filter = Literal["bilinear", "bicubic"]


class Preprocessing(StrEnum):
    """How much of a picture is decoded, and how it is resized; the choice of a person, of which a map records one.

    Attributes:
        ANTIALIAS: Bilinear with antialiasing: what the network saw in training. Large JPEGs are decoded at a fraction
            (``model.jpeg``), which is a part of the resizing.
        OFFICIAL_EVAL: Bilinear without antialiasing, of all pixels: what the published recalls were measured with.
        ANTIALIAS_WHOLE: Bilinear with antialiasing, of all pixels: what maps of formats 1 to 3 call ``antialias``.
    """

    ANTIALIAS = "antialias"
    OFFICIAL_EVAL = "official-eval"
    ANTIALIAS_WHOLE = "antialias-whole"

    @property
    def decodes_whole(self) -> bool:
        """Whether large JPEGs are decoded pixel by pixel, too."""
        return self is not Preprocessing.ANTIALIAS

    @property
    def antialiases(self) -> bool:
        """Whether resizing is antialiased."""
        return self is not Preprocessing.OFFICIAL_EVAL


@dataclass(frozen=True)
class Preparation:
    """What becomes of a picture before a network sees it: all of it is squashed to one size, and scaled.

    A network says what it needs, and a map records it. The defaults are SelaVPR's.

    Attributes:
        height: Of the network's input in pixels.
        width: Likewise.
        mean: Of the three channels, in the range 0 to 1; subtracted.
        std: Of the three channels; divided by, after that.
        filter: How pixels are interpolated.
        preprocessing: How much of a picture is decoded, and whether resizing is antialiased.
    """

    height: int = 224
    width: int = 224
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    filter: Filter = "bilinear"
    preprocessing: Preprocessing = Preprocessing.ANTIALIAS

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    def gives_the_pixels_of(self, other: "Preparation") -> bool:
        """Return whether pictures that are decoded whole become the same numbers by another preparation."""
        own, others = (replace(each, preprocessing=Preprocessing.ANTIALIAS) for each in (self, other))
        return own == others and self.preprocessing.antialiases == other.preprocessing.antialiases


_SELAVPR = Preparation()


def open_for(preparation: Preparation, source: Path | bytes, limits: ImageLimits = DEFAULT_LIMITS) -> Image.Image:
    """Decode a picture as a preparation wants it; see ``model.images.open_image``.

    Args:
        preparation: Says whether a large JPEG is decoded at a fraction.
        source: A file, or the bytes of one.
        limits: What is too large, too small or too long.

    Raises:
        ImageError: The picture cannot be used; its class says why.
    """
    return open_image(source, limits, whole=preparation.preprocessing.decodes_whole)


def preprocess(image: Image.Image, preparation: Preparation = _SELAVPR) -> Tensor:
    """Squash a picture to a network's input size, and scale its channels.

    Args:
        image: Mode RGB, upright (``open_for`` the same preparation).
        preparation: Size, scale and filter; the aspect ratio is not kept. By default SelaVPR's.

    Returns:
        ``(3, height, width)`` float32 on the CPU.
    """
    if image.mode != "RGB":
        raise ValueError(f"expected an RGB picture, got mode {image.mode}")
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(image.height, image.width, 3)
    result = torch.empty(3, *preparation.size)
    # One channel at a time: a picture of 50 megapixels then needs 200 MB of float32 and not 600 MB.
    for channel, (mean, std) in enumerate(zip(preparation.mean, preparation.std, strict=True)):
        plane = pixels[:, :, channel].to(torch.float32).div_(255).sub_(mean).div_(std)
        result[channel] = F.interpolate(
            plane[None, None],
            size=preparation.size,
            mode=preparation.filter,
            align_corners=False,
            antialias=preparation.preprocessing.antialiases,
        )[0, 0]
    return result
