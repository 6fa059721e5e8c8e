"""The recognition of a weights file by its first bytes; names and suffixes of downloads cannot be trusted."""

from enum import Enum
from pathlib import Path

from model.weights_errors import WeightsError

_HEAD_BYTES = 64
_PICKLE_PROTOCOLS = (2, 3, 4, 5)


class FileKind(Enum):
    """Name the containers of weights files."""

    SAFETENSORS = "safetensors"
    TORCH_ZIP = "a PyTorch archive"
    TORCH_LEGACY = "a PyTorch file from before version 1.6"
    MATLAB = "a MATLAB file"


def recognise(path: Path) -> FileKind:
    """Return the container of a weights file; the error for another file names its kind.

    Raises:
        WeightsError: The file is missing, empty, or of another kind, such as a web page or a Git LFS pointer.
    """
    head = _read_head(path)
    if head.startswith(b"PK\x03\x04"):
        return FileKind.TORCH_ZIP
    if head[:1] == b"\x80" and head[1:2] and head[1] in _PICKLE_PROTOCOLS:
        return FileKind.TORCH_LEGACY
    if head.startswith(b"MATLAB 5.0 MAT-file"):
        return FileKind.MATLAB
    if head[8:9] == b"{":  # eight bytes for the length of a JSON header, then the header
        return FileKind.SAFETENSORS
    raise WeightsError(f"{path} {_what_else_it_is(head)}")


def _read_head(path: Path) -> bytes:
    if path.is_fifo() or path.is_socket() or path.is_char_device():
        raise WeightsError(f"{path} is not a regular file; copy the checkpoint to one")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError as error:
        raise WeightsError(f"there is no file {path}") from error
    except IsADirectoryError as error:
        raise WeightsError(f"{path} is a folder; name the checkpoint file in it") from error
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from error
    if not head:
        raise WeightsError(f"{path} is empty; download it again")
    return head


def _what_else_it_is(head: bytes) -> str:
    if head.lstrip().startswith(b"<"):
        return (
            "is a web page, not a checkpoint. Google Drive shows this page before a large download: open the address "
            "in a browser, confirm, and take the file that comes then"
        )
    if head.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the checkpoint itself; run git lfs pull where it came from"
    return (
        f"is not a checkpoint: it begins with {head[:8]!r}, as neither a PyTorch file nor a safetensors file does; "
        "download it again"
    )
