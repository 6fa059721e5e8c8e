"""Opening a weights file of any layout that is known here."""

from pathlib import Path

from model.weight_files.file_kinds import FileKind, recognise
from model.weight_files.layouts import interpret
from model.weight_files.pickled import read_pickled
from model.weight_files.safetensors_file import read_safetensors
from model.weight_files.weight_file import WeightFile


def read_weight_file(path: Path) -> WeightFile:
    """Opens a weights file by what is in the file, not by its name.

    Raises:
        WeightsError: It is none, is damaged, or is of another network.
    """
    kind = recognise(path)
    if kind is FileKind.SAFETENSORS:
        return read_safetensors(path)
    return interpret(read_pickled(path, kind), path)
