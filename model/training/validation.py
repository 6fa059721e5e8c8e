"""The recall of a network during training: two-stage retrieval over a validation set, in bounded memory."""

import os
import tempfile
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.features import Features
from model.matching import count_mutual_matches
from model.recall import DEFAULT_RECALL_VALUES, Recalls, positives_within, recalls
from model.training.config import ValidationConfig
from model.training.data import TrainingSet
from model.training.errors import TrainingError, UnsuitableTrainingData

EncodePictures: TypeAlias = Callable[[Sequence[Path]], Generator[Features, None, None]]
"""Batches of features of pictures in their order."""

DECISIVE_RECALL = 5  # R@5 determines the best network and the end of training, as in the paper


@dataclass(frozen=True)
class ValidationResult:
    """Hold the recall of a network.

    Attributes:
        by_global: Recall of the shortlist.
        reranked: Recall after re-ranking by mutual matches; the same as ``by_global`` without local features.
    """

    by_global: Recalls
    reranked: Recalls

    @property
    def decisive_percent(self) -> float:
        """Return R@5 after re-ranking."""
        return self.reranked.percent[DECISIVE_RECALL]


class Validator:
    """Measure recall on one validation set repeatedly.

    The local features of the database are kept on the disk, or on a GPU with much free memory: 20,000 pictures take 19
    GB. They are rounded to float16, as in a served map.
    """

    def __init__(self, places: TrainingSet, config: ValidationConfig, scratch: Path) -> None:
        """Find every query's positives.

        Args:
            places: The database and the queries.
            config: The distance of a right answer, and the number of re-ranked candidates.
            scratch: A folder with room for the local features of the database.

        Raises:
            UnsuitableTrainingData: No query has a positive.
        """
        self._places = places
        self._config = config
        self._scratch = scratch
        self._positives = positives_within(places.queries, places.database, config.threshold_m, config.heading_deg)
        if not any(len(rows) for rows in self._positives):
            raise UnsuitableTrainingData(
                f"no validation query of {len(places.queries)} has a picture of the database "
                f"({len(places.database)} pictures) within {config.threshold_m:g} m: no recall could rise"
            )

    def measure(self, encode: EncodePictures) -> ValidationResult:
        """Retrieve every query.

        Args:
            encode: The encoder with the network's present weights, which is called for the database, then for the
                queries.

        Raises:
            TrainingError: The disk has no room for the local features.
        """
        global_features, local_features = self._encode_database(encode)
        by_global, reranked = [], []
        for features in encode([place.path for place in self._places.queries]):
            for row in range(len(features)):
                distances = (global_features - features.global_features[row]).norm(dim=1)  # (n,)
                rows = distances.argsort(stable=True)[: max(self._config.shortlist, *DEFAULT_RECALL_VALUES)].cpu()
                by_global.append(_as_rows(rows))
                reranked.append(_as_rows(self._rerank(rows, features.local_features[row], local_features)))
        return ValidationResult(recalls(by_global, self._positives), recalls(reranked, self._positives))

    def _encode_database(self, encode: EncodePictures) -> tuple[Tensor, Tensor | None]:
        """Return global features ``(n, D)`` on the network's device, and local ones ``(n, N, C)``, if any, there or on
        the disk.
        """
        parts: list[Tensor] = []
        local_features: Tensor | None = None
        first = 0
        for features in encode([place.path for place in self._places.database]):
            parts.append(features.global_features)
            shape = tuple(features.local_features.shape[1:])
            if prod(shape):
                if local_features is None:
                    local_features = self._room_for((len(self._places.database), *shape), parts[0].device)
                local_features[first : first + len(features)] = features.local_features.half()
            first += len(features)
        return torch.cat(parts), local_features

    def _rerank(self, rows: Tensor, query: Tensor, local_features: Tensor | None) -> Tensor:
        if local_features is None:
            return rows
        shortlist, rest = rows[: self._config.shortlist], rows[self._config.shortlist :]
        candidates = local_features[shortlist.to(local_features.device)].to(query.device)
        counts = count_mutual_matches(query, candidates, precision=self._config.precision).cpu()
        return torch.cat((shortlist[counts.argsort(descending=True, stable=True)], rest))

    def _room_for(self, shape: tuple[int, ...], device: torch.device) -> Tensor:
        """Return room for float16 features: on a GPU if it has much free memory, otherwise on the disk.

        The file on the disk has no name, so it is removed when the process ends.
        """
        size_bytes = prod(shape) * np.dtype(np.float16).itemsize
        if device.type == "cuda" and size_bytes < torch.cuda.mem_get_info(device)[0] // 4:
            return torch.empty(shape, dtype=torch.float16, device=device)
        with tempfile.TemporaryFile(dir=self._scratch) as file:
            try:
                os.posix_fallocate(
                    file.fileno(), 0, size_bytes
                )  # otherwise a full disk would kill the process on the first write
            except OSError as error:
                raise TrainingError(
                    f"validation needs {size_bytes / 1e9:.1f} GB in {self._scratch} for local features: "
                    f"{error.strerror}"
                ) from error
            return torch.from_numpy(np.memmap(file, dtype=np.float16, mode="r+", shape=shape))


def _as_rows(rows: Tensor) -> NDArray[np.int64]:
    array: NDArray[np.int64] = rows.numpy()
    return array
