"""A convolution with its normalisation, its activation and a sum folded in.

``tests/model/frozen/test_starter.py::test_a_convolution_is_folded`` compares it with
``model.starter.same_convolution``.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.frozen.target import Target
from model.starter.same_convolution import BATCH_NORM_EPS, SameConvolution

_MOST = 6.0  # the limit of ReLU6
_DILATION = (1, 1)


class FrozenConvolution:
    """Compute ``min(max(weight * maps + bias, 0), 6)``, or without the limits; the channels of a pixel are contiguous.

    On a CPU oneDNN computes the product, with weights in blocks that fit the registers; activation and addition happen
    before a sum leaves the registers. Torch's compiler emits the same operators; torch is pinned exactly.

    Attributes:
        output_size: Height and width of the output for maps of the size that was named.
    """

    def __init__(self, layer: SameConvolution, target: Target, pictures: int, size: tuple[int, int]) -> None:
        """Fold the normalisation into the weights in float64, so that they are rounded once; pack them.

        Args:
            layer: The layer, which is not changed.
            target: The device and arithmetic.
            pictures: The number of pictures: a hint for the layout; other numbers also work.
            size: Height and width of the maps: a hint, too.
        """
        norm, convolution = layer.norm, layer.convolution
        factors = norm.weight.double() / torch.sqrt(norm.running_var.double() + BATCH_NORM_EPS)
        weight = convolution.weight.double() * factors[:, None, None, None]
        self._weight = target.place(weight).contiguous(memory_format=torch.channels_last)
        self._bias = target.place(norm.bias.double() - norm.running_mean.double() * factors)
        self._zeros = layer.zeros
        self._pads_evenly = layer.pads_evenly
        self._padding = (convolution.kernel_size[0] // 2 if layer.pads_evenly else 0,) * 2
        self._stride, self._groups = convolution.stride, convolution.groups
        self._is_rectified = isinstance(layer.act, nn.ReLU6)
        self._is_fused = target.can_pack
        height, width = size
        self.output_size = -(-height // self._stride[0]), -(-width // self._stride[1])
        if self._is_fused:
            if not self._pads_evenly:
                height, width = height + sum(layer.zeros(height)), width + sum(layer.zeros(width))
            shape = (pictures, convolution.in_channels, height, width)
            self._weight = torch.ops.mkldnn._reorder_convolution_weight(
                self._weight, self._padding, self._stride, _DILATION, self._groups, shape
            )

    def __call__(self, maps: Tensor, added: Tensor | None = None) -> Tensor:
        """Turn ``(B, C, H, W)`` into ``(B, out_channels, ⌈H / stride⌉, ⌈W / stride⌉)``.

        Args:
            maps: The input.
            added: Maps of the output's shape that are added to it; only to an output without limits.
        """
        if not self._pads_evenly:
            top, bottom = self._zeros(maps.shape[-2])
            left, right = self._zeros(maps.shape[-1])
            maps = F.pad(maps, (left, right, top, bottom))
        if self._is_fused:
            return self._fused(maps, added)
        output = F.conv2d(maps, self._weight, self._bias, self._stride, self._padding, 1, self._groups)
        if added is not None:
            return output + added
        return F.hardtanh(output, 0.0, _MOST) if self._is_rectified else output

    def _fused(self, maps: Tensor, added: Tensor | None) -> Tensor:
        operator = torch.ops.mkldnn._convolution_pointwise
        shape = self._padding, self._stride, _DILATION, self._groups
        fused: Tensor
        if added is not None:
            fused = operator.binary(maps, added, self._weight, self._bias, *shape, "add", 1.0, None, [], None)
        elif self._is_rectified:
            fused = operator(maps, self._weight, self._bias, *shape, "hardtanh", [0.0, _MOST], "")
        else:
            fused = operator(maps, self._weight, self._bias, *shape, "none", [], "")
        return fused
