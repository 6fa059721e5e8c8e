"""The trunk: an EfficientNet-Lite without its classifier."""

from collections.abc import Collection

from torch import Tensor, nn

from model.errors import InvalidInput
from model.starter.inverted_residual import InvertedResidual
from model.starter.same_convolution import SameConvolution
from model.starter.trunk_shape import STEM_CHANNELS, BlockShape


class EfficientNetLite(nn.Module):
    """Apply a stem of stride 2 and the inverted residuals up to the last block that is requested."""

    def __init__(self, shapes: tuple[BlockShape, ...]) -> None:
        super().__init__()
        self.stem = SameConvolution(3, STEM_CHANNELS, 3, stride=2)
        self.blocks = nn.ModuleList(InvertedResidual(shape) for shape in shapes)

    def forward(self, images: Tensor, wanted: Collection[int]) -> dict[int, Tensor]:
        """Run the trunk once.

        Args:
            images: ``(B, 3, H, W)``, prepared; any height and width.
            wanted: Numbers of blocks, from 0.

        Returns:
            The output of each of these blocks, ``(B, C, ⌈H / stride⌉, ⌈W / stride⌉)``, not rectified.

        Raises:
            InvalidInput: The pictures have another shape.
        """
        if images.ndim != 4 or images.shape[1] != 3 or not images.shape[2] or not images.shape[3]:
            raise InvalidInput(f"pictures must be (B, 3, H, W), not {tuple(images.shape)}")
        outputs: dict[int, Tensor] = {}
        maps = self.stem(images)  # (B, 32, ⌈H / 2⌉, ⌈W / 2⌉)
        for number, block in enumerate(self.blocks):
            maps = block(maps)
            if number in wanted:
                outputs[number] = maps
        return outputs
