"""ResNet (He et al. 2016) without its classifier, with torchvision's names of tensors."""

from torch import Tensor, nn
from torch.nn.functional import relu

from model.fixed_norm import FixedNorm

BATCH_NORM_EPS = 1e-5  # torchvision's value in every normalisation

_STAGE_CHANNELS = (64, 128, 256, 512)
_BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}  # by depth, in each stage
STAGES = len(_STAGE_CHANNELS)

NUMBERED = (
    ("0.", "conv1."),
    ("1.", "bn1."),
    *((f"{number}.", f"layer{number - 3}.") for number in range(4, 8)),
)
"""The beginnings of the names of a ResNet inside an ``nn.Sequential``, and the beginnings of the names here."""


def depth_of(blocks_of_stage_3: int, *, is_bottleneck: bool) -> int | None:
    """Return the depth of the ResNet with a number of blocks in its third stage; None if there is none."""
    found = (depth for depth, blocks in _BLOCKS.items() if blocks[2] == blocks_of_stage_3)
    return next((depth for depth in found if (depth > 18) == is_bottleneck), None)


class BasicBlock(nn.Module):
    """Add two 3 × 3 convolutions to a skip, for ResNet18."""

    expansion = 1

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False)
        self.bn1 = FixedNorm(channels, BATCH_NORM_EPS)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = FixedNorm(channels, BATCH_NORM_EPS)
        self.downsample = _skip(in_channels, channels, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """Turn ``(B, in, H, W)`` into ``(B, out, ⌈H / stride⌉, ⌈W / stride⌉)``."""
        skipped = maps if self.downsample is None else self.downsample(maps)
        output = relu(self.bn1(self.conv1(maps)))
        return relu(self.bn2(self.conv2(output)) + skipped)


class Bottleneck(nn.Module):
    """Add a 3 × 3 convolution, which has the stride, between two 1 × 1 convolutions to a skip."""

    expansion = 4

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        out_channels = channels * self.expansion
        self.conv1 = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.bn1 = FixedNorm(channels, BATCH_NORM_EPS)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, padding=1, bias=False)
        self.bn2 = FixedNorm(channels, BATCH_NORM_EPS)
        self.conv3 = nn.Conv2d(channels, out_channels, 1, bias=False)
        self.bn3 = FixedNorm(out_channels, BATCH_NORM_EPS)
        self.downsample = _skip(in_channels, out_channels, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """Turn ``(B, in, H, W)`` into ``(B, out, ⌈H / stride⌉, ⌈W / stride⌉)``."""
        skipped = maps if self.downsample is None else self.downsample(maps)
        output = relu(self.bn1(self.conv1(maps)))
        output = relu(self.bn2(self.conv2(output)))
        return relu(self.bn3(self.conv3(output)) + skipped)


class ResNet(nn.Module):
    """Run a ResNet up to one of its stages.

    Attributes:
        out_channels: The channels of its output.
    """

    def __init__(self, depth: int, stages: int = STAGES) -> None:
        """Make a ResNet with weights to be loaded.

        Args:
            depth: 18, 50, 101 or 152.
            stages: The number of stages: 3 for a stride of 16, 4 for a stride of 32.
        """
        super().__init__()
        kind = BasicBlock if depth == 18 else Bottleneck
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = FixedNorm(64, BATCH_NORM_EPS)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = 64
        self._stages = tuple(f"layer{number}" for number in range(1, stages + 1))
        for number, name in enumerate(self._stages):
            blocks: list[nn.Module] = []
            for block in range(_BLOCKS[depth][number]):
                stride = 2 if number > 0 and block == 0 else 1
                blocks.append(kind(channels, _STAGE_CHANNELS[number], stride))
                channels = _STAGE_CHANNELS[number] * kind.expansion
            self.add_module(name, nn.Sequential(*blocks))
        self.out_channels = channels

    def forward(self, images: Tensor) -> Tensor:
        """Turn pictures ``(B, 3, H, W)`` into a map ``(B, C, ⌈H / stride⌉, ⌈W / stride⌉)``, rectified."""
        maps: Tensor = self.maxpool(relu(self.bn1(self.conv1(images))))
        for name in self._stages:
            maps = self.get_submodule(name)(maps)
        return maps


def _skip(in_channels: int, out_channels: int, stride: int) -> nn.Module | None:
    """Return the convolution that gives a block's input the shape of its output; None if the shapes are equal."""
    if stride == 1 and in_channels == out_channels:
        return None
    convolution = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
    return nn.Sequential(convolution, FixedNorm(out_channels, BATCH_NORM_EPS))
