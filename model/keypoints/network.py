"""SuperPoint and SuperGlue behind a network that finds pictures: one network, with keypoints as local features.

The published weights of SuperPoint and SuperGlue are for non-commercial research only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from model.errors import InvalidInput
from model.features import CellMap, Features
from model.keypoints.superglue import LAYERS, SuperGlue
from model.keypoints.superpoint import CELL, PLACE, SuperPoint
from model.network import Network
from model.plain_config import PlainConfig
from model.preprocess import Preparation, Preprocessing
from model.publication import RESEARCH_ONLY

SUPERGLUE = "superglue"
"""The name of the family, and of its re-ranker."""

_DIM = 256
_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601


@dataclass(frozen=True)
class KeypointSizes(PlainConfig):
    """Hold the sizes of SuperPoint and SuperGlue.

    Attributes:
        layers: The layers of SuperGlue. Keypoints attend to their own picture and to the other one in turn.
        keypoints: The greatest number of keypoints of a picture.
    """

    layers: int = LAYERS
    keypoints: int = 1024


@dataclass(frozen=True)
class KeypointConfig:
    """Describe the shape of a network with keypoints.

    Attributes:
        family: The family of the network that finds pictures.
        finder: Its shape, as plain values.
        sizes: The sizes of SuperPoint and SuperGlue.
    """

    family: str
    finder: Mapping[str, Any]
    sizes: KeypointSizes = KeypointSizes()

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values; see ``NetworkConfig.to_dict``."""
        return {"finder": {"family": self.family, **self.finder}, **self.sizes.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Make a configuration from the values of ``to_dict``.

        Raises:
            InvalidInput: A value is missing, unknown or impossible.
        """
        rest = dict(values)
        finder = rest.pop("finder", None)
        if not isinstance(finder, Mapping) or not isinstance(finder.get("family"), str):
            raise InvalidInput(f"network configuration: finder = {finder!r} does not name the family of a network")
        shape = {name: value for name, value in finder.items() if name != "family"}
        return cls(finder["family"], shape, KeypointSizes.from_dict(rest))


class KeypointParts(nn.Module):
    """Hold both networks of keypoints.

    Attributes:
        detector: It finds and describes keypoints.
        matcher: It matches those of two pictures.
    """

    def __init__(self, layers: int = LAYERS) -> None:
        super().__init__()
        self.detector = SuperPoint()
        self.matcher = SuperGlue(layers)


class KeypointNetwork(Network):
    """Find pictures by the global feature of any network, and compare them by keypoints.

    Attributes:
        finder: The network that finds pictures; its local features are not computed.
        parts: SuperPoint and SuperGlue.
    """

    family = SUPERGLUE
    reranker = SUPERGLUE
    local_extras = PLACE
    precisions = ("float32",)
    match_floor: float | None = None
    weights_licence = RESEARCH_ONLY
    config: KeypointConfig

    def __init__(self, config: KeypointConfig, finder: Network) -> None:
        super().__init__()
        if isinstance(finder, KeypointNetwork):
            raise InvalidInput("a network with keypoints finds pictures by another family: give other weights for it")
        self.config = config
        self.finder = finder
        self.is_trained = finder.is_trained
        self.needs = finder.needs
        self.parts = KeypointParts(config.sizes.layers)

    @property
    def side_multiple(self) -> int:
        """Return that of the network that finds pictures; SuperPoint cuts the last pixels off."""
        return self.finder.side_multiple

    @property
    def global_dim(self) -> int:
        """Return the width of a global feature."""
        return self.finder.global_dim

    @property
    def local_dim(self) -> int:
        """Return the width of the descriptor of a keypoint."""
        return _DIM

    @property
    def pair_network(self) -> SuperGlue:
        """Return SuperGlue."""
        return self.parts.matcher

    def local_grid(self, size: tuple[int, int]) -> tuple[int, int]:  # noqa: ARG002
        """Return the grid of keypoints: one column, because they lie anywhere."""
        return self.config.sizes.keypoints, 1

    def patch_grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return rows and columns of SuperPoint's squares of 8 × 8 pixels."""
        return size[0] // CELL, size[1] // CELL

    def preparation(
        self, preprocessing: Preprocessing = Preprocessing.ANTIALIAS, size: tuple[int, int] | None = None
    ) -> Preparation:
        """Return the preparation of the network that finds pictures; see ``Network.preparation``."""
        return self.finder.preparation(preprocessing, size)

    def forward(self, images: Tensor) -> Features:
        """Encode a batch of prepared pictures ``(B, 3, H, W)`` float32."""
        found = self.finder(images).global_features
        return add_keypoints(found, images, self.needs, self.parts.detector, self.config.sizes.keypoints)

    def cell_map(self, images: Tensor) -> CellMap:
        """Return the map of the network that finds pictures; see ``Network.cell_map``."""
        return self.finder.cell_map(images)

    def shares(self, images: Tensor) -> Tensor | None:
        """Return the shares of the network that finds pictures; see ``Network.shares``."""
        return self.finder.shares(images)

    def facts(self) -> list[tuple[str, str]]:
        """Return labels and texts that describe its shape to people."""
        sizes = self.config.sizes
        return [
            *self.finder.facts()[:2],
            ("features", f"global {self.global_dim}; at most {sizes.keypoints} keypoints of {_DIM}"),
            ("keypoints", f"SuperPoint and SuperGlue with {sizes.layers} layers; published ones: {RESEARCH_ONLY}"),
        ]

    def part_of(self, name: str) -> str:
        """Return the part of a tensor of ``state_dict()``."""
        own = "finder."
        return str(self.finder.part_of(name.removeprefix(own))) if name.startswith(own) else name.split(".")[1]


def add_keypoints(
    global_features: Tensor, images: Tensor, preparation: Preparation, detector: SuperPoint, most: int
) -> Features:
    """Return the features of prepared pictures with keypoints as local ones.

    Args:
        global_features: ``(B, D)``.
        images: ``(B, 3, H, W)``.
        preparation: The preparation that made the pictures.
        detector: The network that finds keypoints.
        most: The greatest number of keypoints.
    """
    found = [detector.find(picture, most) for picture in as_grey(images, preparation)]
    local, beside = (torch.stack(each) for each in zip(*found, strict=True))
    return Features(global_features, local, (most, 1), beside)


def as_grey(images: Tensor, preparation: Preparation) -> Tensor:
    """Return prepared pictures ``(B, 3, H, W)`` in grey from 0 to 1, ``(B, h, w)``, cut to multiples of 8."""
    height, width = grey_size((images.shape[2], images.shape[3]))
    grey = images.new_zeros(len(images), height, width)
    for channel, weight in enumerate(_GREY):
        plane = images[:, channel, :height, :width] * preparation.std[channel] + preparation.mean[channel]
        grey += weight * plane.clamp(0, 1)  # bicubic filters overshoot
    return grey


def grey_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return height and width of the part of a picture in which keypoints are found."""
    return size[0] // CELL * CELL, size[1] // CELL * CELL
