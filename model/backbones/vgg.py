"""VGG16 (Simonyan and Zisserman 2015) up to its last convolution, with torchvision's names of tensors."""

from torch import nn

_CHANNELS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))  # between poolings


class VGG16(nn.Sequential):
    """Apply 13 convolutions, with a ReLU after each but the last, for a signed map at a stride of 16.

    The number in the name of a convolution is its number in torchvision's ``features``.

    Attributes:
        out_channels: The channels of its output.
    """

    out_channels = _CHANNELS[-1][-1]

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        channels = 3
        for group in _CHANNELS:
            for out_channels in group:
                layers += [nn.Conv2d(channels, out_channels, 3, padding=1), nn.ReLU()]
                channels = out_channels
            layers.append(nn.MaxPool2d(2))
        super().__init__(*layers[:-2])
