"""The systems that are compared, with their weights if they are here, else with random ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from demo.shipped import SHIPPED
from model.errors import InvalidInput
from model.families import family_named
from model.network import Network
from model.selavpr.config import VIT_LARGE
from model.weights import resolve_weights
from model.weights_cache import STARTER, WeightsCache

_ZERO_PARAMETERS_STD = 0.1


@dataclass(frozen=True)
class System:
    """Describe one system.

    Attributes:
        name: The name for ``--systems``, and in the file of results.
        title: The name for people.
        family: The family of its network.
        config: The shape of its published network, where it differs from the family's default.
        weights: Names in the cache of weights, published ones or those of docs/systems.md, and files; the first one
            that is here is measured.
        reranker: Its re-ranker, if it is not that of the network's method.
        floor: The least cosine of a match, if it is not the network's own.
    """

    name: str
    title: str
    family: str
    config: Mapping[str, Any] = field(default_factory=dict)
    weights: tuple[str, ...] = ()
    reranker: str | None = None
    floor: float | None = None


_FLOOR = 0.7  # the floor that FoL (AAAI 2025) has for patches of DINOv2
_COLLECTIONS = ("msls", "pitts30k")

SYSTEMS: Mapping[str, System] = {
    each.name: each
    for each in (
        System("town", "the demo's network", "selavpr", weights=(str(SHIPPED.weights),)),
        System(
            "town-floor", "the demo's network, with a floor", "selavpr", weights=(str(SHIPPED.weights),), floor=_FLOOR
        ),
        System(
            "town-ransac", "the demo's network, RANSAC", "selavpr", weights=(str(SHIPPED.weights),), reranker="ransac"
        ),
        System("starter", "the starter", "starter", weights=(STARTER,)),
        System("selavpr", "SelaVPR", "selavpr", VIT_LARGE.to_dict(), tuple(f"selavpr_{name}" for name in _COLLECTIONS)),
        System(
            "selavpr-floor",
            "SelaVPR, with a floor",
            "selavpr",
            VIT_LARGE.to_dict(),
            tuple(f"selavpr_{name}" for name in _COLLECTIONS),
            floor=_FLOOR,
        ),
        System(
            "selavpr-ransac",
            "SelaVPR, RANSAC",
            "selavpr",
            VIT_LARGE.to_dict(),
            tuple(f"selavpr_{name}" for name in _COLLECTIONS),
            reranker="ransac",
        ),
        System("netvlad", "NetVLAD", "netvlad", {"origin": "matlab", "whitened_dim": 4096}, ("netvlad",)),
        System("sfrs", "SFRS", "sfrs", weights=("sfrs",)),
        System("gem", "GeM (deep VG benchmark)", "gem", {"stages": 3}),  # its files have no names of their own
        System("cosplace", "CosPlace", "cosplace", {"descriptor_dim": 512}, ("cosplace_resnet50_512",)),
        System("eigenplaces", "EigenPlaces", "cosplace", weights=("eigenplaces_resnet50_2048",)),
        System("mixvpr", "MixVPR", "mixvpr", weights=("mixvpr_4096",)),
        System("salad", "SALAD", "salad", weights=("salad",)),
        System(
            "salad-patches",
            "SALAD, patches as local features",
            "salad",
            {"local_features": "patches"},
            ("salad_patches",),
        ),
        System("cliquemining", "CliqueMining", "salad", weights=("cliquemining",)),
        System("megaloc", "MegaLoc", "megaloc", weights=("megaloc",)),
        System("boq", "BoQ (DINOv2)", "boq", weights=("boq_dinov2_12288",)),
        System(
            "boq-resnet50",
            "BoQ (ResNet50)",
            "boq",
            {"backbone": "resnet50", "channels": 512},
            ("boq_resnet50_16384",),
        ),
        System("patchnetvlad-s", "Patch-NetVLAD-s", "patchnetvlad", weights=("patchnetvlad_512",)),
        System(
            "patchnetvlad-p",
            "Patch-NetVLAD-p",
            "patchnetvlad",
            {"whitened_dim": 4096, "patch_sizes": "2,5,8"},
            ("patchnetvlad_4096",),
        ),
        System("transvpr", "TransVPR", "transvpr", weights=tuple(f"transvpr_{name}" for name in _COLLECTIONS)),
        System("r2former", "R2Former", "r2former", weights=("r2former",)),
        System(
            "superglue",
            "SP-SuperGlue",
            "superglue",
            {"finder": {"family": "netvlad", "origin": "matlab", "whitened_dim": 4096}},
            ("netvlad_superglue_outdoor",),
        ),
    )
}
"""All systems that can be built here, by name; a new one is one entry."""


def choose_systems(names: Sequence[str]) -> tuple[System, ...]:
    """Return systems by name, in the order of the catalogue; ``all`` stands for all of them.

    Raises:
        InvalidInput: There is no system of that name.
    """
    unknown = sorted(set(names) - {"all", *SYSTEMS})
    if unknown:
        raise InvalidInput(f"--systems {', '.join(unknown)}: the systems are all, {', '.join(SYSTEMS)}")
    return tuple(each for name, each in SYSTEMS.items() if "all" in names or name in names)


def find_weights(system: System, cache: WeightsCache) -> Path | None:
    """Return the weights of a system; None if none of them are on this machine.

    Raises:
        WeightsError: A file in the cache has changed since it was fetched.
    """
    for name in system.weights:
        if name == STARTER or Path(name).is_file() or cache.find(name) is not None:
            return resolve_weights(name)
    return None


def random_network(system: System) -> Network:
    """Return a network of a system's shape in eval mode, with random weights that are equal in every process.

    Its features mean nothing, and are computed and compared in the time of trained ones.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = family_named(system.family).make(system.config, is_trained=False).eval()
        for parameter in network.parameters():
            if not parameter.any():  # tokens and centres, which begin at zero
                torch.nn.init.normal_(parameter, std=_ZERO_PARAMETERS_STD)
    return network
