"""The construction of a network from the tensors of a weights file; all of them must fit."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from model.checkpoint_layout import CheckpointLayout, FileShapes, TensorMissing
from model.errors import InvalidInput
from model.families import family_named
from model.fingerprint import fingerprint
from model.keypoints.network import SUPERGLUE, KeypointParts
from model.network import Network
from model.selavpr.initialisation import begin_adaptation
from model.selavpr.parts import Part, part_of
from model.selavpr.selavpr import SelaVPR
from model.weight_files.layouts import list_names, name_in_file
from model.weight_files.shape import read_config
from model.weight_files.weight_file import Layout, WeightFile
from model.weights_errors import WeightsError

_FLOATS = (torch.float32, torch.float16, torch.bfloat16)


def assemble(weights: WeightFile, num_heads: int | None = None) -> Network:
    """Build the network of a weights file, in eval mode, on the CPU, in float32.

    Its parameters are copies, so the file may change afterwards. Over a bare DINOv2 backbone the adapters begin as the
    identity and the local adaptation as seeded noise, which is equal in every process.

    Raises:
        WeightsError: Tensors are missing, superfluous, of another shape or not finite, and the message names them; or
            the number of heads contradicts the file.
    """
    if is_keypoint_file(weights):
        raise WeightsError(
            f"{weights.path} is a {weights.layout}: it compares two pictures, and has no features to find pictures by; "
            f"put it behind a network that does with: placefix weights import {weights.path} --finder WEIGHTS"
        )
    family, config = _network_of(weights, num_heads)
    with torch.device("meta"):  # without memory and without an initialisation that would be overwritten
        network = family_named(family).make(config, is_trained=weights.is_trained)
    initial = network.state_dict()
    is_backbone_only = weights.layout is Layout.DINOV2
    expected = {
        name: tensor for name, tensor in initial.items() if not is_backbone_only or part_of(name) is Part.BACKBONE
    }
    own = _checked_tensors(weights, expected)
    own |= {name: torch.empty(initial[name].shape) for name in initial if name not in own}
    network.load_state_dict(own, strict=True, assign=True)
    if isinstance(network, SelaVPR) and is_backbone_only:
        begin_adaptation(network)
    if weights.stated is not None and fingerprint(network) != weights.stated.fingerprint:
        raise WeightsError(
            f"{weights.path} is damaged: its tensors do not have the fingerprint that it states "
            f"({weights.stated.fingerprint}); copy or import it again"
        )
    return network.eval()


def assemble_keypoint_parts(*files: WeightFile) -> KeypointParts:
    """Build SuperPoint and SuperGlue of one file with both, or of a file of each, as ``assemble`` builds networks.

    Raises:
        WeightsError: A file is of another network, the files lack one of both or have one twice, or see ``assemble``.
    """
    found: dict[str, Tensor] = {}
    for weights in files:
        own = check_keypoint_file(weights)
        if found.keys() & own.keys():
            raise WeightsError(f"{weights.path} is a second file of the same network: give one of each")
        found |= own
    layers = {name.split(".")[2] for name in found if name.startswith("matcher.layers.")}
    missing = [
        name for part, name in (("detector.", "SuperPoint"), ("matcher.", "SuperGlue")) if part not in _parts(found)
    ]
    if missing:
        raise WeightsError(
            f"{files[0].path} is a {files[0].layout} without {missing[0]}: give the file of {missing[0]}, too "
            "(--superpoint FILE beside that of SuperGlue)"
        )
    with torch.device("meta"):
        parts = KeypointParts(len(layers))
    parts.load_state_dict(found, strict=True, assign=True)
    return parts.eval()


def is_keypoint_file(weights: WeightFile) -> bool:
    """Return whether a file holds SuperPoint, SuperGlue or both, without a network that finds pictures."""
    return weights.family == SUPERGLUE and weights.stated is None


def check_keypoint_file(weights: WeightFile) -> dict[str, Tensor]:
    """Return copies of the tensors of a file of SuperPoint, of SuperGlue or of both, by their names here.

    Raises:
        WeightsError: The file is of another network, or its tensors are not all those of the parts that it has.
    """
    if not isinstance(weights.layout, CheckpointLayout) or not is_keypoint_file(weights):
        raise WeightsError(f"{weights.path} is a {weights.layout} file, and this needs SuperPoint and SuperGlue")
    with torch.device("meta"):
        whole = KeypointParts(_config_of(weights, None)["layers"]).state_dict()
    held = _parts(ours for _, ours in weights.layout.prefixes)
    return _checked_tensors(weights, {name: tensor for name, tensor in whole.items() if _parts([name]) <= held})


def _parts(names: Iterable[str]) -> set[str]:
    return {f"{name.split('.')[0]}." for name in names}


def _checked_tensors(weights: WeightFile, expected: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return copies of the tensors of a file in float32, by their names here, once all of them fit."""
    _check_names_and_shapes(weights, expected)
    _check_storage(weights)
    own = {name: weights.tensors[name].detach().to(torch.float32, copy=True).contiguous() for name in expected}
    _check_finite(weights, own)
    return own


def _network_of(weights: WeightFile, num_heads: int | None) -> tuple[str, Mapping[str, Any]]:
    """Return family and configuration."""
    if weights.stated is None:
        return weights.family, _config_of(weights, num_heads)
    stated_heads = weights.stated.config.get("num_heads")
    if num_heads not in (None, stated_heads):
        has = "none" if stated_heads is None else stated_heads
        raise WeightsError(
            f"{weights.path} says that its network has {has} attention heads, not {num_heads}; leave --num-heads out, "
            "or name another file"
        )
    return weights.stated.family, weights.stated.config


def _config_of(weights: WeightFile, num_heads: int | None) -> Mapping[str, Any]:
    layout = weights.layout
    if not isinstance(layout, CheckpointLayout):
        return read_config(weights, num_heads).to_dict()
    if num_heads is not None:
        raise WeightsError(f"{weights.path} is a {layout}, which needs no number of heads; leave --num-heads out")
    try:
        shapes = {name: tuple(tensor.shape) for name, tensor in weights.tensors.items()}
        return layout.read_config(FileShapes(shapes)).to_dict()
    except TensorMissing as error:
        raise WeightsError(
            f"{weights.path} ({layout}) is incomplete: without {name_in_file(weights, error.name)} not even the shape "
            "of the network is known; download it again"
        ) from error
    except InvalidInput as error:
        raise WeightsError(f"{weights.path} ({layout}): {error}") from error


def _check_names_and_shapes(weights: WeightFile, expected: dict[str, Tensor]) -> None:
    missing = tuple(name_in_file(weights, name) for name in expected if name not in weights.tensors)
    extra = weights.unknown + tuple(name_in_file(weights, name) for name in weights.tensors if name not in expected)
    misfits = tuple(
        f"{name_in_file(weights, name)} is {_describe(tensor)}, expected {tuple(expected[name].shape)}"
        for name, tensor in weights.tensors.items()
        if name in expected and not _fits(tensor, expected[name])
    )
    problems = []
    if missing:
        problems.append(f"{len(missing)} of {len(expected)} tensors are missing: {list_names(missing)}")
    if extra:
        problems.append(f"{_count(len(extra), 'tensor')} too many: {list_names(extra)}")
    if misfits:
        problems.append(f"{_count(len(misfits), 'tensor')} of the wrong kind: {list_names(misfits, shown=3)}")
    if problems:
        raise WeightsError(
            f"{weights.path} ({weights.layout}) does not fit the network: {'; '.join(problems)}. Nothing was "
            "loaded; the file is incomplete, or of another network"
        )


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _fits(tensor: Tensor, expected: Tensor) -> bool:
    is_plain = tensor.layout is torch.strided and tensor.device.type == "cpu" and tensor.dtype in _FLOATS
    return is_plain and tensor.shape == expected.shape


def _describe(tensor: Tensor) -> str:
    kind = "" if tensor.dtype in _FLOATS else f" {str(tensor.dtype).removeprefix('torch.')}"
    kind += "" if tensor.layout is torch.strided else " sparse"
    kind += "" if tensor.device.type == "cpu" else " without contents"
    return f"{tuple(tensor.shape)}{kind}"


def _check_storage(weights: WeightFile) -> None:
    """Refuse tensors larger than the file: a few bytes can declare a tensor of any size, and a copy would fill the
    memory.
    """
    claimed_bytes = sum(tensor.numel() * tensor.element_size() for tensor in weights.tensors.values())
    file_bytes = weights.path.stat().st_size
    if claimed_bytes > file_bytes:
        raise WeightsError(
            f"{weights.path} is damaged: its tensors claim {claimed_bytes} bytes, the whole file has {file_bytes}"
        )


def _check_finite(weights: WeightFile, tensors: dict[str, Tensor]) -> None:
    broken = tuple(name_in_file(weights, name) for name, tensor in tensors.items() if not tensor.isfinite().all())
    if broken:
        raise WeightsError(
            f"{weights.path} contains NaN or infinity in {_count(len(broken), 'tensor')}: {list_names(broken)}; the "
            "file is damaged, or its training diverged"
        )
