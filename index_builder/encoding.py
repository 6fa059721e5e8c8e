"""Decoding and encoding side by side: batches of pictures in, batches of features out, in the same order.

Threads decode a few batches ahead (Pillow and torch let go of the interpreter while they work); the calling thread owns
the network. The memory depends on the batch size and the look-ahead, not on the number of pictures.
"""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeAlias

import torch

from index_builder.picture_files import DecodedPicture, RejectedPicture, decode_picture
from model.decoding_threads import decoding_threads, default_decoders
from model.encoder import Encoder
from model.errors import ModelOutputInvalid
from model.features import Features
from model.images import DEFAULT_LIMITS, ImageLimits
from model.places import Place
from place_map.feature_store import TORCH_TYPES, StoredArray, StoredFeatures
from place_map.local_codec import LocalCodec, global_type

_BATCHES_AHEAD = 2

_Decoding: TypeAlias = Future[DecodedPicture | RejectedPicture]


@dataclass(frozen=True)
class PictureBatch:
    """Hold pictures that go through the network together.

    Batches are cut by position in the source, whether pictures can be read or not. A picture therefore meets the same
    neighbours in every run, and the features are the same to the last bit.

    Attributes:
        segment: Number of the segment of the pictures, from 1.
        places: The pictures.
        is_last: Whether this is the last batch of the segment.
    """

    segment: int
    places: tuple[Place, ...]
    is_last: bool


@dataclass(frozen=True)
class EncodedPicture:
    """Hold the data of a picture that a map keeps besides its features; see ``DecodedPicture``."""

    place: Place
    content_sha256: str
    thumbnail: bytes | None


@dataclass(frozen=True)
class EncodedBatch:
    """Hold the results of a batch.

    Attributes:
        batch: The batch that was to be encoded.
        pictures: Its b encoded pictures, in the same order.
        global_features: Their global features ``(b, D)``, of the type of the store.
        local_features: Their local features ``(b, N, width)``, encoded by the codec of the store.
        rejected: The other pictures of the batch.
        stamps: State of the file of every picture of the batch.
    """

    batch: PictureBatch
    pictures: tuple[EncodedPicture, ...]
    global_features: StoredFeatures
    local_features: StoredArray
    rejected: tuple[RejectedPicture, ...]
    stamps: tuple[str, ...]


def encode_batches(
    batches: Iterable[PictureBatch],
    encoder: Encoder,
    *,
    thumbnails: bool,
    codec: LocalCodec,
    limits: ImageLimits = DEFAULT_LIMITS,
    decoders: int | None = None,
) -> Generator[EncodedBatch, None, None]:
    """Encode batches of pictures.

    Close the generator (``contextlib.closing``) if it is not read to its end; this stops the decoders.

    Args:
        batches: The batches, which are read as the work proceeds.
        encoder: The network; only the calling thread uses it.
        thumbnails: Whether to make thumbnails.
        codec: The stored form of the features.
        limits: The limits on pictures; pictures outside them are rejected.
        decoders: The number of threads that decode; by default one for each core, up to a limit.
    """
    with decoding_threads(decoders or default_decoders()) as pool:

        def start(batch: PictureBatch) -> tuple[PictureBatch, list[_Decoding]]:
            return batch, [
                pool.submit(decode_picture, place, encoder.preparation, limits, thumbnail=thumbnails)
                for place in batch.places
            ]

        pending: deque[tuple[PictureBatch, list[_Decoding]]] = deque()
        for batch in batches:
            pending.append(start(batch))
            if len(pending) > _BATCHES_AHEAD:
                yield _encode(encoder, *pending.popleft(), codec)
        while pending:
            yield _encode(encoder, *pending.popleft(), codec)


def _encode(encoder: Encoder, batch: PictureBatch, decodings: list[_Decoding], codec: LocalCodec) -> EncodedBatch:
    outcomes = [decoding.result() for decoding in decodings]
    decoded = [outcome for outcome in outcomes if isinstance(outcome, DecodedPicture)]
    features, failures = _features(encoder, decoded)
    rejected = [failures.get(place.id) or outcome for place, outcome in zip(batch.places, outcomes, strict=True)]
    return EncodedBatch(
        batch=batch,
        pictures=tuple(
            EncodedPicture(picture.place, picture.content_sha256, picture.thumbnail)
            for picture in decoded
            if picture.place.id not in failures
        ),
        global_features=_stored_global([part.global_features for part in features], encoder, codec),
        local_features=_stored_local(features, encoder, codec),
        rejected=tuple(outcome for outcome in rejected if isinstance(outcome, RejectedPicture)),
        stamps=tuple(outcome.stamp for outcome in outcomes),
    )


def _features(encoder: Encoder, decoded: list[DecodedPicture]) -> tuple[list[Features], dict[str, RejectedPicture]]:
    """Return the features of a batch, and an empty dict.

    If the features of the batch are invalid, return the features of each picture alone, and the rejected pictures by
    id.
    """
    if not decoded:
        return [], {}
    try:
        return [encoder.encode(torch.stack([picture.pixels for picture in decoded]))], {}
    except ModelOutputInvalid:
        features, failures = [], {}
        for picture in decoded:
            try:
                features.append(encoder.encode(picture.pixels[None]))
            except ModelOutputInvalid as error:
                failures[picture.place.id] = RejectedPicture(
                    picture.place, error.code, error.message, picture.stamp, picture.content_sha256
                )
        return features, failures


def _stored_global(parts: list[torch.Tensor], encoder: Encoder, codec: LocalCodec) -> StoredFeatures:
    """Join global features; they are rounded on their device, so that fewer bytes leave it."""
    dtype = TORCH_TYPES[global_type(codec.store)]
    rounded = [part.to(dtype) for part in parts]
    empty = torch.empty((0, encoder.global_dim), dtype=dtype)
    joined: StoredFeatures = torch.cat(rounded).cpu().numpy() if rounded else empty.numpy()
    return joined


def _stored_local(parts: list[Features], encoder: Encoder, codec: LocalCodec) -> StoredArray:
    """Join local features; they are encoded on their device, so that fewer bytes leave it."""
    cells = encoder.local_grid[0] * encoder.local_grid[1]
    encoded = [codec.encode(part.local_features, part.local_extras) for part in parts]
    empty = torch.empty((0, cells, codec.width), dtype=TORCH_TYPES[codec.array_type])
    joined: StoredArray = torch.cat(encoded).cpu().numpy() if encoded else empty.numpy()
    return joined
