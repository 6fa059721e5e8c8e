"""Encode pictures into queries."""

import time
from dataclasses import dataclass

from torch import Tensor

from model.encoder import Encoder
from model.features import Features


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
