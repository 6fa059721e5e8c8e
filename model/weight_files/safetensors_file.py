"""The weights file of Placefix: safetensors, with the configuration of the network in its metadata.

The metadata has one entry of Placefix, ``placefix``, a JSON object::

    {"format": "placefix-network", "version": 1, "family": "selavpr", "config": {...}, "is_trained": true,
     "fingerprint": "64 hex digits"}

Older files do not name a family: it is ``selavpr``. The tensors have the names of the network's ``state_dict()``, in
float32 or float16. The fingerprint belongs to the loaded network, so a flipped bit is noticed.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from model.durable import written_whole
from model.errors import InvalidInput
from model.families import family_named, layout_of
from model.selavpr.selavpr import SelaVPR
from model.weight_files.layouts import interpret
from model.weight_files.weight_file import Layout, StatedNetwork, WeightFile
from model.weights_errors import WeightsError

FORMAT = "placefix-network"
VERSION = 1
_METADATA_KEY = "placefix"

StoredDtype = Literal["float32", "float16"]


def read_safetensors(path: Path) -> WeightFile:
    """Open a weights file of Placefix, or one of a published network.

    Raises:
        WeightsError: The file is truncated, damaged, from another program, or from a newer Placefix.
    """
    safetensors = _library()
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            entries = file.metadata() or {}
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 not a dict
    except (safetensors.SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is truncated or damaged ({error}); copy or import it again") from error
    if _METADATA_KEY not in entries and layout_of(list(tensors)) is not None:
        return interpret(tensors, path)
    stated, is_trained = _read_metadata(entries, path)
    return WeightFile(
        path=path,
        layout=Layout.PLACEFIX,
        family=stated.family,
        tensors=tensors,
        file_names={name: name for name in tensors},
        unknown=(),
        is_trained=is_trained,
        stated=stated,
    )


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], stated: StatedNetwork, *, is_trained: bool) -> None:
    """Write a file in one step: readers of ``path`` find the old file or the new one, complete.

    Args:
        path: The file, which is replaced if it exists. Its folder is made if it is missing.
        tensors: The tensors by Placefix's names, contiguous, on the CPU.
        stated: The configuration, and the fingerprint of the network after reading.
        is_trained: Whether adapters and local adaptation hold trained weights.

    Raises:
        WeightsError: The file cannot be written.
    """
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "family": stated.family,
        "config": dict(stated.config),
        "is_trained": is_trained,
        "fingerprint": stated.fingerprint,
    }
    safetensors = _library()
    # Only one entry: the library has its own order of several, and equal networks must give equal files.
    entries = {_METADATA_KEY: json.dumps(metadata)}
    try:
        with written_whole(path) as unfinished:
            unfinished.touch()
            usual_mode = unfinished.stat().st_mode
            safetensors.torch.save_file(dict(tensors), unfinished, metadata=entries)
            unfinished.chmod(usual_mode)  # the library allows only the owner to read, and a service may be another user
    except (safetensors.SafetensorError, OSError) as error:
        raise WeightsError(f"{path} cannot be written: {error}") from error


def _library() -> Any:
    """Import the library when it is needed: the method itself needs only torch, numpy and pillow."""
    try:
        import safetensors.torch  # noqa: PLC0415
    except ImportError as error:
        raise WeightsError("files of this kind need a library: pip install safetensors") from error
    return safetensors


def _read_metadata(entries: Mapping[str, str], path: Path) -> tuple[StatedNetwork, bool]:
    if _METADATA_KEY not in entries:
        raise WeightsError(
            f"{path} is a safetensors file of another program: its metadata has no Placefix configuration. Convert the "
            "original .pth checkpoint with: placefix weights import FILE"
        )
    try:
        metadata: Any = json.loads(entries[_METADATA_KEY])
        format_name, version = metadata["format"], metadata["version"]
        if (format_name, version) != (FORMAT, VERSION):
            raise WeightsError(
                f"{path} has the format {format_name} {version}, and this Placefix reads {FORMAT} {VERSION}; update "
                "Placefix, or import the original checkpoint again"
            )
        family = family_named(metadata.get("family", SelaVPR.family))
        network_fingerprint, is_trained = str(metadata["fingerprint"]), metadata["is_trained"] is True
        config = family.read_config(metadata["config"]).to_dict()
    except (json.JSONDecodeError, KeyError, TypeError, InvalidInput) as error:
        raise WeightsError(f"{path} is damaged: its metadata cannot be understood ({error!r})") from error
    name = str(metadata.get("family", SelaVPR.family))
    return StatedNetwork(family=name, config=config, fingerprint=network_fingerprint), is_trained


def as_stored(tensor: Tensor, dtype: StoredDtype) -> Tensor:
    """Return a tensor in its stored form."""
    return tensor.detach().cpu().to(getattr(torch, dtype)).contiguous()
