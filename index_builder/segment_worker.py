"""A worker that encodes segments for a build on another process or machine, and the proof that it encodes alike.

Nothing here knows which engine runs it. ``index_builder.ray_workers`` makes it an actor of Ray.
"""

import hashlib
import io
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
import torch
from PIL import Image

from index_builder.segment_engine import EncodingOptions, SegmentAttempt, SegmentPart, encode_attempts
from model.encoder import Encoder
from model.images import DEFAULT_LIMITS
from model.network_precision import NetworkPrecision
from model.preprocess import Preparation, open_for, preprocess
from model.weights import load_network
from place_map.version_writer import software_versions

_PROBE_SIZE = (480, 640)


@dataclass(frozen=True)
class WorkerNetwork:
    """Say how a worker gets the network.

    Attributes:
        weights_path: The weights file, under a path that every machine has.
        num_heads: Number of attention heads, if the file does not state it.
        device: ``cpu`` or ``cuda``.
        preparation: The preparation of pictures.
        precision: The precision of the products in the network.
    """

    weights_path: Path
    num_heads: int | None
    device: str
    preparation: Preparation
    precision: NetworkPrecision

    @classmethod
    def of(cls, encoder: Encoder, weights_path: Path, num_heads: int | None) -> Self:
        """Return the network of an encoder."""
        device = encoder.device.type
        return cls(weights_path.absolute(), num_heads, device, encoder.preparation, encoder.precision)

    def load(self) -> Encoder:
        """Load the network.

        Raises:
            PlacefixError: The weights or the device cannot be used.
        """
        return Encoder(load_network(self.weights_path, self.num_heads), self.device, self.preparation, self.precision)


@dataclass(frozen=True)
class Probe:
    """Hold all that has to be equal where segments of one map are encoded.

    Attributes:
        network: The fingerprint of the network.
        precision: The precision of the products in the network.
        device: ``cpu`` or ``cuda``.
        software: The versions of the libraries that compute.
        features: The SHA-256 of the features of one fixed picture. Processors may round differently.
    """

    network: str
    precision: str
    device: str
    software: str
    features: str

    @classmethod
    def of(cls, encoder: Encoder, picture: bytes) -> Self:
        """Encode a picture, from the bytes of its file, and return the probe of an encoder."""
        pixels = preprocess(open_for(encoder.preparation, picture, DEFAULT_LIMITS), encoder.preparation)
        features = encoder.encode(pixels[None])
        digest = hashlib.sha256(features.global_features.cpu().numpy().tobytes())
        for local in (features.local_features, features.local_extras):
            if local is not None:
                digest.update(local.cpu().numpy().tobytes())
        return cls(
            network=encoder.fingerprint,
            precision=encoder.precision,
            device=encoder.device.type,
            software=", ".join(f"{name} {version}" for name, version in software_versions().items()),
            features=digest.hexdigest(),
        )

    def differences(self, here: "Probe") -> list[str]:
        """Return in words how this probe differs from the probe of the machine that leads the build."""
        pairs = ((field.name, getattr(self, field.name), getattr(here, field.name)) for field in fields(self))
        return [f"{name} {theirs} (here {ours})" for name, theirs, ours in pairs if theirs != ours]


@dataclass(frozen=True)
class WorkerReport:
    """Report that a worker is ready.

    Attributes:
        machine: The name of its machine.
        process_id: The number of its process there.
        probe: How it encodes.
    """

    machine: str
    process_id: int
    probe: Probe

    def __str__(self) -> str:
        return f"process {self.process_id} on {self.machine}"


class SegmentWorker:
    """Encode segments, one at a time.

    Args:
        network: The network.
        threads: Threads of the network, and of the decoding of pictures.
    """

    def __init__(self, network: WorkerNetwork, threads: int) -> None:
        self._network = network
        self._threads = threads
        self._encoder: Encoder | None = None

    def begin(self, picture: bytes) -> WorkerReport:
        """Load the network, and encode the picture of the probe.

        Raises:
            PlacefixError: The weights or the device cannot be used.
        """
        torch.set_num_threads(self._threads)
        self._encoder = self._network.load()
        return WorkerReport(socket.gethostname(), os.getpid(), Probe.of(self._encoder, picture))

    def encode(self, attempt: SegmentAttempt, options: EncodingOptions) -> Iterator[SegmentPart]:
        """Encode a segment into the directory of an attempt.

        Raises:
            OSError: A file cannot be written.
        """
        if self._encoder is None:
            raise RuntimeError("a worker has to begin before it encodes")
        with closing(encode_attempts([attempt], self._encoder, options, self._threads)) as parts:
            yield from parts


def probe_picture() -> bytes:
    """Return the bytes of the JPEG that all workers of a build encode for their probe."""
    rows, columns = np.indices(_PROBE_SIZE)
    channels = (rows * 7 + columns * 3, rows * columns // 97, (rows // 16 + columns // 16) * 40)
    pixels = np.stack(channels, axis=-1) % 256
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()
