"""From a picture to the network's input: one definition for training, building and serving."""

from enum import StrEnum
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from model.images import DEFAULT_LIMITS, ImageLimits, open_image

INPUT_SIZE = (224, 224)  # height, width
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Preprocessing(StrEnum):
    """How a picture is decoded and resized; a map records it, and its queries are prepared likewise.

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


def open_for(preprocessing: Preprocessing, source: Path | bytes, limits: ImageLimits = DEFAULT_LIMITS) -> Image.Image:
    """Decode a picture as a preprocessing wants it; see ``model.images.open_image``.

    Args:
        preprocessing: Says whether a large JPEG is decoded at a fraction.
        source: A file, or the bytes of one.
        limits: What is too large, too small or too long.

    Raises:
        ImageError: The picture cannot be used; its class says why.
    """
    return open_image(source, limits, whole=preprocessing.decodes_whole)


def preprocess(
    image: Image.Image,
    preprocessing: Preprocessing = Preprocessing.ANTIALIAS,
    size: tuple[int, int] = INPUT_SIZE,
) -> Tensor:
    """Normalises a picture by ImageNet's mean and deviation and squashes it to the network's input size.

    Args:
        image: Mode RGB, upright (``open_for`` the same preprocessing).
        preprocessing: With antialiasing, or as the reference's evaluation does it.
        size: Height and width of the result; the aspect ratio is not kept.

    Returns:
        ``(3, height, width)`` float32 on the CPU.
    """
    if image.mode != "RGB":
        raise ValueError(f"expected an RGB picture, got mode {image.mode}")
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(image.height, image.width, 3)
    result = torch.empty(3, *size)
    # One channel at a time: a picture of 50 megapixels then needs 200 MB of float32 and not 600 MB.
    for channel, (mean, std) in enumerate(zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)):
        plane = pixels[:, :, channel].to(torch.float32).div_(255).sub_(mean).div_(std)
        result[channel] = F.interpolate(
            plane[None, None],
            size=size,
            mode="bilinear",
            align_corners=False,
            antialias=preprocessing.antialiases,
        )[0, 0]
    return result
