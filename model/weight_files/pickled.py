"""The reading of ``.pth`` files without executing code in them."""

import re
import warnings
import zipfile
from pathlib import Path

import torch

from model.weight_files import numpy_extras
from model.weight_files.file_kinds import FileKind
from model.weights_errors import WeightsError

_FORBIDDEN_GLOBAL = re.compile(r"GLOBAL (\S+)")
_REFUSAL = re.compile(r"WeightsUnpickler error:\s*(.+)")  # torch adds the advice to load the file unsafely around it


def read_pickled(path: Path, kind: FileKind) -> object:
    """Unpickle a weights file: only tensors, plain containers and numbers, without code execution.

    The tensors of an archive are views of the mapped file: copy those that must outlive it.

    Raises:
        WeightsError: The file is truncated, damaged, not a weights file, or needs more than tensors and numbers.
    """
    if path.suffix == ".safetensors":  # torch.load decides by the suffix
        raise WeightsError(f"{path} is named .safetensors, but holds {kind.value}; rename it to {path.stem}.pth")
    if kind is FileKind.TORCH_ZIP:
        _check_archive(path)
    with torch.serialization.safe_globals(numpy_extras.safe_globals()), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about problems that the errors below explain to users
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=kind is FileKind.TORCH_ZIP)
        except Exception as error:  # a damaged pickle can raise any error in the unpickler
            raise WeightsError(f"{path} {_reason(error)}") from error


def _check_archive(path: Path) -> None:
    """Check the archive before torch reads it; torch verifies neither sums nor, on mapped files, compression."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if not any(name.endswith("/data.pkl") for name in names):
                raise WeightsError(
                    f"{path} is a zip archive, but not of PyTorch; it holds {_list_names(names)}. If the checkpoint is "
                    "in there, unpack it first"
                )
            if any(name.endswith("/constants.pkl") for name in names):
                raise WeightsError(f"{path} is a TorchScript program; the file of the weights alone is needed")
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise WeightsError(f"{path} has been compressed after it was saved; the original file is needed")
            damaged = archive.testzip()
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"{path} is truncated or damaged ({error}); download it again, or copy it again from where it came"
        ) from error
    if damaged is not None:
        raise WeightsError(f"{path} is damaged: the record {damaged} does not match its checksum; download it again")


def _list_names(names: list[str]) -> str:
    shown = ", ".join(names[:3]) or "nothing"
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _reason(error: Exception) -> str:
    forbidden = _FORBIDDEN_GLOBAL.search(str(error))
    if forbidden:
        return (
            f"was not loaded: it asks to run {forbidden[1]}, which the weights of a network do not need and which "
            "could do anything on this machine. Do not load it with another tool unless you trust where it came from; "
            "ask for a file that holds tensors alone"
        )
    refusal = _REFUSAL.search(str(error))
    detail = refusal[1] if refusal else (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"cannot be read as a PyTorch checkpoint ({type(error).__name__}: {detail[:200]}); download it again"
