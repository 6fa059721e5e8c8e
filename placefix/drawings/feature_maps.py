"""The maps of local features that the pictures show: coarse or dense."""

from dataclasses import dataclass
from enum import StrEnum

import torch
import torch.nn.functional as F
from torch import Tensor

from model.cell_grid import CellGrid
from model.errors import InvalidInput, ModelOutputInvalid
from model.network import Network
from model.selavpr.selavpr import SelaVPR


class FeatureKind(StrEnum):
    """Name a map of features.

    Attributes:
        COARSE: The last map before pooling (``Network.cell_map``); for SelaVPR the last patch tokens of the backbone,
            16 × 16 at 224 × 224 pixels.
        DENSE: The output of SelaVPR's local adaptation, 61 × 61.
    """

    COARSE = "coarse"
    DENSE = "dense"


@dataclass(frozen=True)
class FeatureMap:
    """Hold the feature map of one picture.

    Attributes:
        values: ``(N, C)`` float32, cells in row-major order, not normalised.
        grid: The grid of the cells.
    """

    values: Tensor
    grid: CellGrid

    @property
    def local_features(self) -> Tensor:
        """Return the features that are matched ``(N, C)``, each of length 1."""
        return F.normalize(self.values, dim=-1)


def kinds_of(network: Network) -> tuple[FeatureKind, ...]:
    """Return the kinds of maps of a network: always the coarse map, and the dense one with a local adaptation."""
    if isinstance(network, SelaVPR) and network.local_adaptation is not None:
        return (FeatureKind.DENSE, FeatureKind.COARSE)
    return (FeatureKind.COARSE,)


def check_kind(network: Network, kind: FeatureKind, name: str) -> None:
    """Ensure that a network has a kind of map.

    Args:
        network: The network.
        kind: The requested kind.
        name: The name of the network, for the message.

    Raises:
        InvalidInput: The network does not have the kind.
    """
    if kind not in kinds_of(network):
        raise InvalidInput(
            f"{name} has no {kind} features: it is a network without local adaptation; use --features coarse"
        )


@torch.inference_mode()
def feature_map(network: Network, image: Tensor, kind: FeatureKind) -> FeatureMap:
    """Return the map of one picture.

    Args:
        network: The network, in eval mode; it has this kind of map (``check_kind``).
        image: ``(3, H, W)`` (``model.preprocess.preprocess``).
        kind: The kind of map.

    Raises:
        ModelOutputInvalid: The map contains NaN or infinity.
    """
    images = image[None].to(next(network.parameters()).device)
    if kind is FeatureKind.DENSE:
        values, grid = _dense(network, images)
    else:
        found = network.cell_map(images)
        values, grid = found.values[0], CellGrid(found.grid, found.grid)
    if not bool(values.isfinite().all()):
        raise ModelOutputInvalid(f"the network's {kind} features contain NaN or infinity; its weights are damaged")
    return FeatureMap(values, grid)


def _dense(network: Network, images: Tensor) -> tuple[Tensor, CellGrid]:
    if not isinstance(network, SelaVPR) or network.local_adaptation is None:
        raise ValueError("a network without local adaptation has no dense features")
    tokens = network.backbone(images)
    dense = network.local_adaptation.upsample(tokens.patch_tokens, tokens.grid)  # (1, C, rows, columns)
    return dense.flatten(2).transpose(1, 2)[0], CellGrid((dense.shape[2], dense.shape[3]), tokens.grid)
