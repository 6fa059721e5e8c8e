"""``python -m benchmarks ablations seed``: the demo's network with the adaptations of another seed.

Only the learned parts are kept: the adapters, the local adaptation and the exponent of the pooling. The backbone is the
same as in the demo's network.
"""

from pathlib import Path

from safetensors.torch import load_file

from demo.shipped import SHIPPED
from model.errors import InvalidInput
from model.selavpr.selavpr import SelaVPR
from model.weights import load_selavpr

KEPT = Path("benchmarks/results/seeds")


def network_of_seed(seed: int, folder: Path = KEPT) -> SelaVPR:
    """Return the demo's network with the adaptations of a seed, in float32.

    Args:
        seed: The seed of both trainings.
        folder: The folder of the kept adaptations.

    Raises:
        InvalidInput: The adaptations of this seed were not kept, or the file has tensors of another network.
    """
    path = folder / f"selavpr-seed{seed}.safetensors"
    if not path.is_file():
        kept = sorted(each.stem.removeprefix("selavpr-seed") for each in folder.glob("selavpr-seed*.safetensors"))
        raise InvalidInput(f"{path} is not there: adaptations of these seeds are kept: {', '.join(kept) or 'none'}")
    network = load_selavpr(SHIPPED.weights)
    learned = load_file(path)
    found = network.load_state_dict(learned, strict=False)
    if found.unexpected_keys or any("adapt" in name or "pooling" in name for name in found.missing_keys):
        raise InvalidInput(f"{path} does not fit the demo's network: its tensors have other names")
    return network.eval()
