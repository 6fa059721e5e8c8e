"""The reading of a weights file of any known layout."""

from pathlib import Path

from model.weight_files.file_kinds import FileKind, recognise
from model.weight_files.layouts import interpret
from model.weight_files.matlab import read_matlab
from model.weight_files.pickled import read_pickled
from model.weight_files.safetensors_file import read_safetensors
from model.weight_files.weight_file import WeightFile


def read_weight_file(path: Path) -> WeightFile:
    """Open a weights file by its content, not by its name.

    Raises:
        WeightsError: The file is not a weights file, is damaged, or belongs to another network.
    """
    kind = recognise(path)
    if kind is FileKind.SAFETENSORS:
        return read_safetensors(path)
    if kind is FileKind.MATLAB:
        return interpret(read_matlab(path), path)
    return interpret(read_pickled(path, kind), path)
