"""A convolution with its normalisation and its activation folded in.

``tests/model/frozen/test_starter.py::test_a_convolution_is_folded`` compares it with
``model.starter.same_convolution``.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.frozen.target import Target
from model.starter.same_convolution import BATCH_NORM_EPS, SameConvolution

_MOST = 6.0  # the limit of ReLU6


class FrozenConvolution:
    """Compute ``min(max(weight * maps + bias, 0), 6)``, or without the limits; the channels of a pixel are contiguous.

    On a CPU oneDNN computes the product, and the activation before a sum leaves the registers. The operator is the one
    that torch's compiler emits for a convolution; torch is pinned exactly.
    """

    def __init__(self, layer: SameConvolution, target: Target) -> None:
        """Fold the normalisation into the weights in float64, so that they are rounded once.

        Args:
            layer: The layer, which is not changed.
            target: The device and arithmetic.
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

    def __call__(self, maps: Tensor) -> Tensor:
        """Turn ``(B, C, H, W)`` into ``(B, out_channels, ⌈H / stride⌉, ⌈W / stride⌉)``."""
        if not self._pads_evenly:
            top, bottom = self._zeros(maps.shape[-2])
            left, right = self._zeros(maps.shape[-1])
            maps = F.pad(maps, (left, right, top, bottom))
        if self._is_fused:
            activation, limits = ("hardtanh", [0.0, _MOST]) if self._is_rectified else ("none", [])
            fused: Tensor = torch.ops.mkldnn._convolution_pointwise(
                maps,
                self._weight,
                self._bias,
                self._padding,
                self._stride,
                (1, 1),
                self._groups,
                activation,
                limits,
                "",
            )
            return fused
        output = F.conv2d(maps, self._weight, self._bias, self._stride, self._padding, 1, self._groups)
        return F.hardtanh(output, 0.0, _MOST) if self._is_rectified else output
