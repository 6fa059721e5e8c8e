"""GeM over a convolutional backbone: the baselines of the deep VG benchmark and of GSV-Cities.

Berton et al., Deep Visual Geo-localization Benchmark, CVPR 2022; Ali-bey et al., GSV-Cities, Neurocomputing 2022.
"""

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones.choice import NUMBERED_RESNET, BackboneName, make_backbone, read_resnet
from model.backbones.resnet import ResNet
from model.backbones.vgg import VGG16
from model.checkpoint_layout import CheckpointLayout, FileShapes
from model.descriptors.network import DescriptorNetwork
from model.plain_config import PlainConfig
from model.preprocess import Preparation, Preprocessing
from model.selavpr.gem import GeM


@dataclass(frozen=True)
class GemConfig(PlainConfig):
    """Describe the shape of a network that pools by GeM.

    Attributes:
        backbone: The backbone.
        stages: The number of stages of a ResNet; VGG16 is always complete.
        normalised: The place of the first normalisation: each cell ``before`` GeM, or the mean ``after`` it.
        projected_dim: The width of the linear layer behind GeM; 0 for no layer.
        pictures: The project whose preparation of pictures the network needs.
    """

    may_be_zero = frozenset({"projected_dim"})

    backbone: BackboneName = "resnet50"
    stages: Literal[3, 4] = 4
    normalised: Literal["before", "after"] = "before"
    projected_dim: int = 0
    pictures: Literal["benchmark", "gsv-cities"] = "benchmark"


_PREPARATIONS = {
    "benchmark": Preparation(height=480, width=640),
    "gsv-cities": Preparation(height=320, width=320, filter="pillow-bilinear"),
}


class Gem(DescriptorNetwork):
    """Describe pictures by GeM over a map, and by a linear layer if there is one.

    With ``normalised`` ``before`` and without a linear layer the method's descriptor is not of length 1, and its
    authors search it unchanged, by Euclidean distance. Placefix normalises it, so a ranking may differ.
    """

    family = "gem"
    title = "GeM"
    official_eval = Preprocessing.OFFICIAL_EVAL  # the benchmark resized tensors without antialiasing
    config: GemConfig
    backbone: ResNet | VGG16

    def __init__(self, config: GemConfig, *, is_trained: bool) -> None:
        super().__init__(config, is_trained=is_trained)
        self.needs = _PREPARATIONS[config.pictures]
        self.backbone = make_backbone(config.backbone, config.stages)
        self.pooling = GeM(normalises_first=config.normalised == "before")
        channels = self.backbone.out_channels
        self.projection = nn.Linear(channels, config.projected_dim) if config.projected_dim else None

    @property
    def global_dim(self) -> int:
        """Return the width of a descriptor."""
        return self.config.projected_dim or self.backbone.out_channels

    def aggregate(self, seen: Tensor) -> Tensor:
        """Return the descriptors ``(B, D)`` of maps ``(B, C, H, W)`` of any size."""
        cells = seen.flatten(2).transpose(1, 2)  # (B, H · W, C)
        pooled = self.pooling.pool(cells) if self.config.normalised == "before" else self.pooling(cells)
        return pooled if self.projection is None else F.normalize(self.projection(pooled), dim=-1)


def _read_benchmark(normalised: Literal["before", "after"], shapes: FileShapes) -> GemConfig:
    backbone, stages = read_resnet(shapes) if "backbone.bn1.weight" in shapes else ("vgg16", 4)
    shapes.of("pooling.p", 1)
    projected_dim = shapes.of("projection.weight", 2)[0] if "projection.weight" in shapes else 0
    return GemConfig(
        backbone=backbone, stages=3 if stages == 3 else 4, normalised=normalised, projected_dim=projected_dim
    )


def _read_gsv(shapes: FileShapes) -> GemConfig:
    backbone, stages = read_resnet(shapes)
    shapes.of("pooling.p", 1)
    return GemConfig(backbone=backbone, stages=3 if stages == 3 else 4, normalised="after", pictures="gsv-cities")


def _benchmark(
    normalised: Literal["before", "after"], pooling: str, projection: str | None
) -> tuple[CheckpointLayout, CheckpointLayout]:
    """Return the benchmark's layouts over a ResNet and over VGG16, each an ``nn.Sequential`` of numbered layers."""

    def layout(mark: str, prefixes: tuple[tuple[str, str], ...]) -> CheckpointLayout:
        projected = () if projection is None else ((projection, "projection."),)
        return CheckpointLayout(
            title="GeM checkpoint of the deep VG benchmark",
            marks=(mark, pooling, *(() if projection is None else (projection,))),
            prefixes=((pooling, "pooling.p"), *projected, *prefixes),
            read_config=lambda shapes: _read_benchmark(normalised, shapes),
        )

    return layout("backbone.1.", NUMBERED_RESNET), layout("backbone.2.", (("backbone.", "backbone."),))


LAYOUTS = (
    CheckpointLayout(
        title="GeM checkpoint of GSV-Cities",
        marks=("backbone.model.conv1.", "aggregator.p"),
        prefixes=(("aggregator.p", "pooling.p"), ("backbone.model.", "backbone.")),
        read_config=_read_gsv,
    ),
    *_benchmark("before", "aggregation.0.1.p", "aggregation.1."),
    *_benchmark("before", "aggregation.1.p", None),
    *_benchmark("after", "aggregation.0.0.p", "aggregation.1."),
    *_benchmark("after", "aggregation.0.p", None),
)
"""The layouts of published files."""
