"""Pictures per second of the encoder alone, and of a whole build, in turn."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.images import open_image
from model.places import Place
from model.preprocess import preprocess


@dataclass(frozen=True)
class Throughput:
    """Hold the measured times.

    Attributes:
        pictures: The number of pictures in one run.
        batch_size: The number of pictures in one forward pass.
        encoder_s: Seconds of each run of the encoder alone, over decoded pictures.
        build_s: Seconds of each whole build: reading, decoding, encoding, writing, publishing.
    """

    pictures: int
    batch_size: int
    encoder_s: tuple[float, ...]
    build_s: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Return the throughput of the build relative to the encoder: the median over pairs of consecutive runs."""
        return median(alone / whole for alone, whole in zip(self.encoder_s, self.build_s, strict=True))

    @property
    def encoder_rate(self) -> float:
        """Return pictures per second of the encoder alone."""
        return self.pictures / median(self.encoder_s)

    @property
    def build_rate(self) -> float:
        """Return pictures per second of the build."""
        return self.pictures / median(self.build_s)


def measure_throughput(
    encoder: Encoder,
    places: Sequence[Place],
    folder: Path,
    *,
    repeats: int,
    on_done: Callable[[str], None] = lambda _: None,
) -> Throughput:
    """Encode and build in turn, after one batch to warm up.

    Args:
        encoder: The network.
        places: The pictures of the map; decoded they must fit into memory, 600 kB each.
        folder: An empty folder, in which maps are made and removed.
        repeats: The number of runs of each.
        on_done: A function that receives each run.
    """
    options = BuildOptions()
    images = torch.stack([preprocess(open_image(place.path), encoder.preparation) for place in places])
    encoder.encode(images[: options.batch_size])
    encoder_s, build_s = [], []
    for number in range(repeats):
        encoder_s.append(_encode_all(encoder, images, options.batch_size))
        on_done(f"encoder alone: {len(places) / encoder_s[-1]:.2f} pictures/s")
        build_s.append(_build(encoder, places, folder / f"{number}", options))
        on_done(f"whole build: {len(places) / build_s[-1]:.2f} pictures/s")
    return Throughput(len(places), options.batch_size, tuple(encoder_s), tuple(build_s))


def listing_of(places: Sequence[Place]) -> SourceListing:
    """Return a source of exactly these pictures."""
    return SourceListing(tuple(places), (), "csv", places[0].path.parent)


def _encode_all(encoder: Encoder, images: Tensor, batch_size: int) -> float:
    start_s = time.perf_counter()
    for start in range(0, len(images), batch_size):
        encoder.encode(images[start : start + batch_size]).global_features.cpu()
    return time.perf_counter() - start_s


def _build(encoder: Encoder, places: Sequence[Place], path: Path, options: BuildOptions) -> float:
    start_s = time.perf_counter()
    build_map(listing_of(places), encoder, path, options)
    duration_s = time.perf_counter() - start_s
    shutil.rmtree(path)
    return duration_s
