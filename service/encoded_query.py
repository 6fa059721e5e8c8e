"""Hold queries: pictures that were encoded, or pictures of a map with their stored features."""

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.codes import as_features
from model.encoder import Encoder
from model.features import Features
from model.rerankers.reranker import LocalFeatures
from place_map.reader import PlaceMap


@dataclass(frozen=True)
class EncodedQuery:
    """Hold the features of one query, and the duration of its batch.

    Attributes:
        features: The features of one picture, on the encoder's device.
        duration_s: The seconds of the whole batch.
        image: The picture, ``(3, H, W)`` as it was encoded; None if the features are stored ones.
    """

    features: Features
    duration_s: float
    image: Tensor | None = None

    @property
    def local_features(self) -> LocalFeatures:
        """Return the local features of the picture, without the dimension of the batch."""
        extras = self.features.local_extras
        return LocalFeatures(self.features.local_features[0], None if extras is None else extras[0])

    @classmethod
    def stored(cls, place_map: PlaceMap, row: int, device: torch.device) -> "EncodedQuery":
        """Return a picture of a map as a query, by its stored features: nothing is encoded.

        Args:
            place_map: The map.
            row: The row of the picture.
            device: The device of the encoder.
        """
        rows, shapes = np.array([row]), place_map.manifest.features
        extras = torch.empty(1, shapes.local_count, shapes.local_extras)
        features = Features(
            torch.from_numpy(place_map.global_features(rows)).to(device),
            as_features(place_map.local_features(rows, extras=extras)).to(device),
            shapes.local_grid,
            extras.to(device),
        )
        return cls(features, duration_s=0.0)


def encode_queries(encoder: Encoder, images: Tensor) -> list[EncodedQuery]:
    """Encode a batch of queries.

    Args:
        encoder: The network.
        images: ``(B, 3, H, W)`` float32 (``model.preprocess.preprocess``).

    Raises:
        ModelOutputInvalid: The network produced NaN or infinity for one of them.
    """
    start = time.perf_counter()
    features = encoder.encode(images)
    duration_s = time.perf_counter() - start
    return [EncodedQuery(features[row : row + 1], duration_s, images[row]) for row in range(len(features))]
