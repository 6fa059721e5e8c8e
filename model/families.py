"""The list of all families of networks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from model.errors import InvalidInput
from model.features import Features
from model.frozen.network import FrozenSelaVPR
from model.frozen.starter import FrozenStarter
from model.frozen.target import Target
from model.network import Network
from model.selavpr.config import SelaVPRConfig
from model.selavpr.selavpr import SelaVPR
from model.starter.config import StarterConfig
from model.starter.network import Starter

Forward = Callable[[Tensor], Features]


@dataclass(frozen=True)
class Family:
    """Describe a family of networks.

    Attributes:
        network: The class of the network; it is made from a configuration and ``is_trained``.
        read_config: The inverse of the configuration's ``to_dict``.
        freeze: Makes the fast form of a network in eval mode, for a height and width of pictures, a device and an
            arithmetic, and a number of pictures per pass.
    """

    network: Callable[..., Network]
    read_config: Callable[[dict[str, Any]], Any]
    freeze: Callable[[Any, tuple[int, int], Target, int], Forward]

    def make(self, config: Mapping[str, Any], *, is_trained: bool) -> Network:
        """Return a network whose weights are not set yet.

        Args:
            config: The configuration as plain values.
            is_trained: Whether the network is trained, so that re-ranking has a meaning.

        Raises:
            InvalidInput: A value is missing, unknown or out of its range.
        """
        return self.network(self.read_config(dict(config)), is_trained=is_trained)


FAMILIES: Mapping[str, Family] = {
    SelaVPR.family: Family(SelaVPR, SelaVPRConfig.from_dict, FrozenSelaVPR.of),
    Starter.family: Family(Starter, StarterConfig.from_dict, FrozenStarter),
}


def family_named(name: str) -> Family:
    """Return the family of a name.

    Raises:
        InvalidInput: This release has no family of that name.
    """
    if name not in FAMILIES:
        raise InvalidInput(f"{name!r} is not a family of networks that this release knows ({', '.join(FAMILIES)})")
    return FAMILIES[name]
