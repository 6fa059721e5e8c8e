"""Opening a checkpoint of any layout that is known here."""

from pathlib import Path

from model.checkpoints.checkpoint import Checkpoint
from model.checkpoints.file_kinds import FileKind, recognise
from model.checkpoints.layouts import interpret
from model.checkpoints.pickled import read_pickled
from model.checkpoints.safetensors_file import read_safetensors


def read_checkpoint(path: Path) -> Checkpoint:
    """Opens a checkpoint by what is in the file, not by its name.

    Raises:
        WeightsError: It is none, is damaged, or is of another network.
    """
    kind = recognise(path)
    if kind is FileKind.SAFETENSORS:
        return read_safetensors(path)
    return interpret(read_pickled(path, kind), path)
