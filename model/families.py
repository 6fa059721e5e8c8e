"""The list of all families of networks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from model.checkpoint_layout import CheckpointLayout
from model.descriptors import (
    boq,
    cosplace,
    gem,
    megaloc,
    mixvpr,
    netvlad,
    patchnetvlad,
    r2former,
    salad,
    sfrs,
    transvpr,
)
from model.descriptors.boq import BoQ, BoQConfig
from model.descriptors.cosplace import CosPlace, CosPlaceConfig
from model.descriptors.gem import Gem, GemConfig
from model.descriptors.megaloc import MegaLoc, MegaLocConfig
from model.descriptors.mixvpr import MixVPR, MixVPRConfig
from model.descriptors.netvlad import NetVLAD, NetVLADConfig
from model.descriptors.patchnetvlad import PatchNetVLAD, PatchNetVLADConfig
from model.descriptors.r2former import R2Former, R2FormerConfig
from model.descriptors.salad import Salad, SaladConfig
from model.descriptors.sfrs import SFRS, SFRSConfig
from model.descriptors.transvpr import TransVPR, TransVPRConfig
from model.errors import InvalidInput
from model.features import Features
from model.frozen.descriptor import FrozenDescriptor
from model.frozen.keypoints import FrozenKeypoints
from model.frozen.network import FrozenSelaVPR
from model.frozen.starter import FrozenStarter
from model.frozen.target import Target
from model.keypoints import layouts as keypoint_layouts
from model.keypoints.network import SUPERGLUE, KeypointConfig, KeypointNetwork
from model.network import Network
from model.selavpr.config import SelaVPRConfig
from model.selavpr.selavpr import SelaVPR
from model.starter.config import StarterConfig
from model.starter.network import Starter


class FrozenNetwork(Protocol):
    """Compute as a network does, fast."""

    def __call__(self, images: Tensor) -> Features:
        """Encode a batch of prepared pictures; see ``Network.forward``."""
        ...

    def shares(self, images: Tensor) -> Tensor | None:
        """Say how much each part of a picture weighs in its global feature; see ``Network.shares``."""
        ...


@dataclass(frozen=True)
class Family:
    """Describe a family of networks.

    Attributes:
        network: The class of the network; it is made from a configuration and ``is_trained``.
        read_config: The inverse of the configuration's ``to_dict``.
        freeze: Makes the fast form of a network in eval mode, for a height and width of pictures, a device and an
            arithmetic, and a number of pictures per pass.
        layouts: The layouts of published files; ``model.weight_files`` has the layouts of SelaVPR.
    """

    network: Callable[..., Network]
    read_config: Callable[[dict[str, Any]], Any]
    freeze: Callable[[Any, tuple[int, int], Target, int], FrozenNetwork]
    layouts: tuple[CheckpointLayout, ...] = ()

    def make(self, config: Mapping[str, Any], *, is_trained: bool) -> Network:
        """Return a network whose weights are not set yet.

        Args:
            config: The configuration as plain values.
            is_trained: Whether the network is trained, so that re-ranking has a meaning.

        Raises:
            InvalidInput: A value is missing, unknown or out of its range.
        """
        return self.network(self.read_config(dict(config)), is_trained=is_trained)


def _with_keypoints(config: KeypointConfig, *, is_trained: bool) -> KeypointNetwork:
    return KeypointNetwork(config, family_named(config.family).make(config.finder, is_trained=is_trained))


def _freeze_with_keypoints(
    network: KeypointNetwork, size: tuple[int, int], target: Target, pictures: int
) -> FrozenKeypoints:
    finder = family_named(network.finder.family).freeze(network.finder, size, target, pictures)
    return FrozenKeypoints(network, finder, target)


FAMILIES: Mapping[str, Family] = {
    SelaVPR.family: Family(SelaVPR, SelaVPRConfig.from_dict, FrozenSelaVPR.of),
    Starter.family: Family(Starter, StarterConfig.from_dict, FrozenStarter),
    CosPlace.family: Family(CosPlace, CosPlaceConfig.from_dict, FrozenDescriptor, cosplace.LAYOUTS),
    Gem.family: Family(Gem, GemConfig.from_dict, FrozenDescriptor, gem.LAYOUTS),
    MixVPR.family: Family(MixVPR, MixVPRConfig.from_dict, FrozenDescriptor, mixvpr.LAYOUTS),
    Salad.family: Family(Salad, SaladConfig.from_dict, FrozenDescriptor, salad.LAYOUTS),
    MegaLoc.family: Family(MegaLoc, MegaLocConfig.from_dict, FrozenDescriptor, megaloc.LAYOUTS),
    BoQ.family: Family(BoQ, BoQConfig.from_dict, FrozenDescriptor, boq.LAYOUTS),
    # before NetVLAD, whose tensors it has besides its own
    PatchNetVLAD.family: Family(PatchNetVLAD, PatchNetVLADConfig.from_dict, FrozenDescriptor, patchnetvlad.LAYOUTS),
    NetVLAD.family: Family(NetVLAD, NetVLADConfig.from_dict, FrozenDescriptor, netvlad.LAYOUTS),
    SFRS.family: Family(SFRS, SFRSConfig.from_dict, FrozenDescriptor, sfrs.LAYOUTS),
    TransVPR.family: Family(TransVPR, TransVPRConfig.from_dict, FrozenDescriptor, transvpr.LAYOUTS),
    R2Former.family: Family(R2Former, R2FormerConfig.from_dict, FrozenDescriptor, r2former.LAYOUTS),
    SUPERGLUE: Family(_with_keypoints, KeypointConfig.from_dict, _freeze_with_keypoints),
}


def layout_of(names: list[str]) -> tuple[str, CheckpointLayout] | None:
    """Return the family and the layout of a file that others published, by the names of its tensors.

    Returns:
        None for a file that fits no layout. A file of SuperPoint or SuperGlue is a part of a network of the family.
    """
    known = [(name, layout) for name, family in FAMILIES.items() for layout in family.layouts]
    known += [(SUPERGLUE, layout) for layout in keypoint_layouts.LAYOUTS]
    return next(((name, layout) for name, layout in known if layout.fits(names)), None)


def family_named(name: str) -> Family:
    """Return the family of a name.

    Raises:
        InvalidInput: This release has no family of that name.
    """
    if name not in FAMILIES:
        raise InvalidInput(f"{name!r} is not a family of networks that this release knows ({', '.join(FAMILIES)})")
    return FAMILIES[name]
