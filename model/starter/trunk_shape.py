"""The shapes of the blocks of an EfficientNet-Lite, from its factors for width and depth."""

from dataclasses import dataclass
from math import ceil

STEM_CHANNELS = 32  # in every size of EfficientNet-Lite
_CHANNEL_STEP = 8
_LEAST_SHARE = 0.9  # least share of the requested channels; a smaller result is rounded up instead


@dataclass(frozen=True)
class BlockShape:
    """Describe the shape of one inverted residual.

    Attributes:
        in_channels: Channels of its input.
        out_channels: Channels of its output.
        kernel_size: Side of the depthwise convolution.
        stride: Divisor of height and width: 1 or 2.
        expansion: Factor on the channels before the depthwise convolution; 1: there is no expanding convolution.
    """

    in_channels: int
    out_channels: int
    kernel_size: int
    stride: int
    expansion: int

    @property
    def expanded_channels(self) -> int:
        """Return the channels of the depthwise convolution."""
        return self.in_channels * self.expansion

    @property
    def has_skip(self) -> bool:
        """Return whether the input is added to the output: whether both have the same shape."""
        return self.stride == 1 and self.in_channels == self.out_channels


@dataclass(frozen=True)
class _Stage:
    repeats: int
    kernel_size: int
    stride: int
    expansion: int
    out_channels: int


# EfficientNet-B0 (Tan and Le 2019, table 1); EfficientNet-Lite leaves out squeeze and excitation.
_STAGES = (
    _Stage(repeats=1, kernel_size=3, stride=1, expansion=1, out_channels=16),
    _Stage(repeats=2, kernel_size=3, stride=2, expansion=6, out_channels=24),
    _Stage(repeats=2, kernel_size=5, stride=2, expansion=6, out_channels=40),
    _Stage(repeats=3, kernel_size=3, stride=2, expansion=6, out_channels=80),
    _Stage(repeats=3, kernel_size=5, stride=1, expansion=6, out_channels=112),
    _Stage(repeats=4, kernel_size=5, stride=2, expansion=6, out_channels=192),
    _Stage(repeats=1, kernel_size=3, stride=1, expansion=6, out_channels=320),
)


def block_shapes(width: float, depth: float) -> tuple[BlockShape, ...]:
    """Return the shapes of all blocks, from the stem to the head.

    Unlike EfficientNet, EfficientNet-Lite does not widen the stem and does not deepen the first and the last stage.

    Args:
        width: Factor on the channels; 1.1 for Lite2.
        depth: Factor on the number of blocks of a stage; 1.2 for Lite2, which has 21 blocks.
    """
    shapes: list[BlockShape] = []
    channels = STEM_CHANNELS
    for number, stage in enumerate(_STAGES):
        is_outermost = number in (0, len(_STAGES) - 1)
        repeats = stage.repeats if is_outermost else ceil(depth * stage.repeats)
        out_channels = _rounded(width * stage.out_channels)
        for repeat in range(repeats):
            stride = stage.stride if repeat == 0 else 1
            shapes.append(BlockShape(channels, out_channels, stage.kernel_size, stride, stage.expansion))
            channels = out_channels
    return tuple(shapes)


def stride_after(shapes: tuple[BlockShape, ...], block: int) -> int:
    """Return the side in pixels that one cell of a block's output covers; 16 after block 11 of Lite2."""
    stride = 2  # the stride of the stem
    for shape in shapes[: block + 1]:
        stride *= shape.stride
    return stride


def _rounded(channels: float) -> int:
    """Return the nearest multiple of 8, or the next one if rounding would lose more than a tenth."""
    nearest = max(_CHANNEL_STEP, int(channels + _CHANNEL_STEP / 2) // _CHANNEL_STEP * _CHANNEL_STEP)
    return nearest if nearest >= _LEAST_SHARE * channels else nearest + _CHANNEL_STEP
