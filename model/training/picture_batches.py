"""Batches of pictures that threads decode ahead of the network, in the requested order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from model.decoding_threads import decoding_threads
from model.features import Features
from model.network_precision import NetworkPrecision
from model.selavpr.selavpr import SelaVPR
from model.training.errors import TrainingDiverged
from model.training.forward import encoding_forward
from model.training.picture_cache import read_picture

ReadPicture: TypeAlias = Callable[[Path], Tensor]
"""A function that reads a picture, ``(3, 224, 224)`` float32."""

_BATCHES_AHEAD = 2


def read_batches(
    batches: Iterable[Sequence[Path]], decoders: int, read: ReadPicture = read_picture
) -> Generator[Tensor, None, None]:
    """Yield batches of pictures, and decode a few ahead.

    Close the generator (``contextlib.closing``) if it is not read to its end, to stop the decoders.

    Args:
        batches: The batches, which are read as the work proceeds.
        decoders: The number of threads.
        read: The reader, which the threads call for each picture.

    Yields:
        ``(b, 3, 224, 224)`` float32 for each batch.

    Raises:
        ImageError: A picture cannot be read.
    """
    with decoding_threads(decoders) as pool:
        pending: deque[list[Future[Tensor]]] = deque()
        for batch in batches:
            pending.append([pool.submit(read, path) for path in batch])
            if len(pending) > _BATCHES_AHEAD:
                yield _stacked([each.result() for each in pending.popleft()])
        while pending:
            yield _stacked([each.result() for each in pending.popleft()])


def encode_pictures(
    network: SelaVPR,
    paths: Sequence[Path],
    device: torch.device,
    *,
    batch_size: int,
    decoders: int,
    read: ReadPicture = read_picture,
    precision: NetworkPrecision = "float32",
) -> Generator[Features, None, None]:
    """Encode pictures with a network's present weights, without gradients.

    Args:
        network: The network on its device.
        paths: The files of the pictures.
        device: The device of the network.
        batch_size: The number of pictures per batch of results.
        decoders: The number of threads that read pictures.
        read: The reader, which the threads call for each picture.
        precision: The precision of the products in the network on a CPU; a GPU computes in float32.

    Raises:
        ImageError: A picture cannot be read.
        TrainingDiverged: A feature is not finite.
    """
    batches = [paths[first : first + batch_size] for first in range(0, len(paths), batch_size)]
    forward = encoding_forward(network, device, precision)
    with closing(read_batches(batches, decoders, read)) as opened:
        for batch, images in zip(batches, opened, strict=True):
            features = forward(images.to(device))
            if not (features.global_features.isfinite().all() and features.local_features.isfinite().all()):
                raise TrainingDiverged(f"the features of a picture are not finite; it is one of: {named(batch)}")
            yield features


def named(paths: Iterable[Path]) -> str:
    """Return the names of pictures for a message, without duplicates."""
    distinct = list(dict.fromkeys(map(str, paths)))
    return ", ".join(islice(distinct, 64))


def _stacked(pictures: Sequence[Tensor]) -> Tensor:
    """Return one batch; if some pictures are on a device already, the whole batch is on it."""
    devices = {picture.device for picture in pictures}
    if len(devices) > 1:
        device = next(each for each in devices if each.type != "cpu")
        pictures = [picture.to(device) for picture in pictures]
    return torch.stack(list(pictures))
