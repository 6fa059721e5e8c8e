"""CosPlace (Berton et al., CVPR 2022) and EigenPlaces (Berton et al., ICCV 2023), which are one network.

Their files cannot be distinguished, because only the learned numbers differ.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones.choice import NUMBERED_RESNET, BackboneName, make_backbone, read_resnet
from model.checkpoint_layout import CheckpointLayout, FileShapes
from model.descriptors.network import DescriptorNetwork
from model.plain_config import PlainConfig
from model.preprocess import Preparation
from model.selavpr.gem import GeM


@dataclass(frozen=True)
class CosPlaceConfig(PlainConfig):
    """Describe the shape of a CosPlace or EigenPlaces network.

    Attributes:
        backbone: The backbone.
        descriptor_dim: Width D of a descriptor.
    """

    backbone: BackboneName = "resnet50"
    descriptor_dim: int = 2048


class CosPlace(DescriptorNetwork):
    """Describe pictures by GeM over cells of length 1, and a linear layer.

    Its authors either do not resize pictures, or resize them to a shorter side of 512 pixels. Here pictures have one
    size, by default the size of training, 512 × 512. ``--input-size`` chooses another; pictures of that size stay as
    they are.
    """

    family = "cosplace"
    title = "CosPlace or EigenPlaces"
    needs = Preparation(height=512, width=512, filter="pillow-bilinear")
    config: CosPlaceConfig

    def __init__(self, config: CosPlaceConfig, *, is_trained: bool) -> None:
        super().__init__(config, is_trained=is_trained)
        self.backbone = make_backbone(config.backbone)
        self.pooling = GeM()
        self.projection = nn.Linear(self.backbone.out_channels, config.descriptor_dim)

    @property
    def global_dim(self) -> int:
        """Return the width of a descriptor."""
        return self.config.descriptor_dim

    def aggregate(self, seen: Tensor) -> Tensor:
        """Return the descriptors ``(B, D)``, of length 1, of maps ``(B, C, H, W)`` of any size."""
        cells = seen.flatten(2).transpose(1, 2)  # (B, H · W, C)
        return F.normalize(self.projection(self.pooling.pool(cells)), dim=-1)


def _read_config(shapes: FileShapes) -> CosPlaceConfig:
    is_resnet = "backbone.bn1.weight" in shapes
    backbone: BackboneName = read_resnet(shapes)[0] if is_resnet else "vgg16"
    return CosPlaceConfig(backbone=backbone, descriptor_dim=shapes.of("projection.weight", 2)[0])


_HEAD = (("aggregation.1.p", "pooling.p"), ("aggregation.3.", "projection."))

LAYOUTS = tuple(
    CheckpointLayout(
        title="CosPlace or EigenPlaces checkpoint",
        marks=(mark, "aggregation.3."),
        prefixes=(*_HEAD, *prefixes),
        read_config=_read_config,
    )
    for mark, prefixes in (("backbone.1.", NUMBERED_RESNET), ("backbone.2.", (("backbone.", "backbone."),)))
)
"""The layouts of published files: over a ResNet, and over VGG16."""
