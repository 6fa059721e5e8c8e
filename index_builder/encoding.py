"""Decoding and encoding side by side: batches of pictures in, batches of features out, in the same order.

On a CPU, each thread decodes a picture and encodes it, all on one core. Threads that share a forward pass wait for each
other after each of its many short steps; decoders beside them make these waits longer. On a GPU, threads decode a few
batches ahead (Pillow and torch let go of the interpreter while they work), and the calling thread encodes a batch.
The memory depends on the batch size, the threads and the look-ahead, not on the number of pictures.
"""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from dataclasses import dataclass

import torch
from torch import Tensor

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
_PICTURES_AHEAD = 2  # at least, for each thread


@dataclass(frozen=True)
class _Rounded:
    """Hold features in the form of a store, on the device of the network: ``(b, D)`` and ``(b, N, width)``."""

    global_features: Tensor
    local_features: Tensor


@dataclass(frozen=True)
class _Outcome:
    """Hold the result of a thread: a picture, and its features if the thread has encoded it."""

    picture: DecodedPicture | RejectedPicture
    features: _Rounded | None = None


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
    threads: int | None = None,
    together: bool | None = None,
) -> Generator[EncodedBatch, None, None]:
    """Encode batches of pictures.

    Close the generator (``contextlib.closing``) if it is not read to its end; this stops the threads.

    Args:
        batches: The batches, which are read as the work proceeds.
        encoder: The network.
        thumbnails: Whether to make thumbnails.
        codec: The stored form of the features.
        limits: The limits on pictures; pictures outside them are rejected.
        threads: The number of threads; by default one for each core, and at most a few if they only decode.
        together: Whether the calling thread encodes a batch at once; by default on a GPU.
    """
    if together is None:
        together = encoder.device.type != "cpu"
    count = threads or (default_decoders() if together else torch.get_num_threads())

    def read(place: Place) -> _Outcome:
        picture = decode_picture(place, encoder.preparation, limits, thumbnail=thumbnails)
        return _Outcome(picture) if together else _encoded(encoder, picture, codec)

    with decoding_threads(count) as pool:
        pending: deque[tuple[PictureBatch, list[Future[_Outcome]]]] = deque()
        for batch in batches:
            pending.append((batch, [pool.submit(read, place) for place in batch.places]))
            ahead = sum(len(outcomes) for _, outcomes in pending)
            if len(pending) > _BATCHES_AHEAD and ahead > _PICTURES_AHEAD * count:
                yield _finish(encoder, *pending.popleft(), codec)
        while pending:
            yield _finish(encoder, *pending.popleft(), codec)


def _finish(encoder: Encoder, batch: PictureBatch, reading: list[Future[_Outcome]], codec: LocalCodec) -> EncodedBatch:
    outcomes, together = _encode_together(encoder, [each.result() for each in reading], codec)
    features = [_none(encoder, codec), *together, *(each.features for each in outcomes if each.features is not None)]
    pictures = [each.picture for each in outcomes]
    return EncodedBatch(
        batch=batch,
        pictures=tuple(
            EncodedPicture(picture.place, picture.content_sha256, picture.thumbnail)
            for picture in pictures
            if isinstance(picture, DecodedPicture)
        ),
        global_features=torch.cat([each.global_features for each in features]).cpu().numpy(),
        local_features=torch.cat([each.local_features for each in features]).cpu().numpy(),
        rejected=tuple(picture for picture in pictures if isinstance(picture, RejectedPicture)),
        stamps=tuple(picture.stamp for picture in pictures),
    )


def _encode_together(
    encoder: Encoder, outcomes: list[_Outcome], codec: LocalCodec
) -> tuple[list[_Outcome], list[_Rounded]]:
    """Encode at once all pictures without features, or each alone if the features of one are invalid."""
    decoded = [each.picture for each in outcomes if each.features is None and isinstance(each.picture, DecodedPicture)]
    if not decoded:
        return outcomes, []
    try:
        features = encoder.encode(torch.stack([picture.pixels for picture in decoded]))
    except ModelOutputInvalid:
        return [_encoded(encoder, each.picture, codec) for each in outcomes], []
    return outcomes, [_rounded(features, codec)]


def _encoded(encoder: Encoder, picture: DecodedPicture | RejectedPicture, codec: LocalCodec) -> _Outcome:
    """Encode a picture alone; reject it if its features are invalid."""
    if isinstance(picture, RejectedPicture):
        return _Outcome(picture)
    try:
        return _Outcome(picture, _rounded(encoder.encode(picture.pixels[None]), codec))
    except ModelOutputInvalid as error:
        return _Outcome(
            RejectedPicture(picture.place, error.code, error.message, picture.stamp, picture.content_sha256)
        )


def _rounded(features: Features, codec: LocalCodec) -> _Rounded:
    """Round features on their device, so that fewer bytes leave it."""
    return _Rounded(
        features.global_features.to(TORCH_TYPES[global_type(codec.store)]),
        codec.encode(features.local_features, features.local_extras),
    )


def _none(encoder: Encoder, codec: LocalCodec) -> _Rounded:
    """Return the features of no picture."""
    cells = encoder.local_grid[0] * encoder.local_grid[1]
    return _Rounded(
        torch.empty((0, encoder.global_dim), dtype=TORCH_TYPES[global_type(codec.store)], device=encoder.device),
        torch.empty((0, *codec.row_shape(cells)), dtype=TORCH_TYPES[codec.array_type], device=encoder.device),
    )
