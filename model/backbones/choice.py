"""The recognition of backbones by the names and shapes of their tensors."""

from typing import Literal

from model.backbones.resnet import NUMBERED, STAGES, ResNet, depth_of
from model.backbones.vgg import VGG16
from model.checkpoint_layout import FileShapes
from model.errors import InvalidInput

BackboneName = Literal["resnet18", "resnet50", "resnet101", "resnet152", "vgg16"]

_PREFIX = "backbone."
NUMBERED_RESNET = tuple((_PREFIX + theirs, _PREFIX + ours) for theirs, ours in NUMBERED)
"""The beginnings of names in a file and here, for a ResNet that is an ``nn.Sequential`` called ``backbone``."""


def make_backbone(name: BackboneName, stages: int = STAGES) -> ResNet | VGG16:
    """Make a backbone of convolutions.

    Args:
        name: Which.
        stages: The number of stages of a ResNet; VGG16 is always complete.
    """
    return VGG16() if name == "vgg16" else ResNet(int(name.removeprefix("resnet")), stages)


def read_resnet(shapes: FileShapes) -> tuple[BackboneName, int]:
    """Read which ResNet the tensors of ``backbone`` make, and how many of its stages there are.

    Raises:
        InvalidInput: The tensors match no known ResNet.
    """
    is_bottleneck = f"{_PREFIX}layer1.0.conv3.weight" in shapes
    blocks = shapes.count(f"{_PREFIX}layer3.")
    depth = depth_of(blocks, is_bottleneck=is_bottleneck)
    stages = STAGES if shapes.count(f"{_PREFIX}layer4.") else STAGES - 1
    names: dict[int | None, BackboneName] = {18: "resnet18", 50: "resnet50", 101: "resnet101", 152: "resnet152"}
    if depth not in names:
        raise InvalidInput(f"no ResNet that is known here has {blocks} blocks in its third stage ({_PREFIX}layer3)")
    return names[depth], stages
