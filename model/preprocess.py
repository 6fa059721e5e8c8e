"""From a picture to the network's input: one definition for training, building and serving."""

from enum import StrEnum

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

INPUT_SIZE = (224, 224)  # height, width
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Preprocessing(StrEnum):
    """How a picture is resized; a map records it, and refuses queries that were resized otherwise.

    Attributes:
        ANTIALIAS: Bilinear with antialiasing: what the network saw in training.
        OFFICIAL_EVAL: Bilinear without antialiasing: what the published recalls were measured with.
    """

    ANTIALIAS = "antialias"
    OFFICIAL_EVAL = "official-eval"


def preprocess(
    image: Image.Image,
    preprocessing: Preprocessing = Preprocessing.ANTIALIAS,
    size: tuple[int, int] = INPUT_SIZE,
) -> Tensor:
    """Normalises a picture by ImageNet's mean and deviation and squashes it to the network's input size.

    Args:
        image: Mode RGB, upright (``model.images.open_image``).
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
            antialias=preprocessing is Preprocessing.ANTIALIAS,
        )[0, 0]
    return result
