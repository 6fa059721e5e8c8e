"""The families of networks: the one list of them."""

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
    """A kind of network.

    Attributes:
        network: Its class; made from a configuration, and ``is_trained``.
        read_config: The inverse of its configuration's ``to_dict``.
        freeze: Makes its fast form: of a network in eval mode, for pictures of one height and width, for a device and
            an arithmetic, and for so many pictures at a time.
    """

    network: Callable[..., Network]
    read_config: Callable[[dict[str, Any]], Any]
    freeze: Callable[[Any, tuple[int, int], Target, int], Forward]

    def make(self, config: Mapping[str, Any], *, is_trained: bool) -> Network:
        """Return a network whose weights are not set yet.

        Args:
            config: Plain values.
            is_trained: Whether re-ranking by its local features means anything.

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
        InvalidInput: This release has none of that name.
    """
    if name not in FAMILIES:
        raise InvalidInput(f"{name!r} is no family of networks that this release knows ({', '.join(FAMILIES)})")
    return FAMILIES[name]
