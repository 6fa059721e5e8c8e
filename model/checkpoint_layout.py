"""The names of a family's tensors in published files."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from torch import Tensor

from model.errors import InvalidInput
from model.network import NetworkConfig

_COUNT, _MEAN = ".num_batches_tracked", ".running_mean"  # counts of training steps, beside every normalisation


class TensorMissing(LookupError):
    """Report that a tensor that shows a size is missing, by its name in Placefix."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True)
class FileShapes:
    """Hold the shapes of the tensors of a file.

    Attributes:
        shapes: The shapes by the names in Placefix.
    """

    shapes: Mapping[str, tuple[int, ...]]

    def __contains__(self, name: str) -> bool:
        return name in self.shapes

    def of(self, name: str, dimensions: int) -> tuple[int, ...]:
        """Return the shape of a tensor.

        Raises:
            TensorMissing: The file has no tensor of that name.
            InvalidInput: It has another number of dimensions.
        """
        if name not in self.shapes:
            raise TensorMissing(name)
        shape = self.shapes[name]
        if len(shape) != dimensions:
            raise InvalidInput(f"{name} has the shape {shape}, where {dimensions} dimensions are expected")
        return shape

    def count(self, prefix: str) -> int:
        """Return how many different words follow a prefix; they are counted, because a damaged name could hold any
        number.
        """
        return len({name.removeprefix(prefix).split(".")[0] for name in self.shapes if name.startswith(prefix)})


@dataclass(frozen=True)
class CheckpointLayout:
    """Describe a layout of published files.

    Attributes:
        title: The name of the files for people.
        marks: Beginnings of names. A file has this layout if each of them begins a name in the file.
        prefixes: The beginnings of names in a file, and their replacements in Placefix. The longest beginning that fits
            counts for a name in the file, and the first for a name in Placefix.
        read_config: A function that reads the configuration of the network from the shapes in the file.
        unused: Patterns of whole names of tensors on which no feature depends. A file may lack them.
        convert: A function that turns a tensor of the file, by its name in Placefix, into the form that it has here; it
            leaves a tensor of an unexpected shape as it is.
    """

    title: str
    marks: tuple[str, ...]
    prefixes: tuple[tuple[str, str], ...]
    read_config: Callable[[FileShapes], NetworkConfig]
    unused: tuple[str, ...] = ()
    convert: Callable[[str, Tensor], Tensor] = lambda _name, tensor: tensor

    def __str__(self) -> str:
        return self.title

    def fits(self, names: list[str]) -> bool:
        """Return whether a file with tensors of these names has this layout."""
        return all(any(name.startswith(mark) for name in names) for mark in self.marks)

    def own_name(self, name: str) -> str | None:
        """Return the name in Placefix of a tensor in the file; None if the layout has no tensor of that name."""
        found = [(len(theirs), theirs, ours) for theirs, ours in self.prefixes if name.startswith(theirs)]
        if not found:
            return None
        _, theirs, ours = max(found)
        return ours + name.removeprefix(theirs)

    def name_in_file(self, name: str) -> str:
        """Return the name in a file of a tensor in Placefix: the inverse of ``own_name``."""
        found = ((theirs, ours) for theirs, ours in self.prefixes if name.startswith(ours))
        return next((theirs + name.removeprefix(ours) for theirs, ours in found), name)

    def is_unused(self, name: str, names: Collection[str]) -> bool:
        """Return whether a tensor of the file is a count of training steps, or is listed in ``unused``."""
        if name.endswith(_COUNT):
            return name.removesuffix(_COUNT) + _MEAN in names
        return any(re.fullmatch(pattern, name) for pattern in self.unused)
