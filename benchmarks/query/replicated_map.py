"""A large map from few pictures: each is written many times, with noise, so that no two places are equal."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize

from index_builder.codebook_sample import with_codebook
from model.encoder import Encoder
from model.features import Features
from model.geo import LatLon
from place_map import layout
from place_map.local_codec import StoreType
from place_map.manifest import Counts, FeatureShapes, NetworkIdentity, SourceHint
from place_map.place_file import PlaceRecord
from place_map.segment import Segment
from place_map.segment_writer import SegmentWriter
from place_map.version_writer import VersionContent, write_version

NOISE = 0.3  # length of the noise on a feature of length 1
_APART_DEG = 1e-4  # about 11 m
_BATCH = 16


def write_replicated_map(
    path: Path,
    encoder: Encoder,
    features: Sequence[Features],
    places: int,
    store: StoreType,
    on_done: Callable[[int], None] = lambda _: None,
) -> None:
    """Write a map with a number of places.

    Args:
        path: The directory of the new map.
        encoder: The encoder of the features.
        features: The features of the pictures, one picture each.
        places: The number of rows of the map; the last copy of the pictures may be partial.
        store: The store of local features.
        on_done: A function of the number of rows written since the last call.
    """
    shapes = FeatureShapes(
        global_dim=encoder.global_dim,
        local_grid=encoder.local_grid,
        local_dim=encoder.local_dim,
        dtype="float16",
        local_store=store,
    )
    shapes = with_codebook(shapes, (each.local_features[0] for each in features))
    codec = shapes.local_codec
    generator = torch.Generator().manual_seed(0)
    segments: list[Segment] = []
    for number, first in enumerate(range(0, places, len(features)), start=1):
        copied = features[: places - first]
        directory = layout.segment_dir(path, layout.segment_id_of(number))
        directory.mkdir(parents=True)
        writer = SegmentWriter(directory, shapes)
        # Drawing noise for each picture would take longer than all other steps. Each copy of all pictures has one
        # noise, and every picture starts at another cell of it.
        local_noise = normalize(torch.randn(features[0].local_features.shape[1:], generator=generator), dim=-1)
        for start in range(0, len(copied), _BATCH):
            batch = copied[start : start + _BATCH]
            rows = range(first + start, first + start + len(batch))
            global_features = torch.cat([each.global_features for each in batch])
            local_features = torch.stack(
                [
                    _noisy(each.local_features[0], local_noise.roll(start + offset, 0))
                    for offset, each in enumerate(batch)
                ]
            )
            noise = normalize(torch.randn(global_features.shape, generator=generator), dim=-1)
            writer.append(
                [_record(row) for row in rows],
                [None] * len(batch),
                _noisy(global_features, noise).half().numpy(),
                codec.encode(local_features).numpy(),
            )
            on_done(len(batch))
        segment = writer.finish(layout.segment_id_of(number))
        writer.close()
        assert segment is not None  # noqa: S101  (there is at least one picture)
        segments.append(segment)
    write_version(
        path,
        VersionContent(
            version="000001",
            sources=(SourceHint(kind="replicated", path=""),),
            network=NetworkIdentity(
                fingerprint=encoder.fingerprint,
                is_trained=encoder.is_trained,
                config=encoder.config.to_dict(),
                weights_path=None,
                precision=encoder.precision,
            ),
            preprocessing=encoder.preparation.preprocessing,
            features=shapes,
            counts=Counts(placed=places, skipped=0, rejected=0),
            segments=tuple(segments),
            index_factory="Flat",
            left_out_csv=b"path,outcome,code,reason\n",
        ),
    )


def _noisy(features: Tensor, noise: Tensor) -> Tensor:
    return normalize(features + NOISE * noise, dim=-1)


def _record(row: int) -> PlaceRecord:
    position = LatLon(row // 1000 * _APART_DEG, row % 1000 * _APART_DEG)
    return PlaceRecord(f"{row:06d}", position, None, None, f"{row:06d}.jpg", "0" * 64)
