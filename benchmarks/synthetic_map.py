"""A map of pictures that nobody took: for benchmarks that need its size, and not what it shows."""

from pathlib import Path

import torch
from torch.nn.functional import normalize

from model.geo import LatLon
from model.preprocess import Preprocessing
from place_map import layout
from place_map.feature_store import TORCH_TYPES
from place_map.local_codec import StoreType, global_type
from place_map.manifest import Counts, FeatureShapes, NetworkIdentity, SourceHint
from place_map.place_table import PlaceRecord
from place_map.segment_writer import SegmentWriter
from place_map.version_writer import VersionContent, write_version

GRID, CHANNELS, GLOBAL_DIM = (61, 61), 128, 1024
CELLS = GRID[0] * GRID[1]

_DISTINCT = 16  # pictures, whose features are repeated


def write_synthetic_map(path: Path, places: int, store: StoreType, seed: int = 0) -> Path:
    """Writes a map in one segment, with random features of length 1 and the shapes of ViT-L/14.

    Args:
        path: The directory to make.
        places: How many pictures.
        store: What local features are stored as.
        seed: Of the features.
    """
    shapes = FeatureShapes(
        global_dim=GLOBAL_DIM, local_grid=GRID, local_dim=CHANNELS, dtype=global_type(store), local_store=store
    )
    generator = torch.Generator().manual_seed(seed)
    global_features, local_features = (
        normalize(torch.randn(_DISTINCT, *shape, generator=generator), dim=-1)
        for shape in ((GLOBAL_DIM,), (CELLS, CHANNELS))
    )
    stored_global = global_features.to(TORCH_TYPES[shapes.dtype]).numpy()
    stored_local = shapes.local_codec.encode(local_features).numpy()
    segment_id = layout.segment_id_of(1)
    directory = layout.segment_dir(path, segment_id)
    directory.mkdir(parents=True)
    writer = SegmentWriter(directory, shapes)
    for start in range(0, places, _DISTINCT):
        count = min(_DISTINCT, places - start)
        records = [
            PlaceRecord(f"p{row}", LatLon(row / 1e5, 1), None, None, f"p{row}.jpg", "0" * 64)
            for row in range(start, start + count)
        ]
        writer.append(records, [None] * count, stored_global[:count], stored_local[:count])
    segment = writer.finish(segment_id)
    writer.close()
    if segment is None:
        raise ValueError("a map has one picture at least")
    write_version(
        path,
        VersionContent(
            version=layout.FIRST_NUMBER,
            sources=(SourceHint(kind="synthetic", path="nowhere"),),
            network=NetworkIdentity(fingerprint="0" * 64, is_trained=False, config={}, weights_path=None),
            preprocessing=Preprocessing.ANTIALIAS,
            features=shapes,
            counts=Counts(placed=places, skipped=0, rejected=0),
            segments=(segment,),
            index_factory="Flat",
            left_out_csv=b"path,outcome,code,reason\n",
        ),
    )
    return path
