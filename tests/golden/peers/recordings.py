"""Read the recorded numbers of other networks, and say how near to them a result must come."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.golden.peers.formula import Init, make_images, make_pairs, make_tensor, picked

FOLDER = Path(__file__).parent
KEPT = 2048  # numbers of an array, at most
UNCUT = ("keypoints_xy_",)  # the beginnings of names of arrays that are kept whole
LEAST_TOLERANCE = 4e-7  # for a descriptor of length 1
BACKBONE_TOLERANCE = 1e-5  # in parts of the largest number of a map


@dataclass(frozen=True)
class Recording:
    """Hold the recordings of one method.

    Attributes:
        method: Its name.
        seed: The seed of the pictures.
        recipe: The formula of the pictures.
        sizes: Height and width of the pictures.
        tensors: Name, shape and formula of each tensor of the reference's state dictionary.
        gaps: How far the reference in float32 was from itself in float64, by output.
        arrays: The numbers by output, cut by ``cut`` but for those of ``UNCUT``.
    """

    method: str
    seed: int
    recipe: str
    sizes: tuple[tuple[int, int], ...]
    tensors: tuple[tuple[str, tuple[int, ...], Init], ...]
    gaps: dict[str, float]
    arrays: dict[str, NDArray[Any]]

    def tolerance(self, output: str) -> float:
        """Return how far a descriptor, an output of one size, may be from the recorded one."""
        return max(LEAST_TOLERANCE, 4 * self.gaps.get(output, 0.0))

    def weights(self) -> dict[str, NDArray[Any]]:
        """Return the state dictionary of the reference."""
        return {name: make_tensor(name, shape, init) for name, shape, init in self.tensors}

    def images(self, size: tuple[int, int]) -> NDArray[np.float32]:
        """Return the prepared pictures of a size: two, or a query with four candidates."""
        return make_pairs(self.seed, *size) if "pair" in self.recipe else make_images(self.seed, 2, *size)

    def difference(self, output: str, values: NDArray[Any]) -> float:
        """Return the largest difference between a recorded output and a result of ours."""
        return float(np.abs(self.arrays[output].astype(np.float64) - cut(values)).max())


def cut(values: NDArray[Any]) -> NDArray[Any]:
    """Return the numbers of an array that are kept here."""
    return _thinned(values.reshape(-1)[picked(values.size)])


def read_recording(method: str, folder: Path = FOLDER) -> Recording:
    """Read the recording of a method, from this folder or from a folder of whole recordings."""
    stated = json.loads((folder / f"{method}.json").read_text("utf-8"))
    sizes = tuple((height, width) for height, width in stated["input"]["sizes"])
    return Recording(
        method=method,
        seed=stated["input"]["seed"],
        recipe=stated["input"]["recipe"],
        sizes=sizes,
        tensors=tuple(_tensor(entry) for entry in stated["state_dict"]),
        gaps=stated["max_abs_fp32_minus_fp64"],
        arrays=read_arrays(method, folder),
    )


def read_arrays(method: str, folder: Path = FOLDER) -> dict[str, NDArray[Any]]:
    """Read the arrays of a method, cut, by output."""
    with np.load(folder / f"{method}.npz", allow_pickle=False) as file:
        arrays = dict(file)
    if folder == FOLDER:
        return arrays
    kept = {name: values for name, values in arrays.items() if "__" not in name}
    whole = {name: values if name.startswith(UNCUT) else cut(values) for name, values in kept.items()}
    part = "__sub"
    return whole | {name.removesuffix(part): _thinned(values) for name, values in arrays.items() if name.endswith(part)}


def _thinned(values: NDArray[Any]) -> NDArray[Any]:
    return values[:: -(-values.size // KEPT)]


def _tensor(entry: Any) -> tuple[str, tuple[int, ...], Init]:
    if isinstance(entry, dict):  # as the whole recordings have it
        entry = (entry["name"], entry["shape"], *entry["init"])
    name, shape, kind, a, b = entry
    return name, tuple(shape), (kind, a, b)
