"""One small network of each family: random, and equal in every process; the starter alone is as it is installed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from model.descriptors.network import DescriptorNetwork
from model.families import FAMILIES, family_named
from model.network import Network
from model.starter.package_weights import load_starter
from model.weights_cache import STARTER
from tests.conftest import TINY_CONFIG

SMALL: dict[str, dict[str, Any]] = {
    "selavpr": TINY_CONFIG.to_dict(),
    "cosplace": {"backbone": "resnet18", "descriptor_dim": 32},
    "gem": {"backbone": "resnet18", "stages": 3, "projected_dim": 16},
    "mixvpr": {"backbone": "resnet18", "channels": 16, "rows": 2, "depth": 1},
    "salad": {"backbone": "vits14", "clusters": 8, "cluster_dim": 4, "token_dim": 8, "hidden_dim": 16},
    "megaloc": {"backbone": "vits14", "clusters": 8, "cluster_dim": 4, "token_dim": 8, "hidden_dim": 16},
    "boq": {"backbone": "vits14", "channels": 64, "rows": 2, "queries": 4},
    "patchnetvlad": {"clusters": 4, "whitened_dim": 16},
    "netvlad": {"clusters": 4, "whitened_dim": 16},
    "sfrs": {"clusters": 4, "whitened_dim": 16},
    "transvpr": {"dim": 32, "mlp_dim": 32, "descriptor_dim": 16},
    "r2former": {
        "dim": 64,
        "depth": 2,
        "descriptor_dim": 16,
        "local_dim": 8,
        "pair_dim": 16,
        "pair_depth": 1,
        "pair_match_depth": 1,
    },
    "superglue": {
        "finder": {"family": "cosplace", "backbone": "resnet18", "descriptor_dim": 32},
        "layers": 2,
        "keypoints": 24,
    },
}
"""Family → its configuration."""

DESCRIPTORS = tuple(family for family in SMALL if family not in ("selavpr", "superglue"))
"""The families whose networks are ``DescriptorNetwork``."""

_SIZES = {
    "selavpr": (56, 84),
    STARTER: (256, 256),  # the only size of this network
    "mixvpr": (320, 320),  # the only size of this network
    "patchnetvlad": (128, 144),
    "transvpr": (48, 64),
    "r2former": (48, 64),
}


def small_descriptor(family: str, **changes: Any) -> DescriptorNetwork:
    """Return a network of a family of descriptors, in eval mode."""
    network = small_network(family, **changes)
    assert isinstance(network, DescriptorNetwork)
    return network


def small_network(family: str, **changes: Any) -> Network:
    """Return a network of a family, in eval mode."""
    if family == STARTER:
        return load_starter()  # random ones of its depth make equal features of all pictures
    with torch.random.fork_rng():
        torch.manual_seed(8)
        network = family_named(family).make(SMALL[family] | changes, is_trained=True).eval()
        for parameter in network.parameters():
            if not parameter.any():  # such as cluster centres and tokens, whose initial values are zero
                torch.nn.init.normal_(parameter, std=0.1)
    return network


def small_size(family: str) -> tuple[int, int]:
    """Return a small height and width of pictures that a network of a family takes."""
    return _SIZES.get(family, (42, 56))


@dataclass(frozen=True)
class SmallSystem:
    """Describe a small network with a re-ranker.

    Attributes:
        family: The family of the network.
        reranker: Its re-ranker; None for that of its method.
        changes: Values of the configuration that differ from ``SMALL``.
    """

    family: str
    reranker: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.reranker or self.family

    def network(self) -> Network:
        """Return the network, in eval mode."""
        return small_network(self.family, **self.changes)


SYSTEMS = (
    *(SmallSystem(family) for family in FAMILIES),
    SmallSystem("selavpr", "ransac"),
    SmallSystem("patchnetvlad", "patch-netvlad-p", {"patch_sizes": "2,5,8"}),
)
"""Every family with the re-ranker of its method, and the re-rankers that are no small network's own."""
