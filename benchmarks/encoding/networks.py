"""The networks that are timed: the paper's, with random weights, and the demo's."""

from pathlib import Path

import torch
from torch import Tensor

from model.errors import InvalidInput
from model.images import open_image
from model.preprocess import preprocess
from model.selavpr.config import PRESETS
from model.selavpr.initialisation import seeded_network
from model.selavpr.selavpr import SelaVPR
from model.weights import load_selavpr

DEMO = Path("demo/town")
NAMES = (*PRESETS, "demo")

_ADAPTER_STD = 0.02


def network_of(name: str) -> SelaVPR:
    """Return a network by name.

    Args:
        name: ``demo``: the shipped weights; a preset of ``model.selavpr.config``: random weights with active adapters,
            because the adapters of a seeded network are the identity; or the file of a checkpoint.

    Raises:
        InvalidInput: There is no preset and no file of that name.
        WeightsError: The file cannot be used.
    """
    if name == "demo":
        return load_selavpr(DEMO / "weights.safetensors")
    if name not in PRESETS:
        if not Path(name).is_file():
            raise InvalidInput(f"--network {name} is neither a file nor one of {', '.join(NAMES)}")
        return load_selavpr(name)
    network = seeded_network(PRESETS[name])
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter_name, parameter in network.named_parameters():
            if parameter_name.endswith("_adapter.up.weight"):
                parameter.normal_(0, _ADAPTER_STD, generator=generator)
    return network


def shipped_pictures(count: int) -> Tensor:
    """Return pictures of the demo's database, ``(count, 3, 224, 224)``, repeated if there are fewer."""
    files = sorted((DEMO / "pictures" / "database").glob("*.jpg"))
    if not files:
        raise InvalidInput(f"there are no pictures in {DEMO / 'pictures' / 'database'}: run this in the repository")
    pictures = [preprocess(open_image(file)) for file in files[:count]]
    return torch.stack([pictures[number % len(pictures)] for number in range(count)]).view(
        count, 3, *SelaVPR.needs.size
    )
