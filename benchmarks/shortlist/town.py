"""Global features of the town and the grouping of its pictures, to which synthetic places are fitted."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.split import Split, read_split
from index_builder.errors import SourceError
from index_builder.sources.csv_rows import read_rows
from model.device import DeviceName, choose_device
from model.fingerprint import fingerprint
from model.places import Place
from model.recall import DEFAULT_THRESHOLD_M, positives_within
from model.selavpr.selavpr import SelaVPR
from model.training.picture_batches import read_batches
from model.training.picture_cache import read_picture
from placefix.progress import show_progress

STRETCH_M = 25.0
"""Pictures of one street within this distance and in the same direction count as one stretch."""

_BATCH_SIZE = 32
_DECODERS = 2


@dataclass(frozen=True)
class TownFeatures:
    """Hold the global features of some splits of the town.

    Attributes:
        database: ``(n, D)`` float32.
        streets: ``(n,)`` int64, the street of each picture of the database; no two splits share one.
        stretches: ``(n,)`` int64, the part of a street, seen in one direction.
        queries: ``(Q, D)`` float32.
        positives: ``(Q,)`` int64, the picture within 25 m with the nearest feature.
    """

    database: NDArray[np.float32]
    streets: NDArray[np.int64]
    stretches: NDArray[np.int64]
    queries: NDArray[np.float32]
    positives: NDArray[np.int64]

    def save(self, path: Path) -> None:
        """Write them as ``.npz``."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the result of ``save``."""
        with np.load(path) as file:
            return cls(**{name: file[name] for name in cls.__dataclass_fields__})


def town_features(network: SelaVPR, folders: tuple[Path, ...], cache: Path, device: DeviceName) -> TownFeatures:
    """Encode rendered splits, or read the features of an earlier run with the same network.

    Args:
        network: The network.
        folders: The folders of splits without a common street.
        cache: A folder for the features; the network's fingerprint and the splits make the name of the file.
        device: The device of the work.

    Raises:
        SourceError: A split cannot be read, or does not state streets.
        ImageError: A picture cannot be read.
    """
    path = cache / f"{fingerprint(network)[:16]}-{'-'.join(folder.name for folder in folders)}.npz"
    if path.is_file():
        return TownFeatures.load(path)
    network = network.to(choose_device(device).device)
    parts, first_row, first_street = [], 0, 0
    for folder in folders:
        split = read_split(folder)
        streets, stretches = _grouped(folder / "database.csv", len(split.database))
        part = _encoded(network, split, streets + first_street, stretches + first_street * 10_000, first_row)
        parts.append(part)
        first_row += len(part.database)
        first_street += int(streets.max()) + 1
    features = TownFeatures(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in TownFeatures.__dataclass_fields__}
    )
    features.save(path)
    return features


def _encoded(
    network: SelaVPR, split: Split, streets: NDArray[np.int64], stretches: NDArray[np.int64], first_row: int
) -> TownFeatures:
    """Encode a split; queries without a picture within 25 m are left out."""
    database = _global_features(network, split.database)
    positives = positives_within(split.queries, split.database, DEFAULT_THRESHOLD_M)
    asked = [number for number, rows in enumerate(positives) if len(rows)]
    queries = _global_features(network, [split.queries[number] for number in asked])
    nearest = [
        rows[np.square(database[rows] - query).sum(axis=1).argmin()]
        for query, rows in zip(queries, (positives[number] for number in asked), strict=True)
    ]
    return TownFeatures(database, streets, stretches, queries, np.array(nearest, np.int64) + first_row)


@torch.inference_mode()
def _global_features(network: SelaVPR, places: list[Place] | tuple[Place, ...]) -> NDArray[np.float32]:
    """Return ``(n, D)``, without the local half of the network."""
    device = next(network.parameters()).device
    bounds = pairwise([*range(0, len(places), _BATCH_SIZE), len(places)])
    batches = read_batches(
        [[place.path for place in places[start:end]] for start, end in bounds], _DECODERS, read_picture
    )
    parts = []
    with show_progress("encoding") as progress:
        progress.started(len(places), 0)
        for images in batches:
            parts.append(network.pool(network.backbone(images.to(device))).cpu().numpy())
            progress.advanced(len(images))
    return np.concatenate(parts)


def _grouped(file: Path, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return street and stretch of every picture of a ``database.csv``."""
    header, rows = read_rows(file)
    try:
        street, along_m, place = (header.index(name) for name in ("street", "along_m", "place"))
    except ValueError as error:
        raise SourceError(
            f"{file} does not tell streets ({error}); give a split that `python -m demo render` has written"
        ) from error
    keys = [(row[street], row[place].rsplit("-", 1)[-1], int(float(row[along_m]) // STRETCH_M)) for _, row in rows]
    if len(keys) != count:
        raise SourceError(f"{file} has {len(keys)} rows, but {count} pictures can be used: render the split again")
    _, streets = np.unique([key[0] for key in keys], return_inverse=True)
    _, stretches = np.unique(["/".join(map(str, key)) for key in keys], return_inverse=True)
    return streets.astype(np.int64), stretches.astype(np.int64)
