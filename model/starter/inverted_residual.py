"""The block of an EfficientNet-Lite: expand, convolve by channel, project."""

from torch import Tensor, nn

from model.starter.same_convolution import SameConvolution
from model.starter.trunk_shape import BlockShape


class InvertedResidual(nn.Module):
    """Apply a pointwise convolution to more channels, a depthwise one, and a pointwise one back, without a last ReLU.

    The input is added if it has the shape of the output. (MobileNetV2, Sandler et al. 2018, figure 3.)
    """

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        expanded = shape.expanded_channels
        self.expand = SameConvolution(shape.in_channels, expanded, 1) if shape.expansion > 1 else None
        self.depthwise = SameConvolution(expanded, expanded, shape.kernel_size, stride=shape.stride, groups=expanded)
        self.project = SameConvolution(expanded, shape.out_channels, 1, is_rectified=False)
        self.has_skip = shape.has_skip

    def forward(self, maps: Tensor) -> Tensor:
        """Turn ``(B, in, H, W)`` into ``(B, out, ⌈H / stride⌉, ⌈W / stride⌉)``."""
        expanded = maps if self.expand is None else self.expand(maps)
        output: Tensor = self.project(self.depthwise(expanded))
        return output + maps if self.has_skip else output
