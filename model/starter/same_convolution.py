"""A convolution with TensorFlow's padding, and the normalisation that follows it."""

import torch.nn.functional as F
from torch import Tensor, nn

from model.fixed_norm import FixedNorm

BATCH_NORM_EPS = 1e-3  # TensorFlow's value for EfficientNet, in every normalisation


class SameConvolution(nn.Module):
    """Apply a convolution without a bias, batch normalisation, and ReLU6 if it is requested.

    A side of n pixels becomes ⌈n / stride⌉ for every kernel: TensorFlow's padding ``SAME``. If the number of zeros is
    odd, the additional zero goes to the right and to the bottom; torch's own padding cannot do that.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        groups: int = 1,
        is_rectified: bool = True,
    ) -> None:
        super().__init__()
        # With a stride of 1 and an odd kernel the padding is the same on all sides, and torch's own is faster.
        self.pads_evenly = stride == 1
        self.convolution = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2 if self.pads_evenly else 0,
            groups=groups,
            bias=False,
        )
        self.norm = FixedNorm(out_channels, BATCH_NORM_EPS)
        self.act = nn.ReLU6() if is_rectified else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        """Turn ``(B, C, H, W)`` into ``(B, out_channels, ⌈H / stride⌉, ⌈W / stride⌉)``."""
        if not self.pads_evenly:
            top, bottom = self.zeros(maps.shape[-2])
            left, right = self.zeros(maps.shape[-1])
            maps = F.pad(maps, (left, right, top, bottom))
        output: Tensor = self.act(self.norm(self.convolution(maps)))
        return output

    def zeros(self, side: int) -> tuple[int, int]:
        """Return how many zeros are added before and after a side of n pixels."""
        stride, kernel_size = self.convolution.stride[0], self.convolution.kernel_size[0]
        out_side = -(-side // stride)
        zeros = max(0, (out_side - 1) * stride + kernel_size - side)
        return zeros // 2, zeros - zeros // 2
