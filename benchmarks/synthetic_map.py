"""A map of invented pictures, for benchmarks that need its size and not its content."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import normalize

from index_builder.codebook_sample import with_codebook
from model.geo import LatLon
from model.preprocess import Preprocessing
from place_map import layout
from place_map.feature_store import TORCH_TYPES
from place_map.local_codec import StoreType, global_type
from place_map.manifest import Counts, FeatureShapes, NetworkIdentity, SourceHint
from place_map.place_file import PlaceRecord
from place_map.segment_writer import SegmentWriter
from place_map.version_writer import VersionContent, write_version

GRID, CHANNELS, GLOBAL_DIM = (61, 61), 128, 1024
CELLS = GRID[0] * GRID[1]

_DISTINCT = 16  # number of pictures whose features are repeated
_DISTINCT_LOCALS = 4  # local features repeat sooner, because finding learned codes takes long


def write_synthetic_map(path: Path, places: int, store: StoreType, seed: int = 0) -> Path:
    """Write a map in one segment, with random features of length 1 and the shapes of ViT-L/14.

    Args:
        path: The directory to make.
        places: The number of pictures.
        store: The stored form of local features.
        seed: The seed of the features.
    """
    shapes = FeatureShapes(
        global_dim=GLOBAL_DIM, local_grid=GRID, local_dim=CHANNELS, dtype=global_type(store), local_store=store
    )
    network = NetworkIdentity(fingerprint="0" * 64, is_trained=False, config={}, weights_path=None)
    records = (
        PlaceRecord(f"p{row}", LatLon(row / 1e5, 1), None, None, f"p{row}.jpg", "0" * 64) for row in range(places)
    )
    return write_map_of(path, records, network, shapes, Preprocessing.ANTIALIAS, seed)


def write_map_of(
    path: Path,
    records: Iterable[PlaceRecord],
    network: NetworkIdentity,
    shapes: FeatureShapes,
    preprocessing: Preprocessing,
    seed: int = 0,
) -> Path:
    """Write a map of given pictures in one segment, with random features of length 1, which repeat.

    Args:
        path: The directory to make.
        records: The pictures, at least one.
        network: The network that the map names for the features.
        shapes: The shapes of the features.
        preprocessing: The preprocessing that the map names.
        seed: The seed of the features.
    """
    generator = torch.Generator().manual_seed(seed)
    rows, columns = shapes.local_grid
    global_features, local_features = (
        normalize(torch.randn(_DISTINCT, *shape, generator=generator), dim=-1)
        for shape in ((shapes.global_dim,), (rows * columns, shapes.local_dim))
    )
    stored_global = global_features.to(TORCH_TYPES[shapes.dtype]).numpy()
    shapes = with_codebook(shapes, local_features[:1])  # random features teach nothing
    stored_local = shapes.local_codec.encode(local_features[:_DISTINCT_LOCALS]).numpy()
    stored_local = np.tile(stored_local, (_DISTINCT // _DISTINCT_LOCALS, 1, 1))
    segment_id = layout.segment_id_of(1)
    directory = layout.segment_dir(path, segment_id)
    directory.mkdir(parents=True)
    writer = SegmentWriter(directory, shapes)
    placed = 0
    for batch in _batched(records, _DISTINCT):
        writer.append(batch, [None] * len(batch), stored_global[: len(batch)], stored_local[: len(batch)])
        placed += len(batch)
    segment = writer.finish(segment_id)
    writer.close()
    if segment is None:
        raise ValueError("a map has one picture at least")
    write_version(
        path,
        VersionContent(
            version=layout.FIRST_NUMBER,
            sources=(SourceHint(kind="synthetic", path="nowhere"),),
            network=network,
            preprocessing=preprocessing,
            features=shapes,
            counts=Counts(placed=placed, skipped=0, rejected=0),
            segments=(segment,),
            index_factory="Flat",
            left_out_csv=b"path,outcome,code,reason\n",
        ),
    )
    return path


def _batched(records: Iterable[PlaceRecord], size: int) -> Iterator[list[PlaceRecord]]:
    """Yield pictures in batches; the last may be smaller."""
    rest = iter(records)
    while batch := list(islice(rest, size)):
        yield batch
