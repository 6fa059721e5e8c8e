"""Checkpoints: one strict loader for every layout, and one file format of Placefix.

It reads

* released SelaVPR checkpoints, and bare state dictionaries with the same names;
* DINOv2's ``*_pretrain.pth``: a backbone alone. Its adapters begin as the identity and its local adaptation as seeded
  noise, so the network is marked as untrained, and its re-ranking has no meaning;
* Placefix's own ``.safetensors``;
* the weights of the starter in the package that contains them.
"""

from pathlib import Path, PurePosixPath

import torch

from model.durable import sha256_of
from model.families import family_named
from model.fingerprint import fingerprint
from model.keypoints.network import KeypointParts
from model.network import Network
from model.selavpr.selavpr import SelaVPR
from model.starter.package_weights import FILE_IN_PACKAGE, find_starter_file, load_starter
from model.weight_files.assembly import assemble, assemble_keypoint_parts
from model.weight_files.description import Description, count_parameters
from model.weight_files.reading import read_weight_file
from model.weight_files.safetensors_file import StoredDtype, as_stored, write_safetensors
from model.weight_files.weight_file import StatedNetwork, TrainingRecord
from model.weights_cache import WeightsCache, licence_of, resolve_weights
from model.weights_errors import WeightsError

__all__ = ["describe_weights", "load_keypoint_parts", "load_network", "load_selavpr", "resolve_weights", "save_network"]


def load_network(path: Path | str, num_heads: int | None = None) -> Network:
    """Load the network of a weights file completely, or raise an error.

    Args:
        path: A file of any of the layouts above; its content determines the layout, not its name.
        num_heads: Attention heads, which the tensors do not show. By default the number that the file states, or one
            for every 64 channels, which is right for every DINOv2.

    Returns:
        The network in eval mode, on the CPU, in float32, independent of the file.

    Raises:
        WeightsError: The file is missing, not a weights file, damaged, or does not fit; the message names missing,
            superfluous and misshapen tensors.
    """
    if _is_starter_file(Path(path)):
        if num_heads is not None:
            raise WeightsError("the starter has no attention heads; leave --num-heads out")
        return load_starter()
    return assemble(read_weight_file(Path(path)), num_heads)


def load_selavpr(path: Path | str, num_heads: int | None = None) -> SelaVPR:
    """Load a network of the family ``selavpr``, which can be trained and inspected by layers.

    Args:
        path: See ``load_network``.
        num_heads: See ``load_network``.

    Raises:
        WeightsError: See ``load_network``; or the network is of another family.
    """
    network = load_network(path, num_heads)
    if not isinstance(network, SelaVPR):
        raise WeightsError(f"{path} is a network of the family {network.family}, and this needs one of selavpr")
    return network


def load_keypoint_parts(*paths: Path) -> KeypointParts:
    """Load SuperPoint and SuperGlue, whose published weights are for non-commercial research only.

    Args:
        paths: A file with both in the layout of transformers, or Magic Leap's file of each.

    Raises:
        WeightsError: See ``load_network``; or a file is of another network, or one of both is missing.
    """
    return assemble_keypoint_parts(*map(read_weight_file, paths))


def save_network(network: Network, path: Path | str, *, dtype: StoredDtype = "float32") -> None:
    """Write a network as ``.safetensors``, with its configuration; replace an existing file atomically.

    Args:
        network: The network, on any device.
        path: The file; by convention ``*.safetensors``.
        dtype: ``float16`` halves the file and rounds the weights: the loaded network differs, with another fingerprint.

    Raises:
        WeightsError: The file cannot be written, or a weight does not fit into float16.
    """
    stored = {name: as_stored(tensor, dtype) for name, tensor in network.state_dict().items()}
    overflowed = [name for name, tensor in stored.items() if not tensor.isfinite().all()]
    if overflowed:
        raise WeightsError(f"{overflowed[0]} has weights that are not finite {dtype} numbers; {path} was not written")
    if dtype == "float32":
        written_fingerprint = fingerprint(network)
    else:
        with torch.device("meta"):
            rounded = family_named(network.family).make(network.config.to_dict(), is_trained=network.is_trained)
        rounded.load_state_dict({name: tensor.float() for name, tensor in stored.items()}, assign=True)
        written_fingerprint = fingerprint(rounded)
    stated = StatedNetwork(network.family, network.config.to_dict(), written_fingerprint)
    write_safetensors(Path(path), stored, stated, is_trained=network.is_trained)


def describe_weights(path: Path | str, num_heads: int | None = None, cache: WeightsCache | None = None) -> Description:
    """Load a weights file and describe it.

    Args:
        path: See ``load_network``.
        num_heads: See ``load_network``.
        cache: The cache where a name of weights tells their licence; by default the one of the environment.

    Raises:
        WeightsError: See ``load_network``.
    """
    path = Path(path)
    network = load_network(path, num_heads)
    weights = None if _is_starter_file(path) else read_weight_file(path)
    tensors = network.state_dict() if weights is None else weights.tensors
    number_types = {str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()}
    return Description(
        path=path,
        size_bytes=path.stat().st_size,
        sha256=sha256_of(path),
        kind="Python package" if weights is None else str(weights.layout),
        family=network.family,
        config=network.config.to_dict(),
        facts=network.facts(),
        parameters=count_parameters(network),
        stored_as=", ".join(sorted(number_types)),
        is_trained=network.is_trained,
        fingerprint=fingerprint(network),
        training=TrainingRecord() if weights is None else weights.training,
        licence=network.weights_licence or licence_of(path, cache),
    )


def _is_starter_file(path: Path) -> bool:
    """Return whether a path leads to the installed package; the content does not matter."""
    return path.name == PurePosixPath(FILE_IN_PACKAGE).name and path.resolve() == find_starter_file().resolve()
