"""A copy of a map with another store of local features, so that the network encodes every picture once."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from index_builder.codebook_sample import sample_order, with_codebook
from model.errors import InvalidInput, StorageError
from place_map import layout
from place_map.current import Current
from place_map.feature_store import FeatureWriter, map_features
from place_map.file_sum import FileSum
from place_map.local_codec import StoreType
from place_map.manifest import FeatureShapes
from place_map.reader import PlaceMap
from place_map.segment import Segment
from place_map.versions import read_manifest

_CPU = torch.device("cpu")


def recode(source: Path, store: StoreType, out: Path, device: torch.device = _CPU) -> Path:
    """Write a map that differs from another one only in its local features; all other files are shared.

    Args:
        source: A map of float32 features without thumbnails, on the same file system.
        store: The stored form of the local features.
        out: The directory of the new map.
        device: The device of the rounding.

    Raises:
        InvalidInput: The map has other features, or thumbnails.
        StorageError: The disk has no room.
    """
    manifest = read_manifest(source)
    if manifest.features.local_codec.store != "float32" or any(each.thumbnails.count for each in manifest.segments):
        raise InvalidInput(f"{source} is stored as other maps are made from: give one of float32 without thumbnails")
    shapes = with_codebook(manifest.features.model_copy(update={"local_store": store}), _sample(source))
    needed = manifest.counts.placed * shapes.bytes_per_picture
    free = shutil.disk_usage(source).free
    if needed > free:
        raise StorageError(
            f"local features as {store} take {needed / 1e6:,.0f} MB, and {source.parent} has {free / 1e6:,.0f} MB "
            "free: make room, or let TMPDIR name a folder on another disk"
        )
    segments = tuple(
        _recode_segment(source, segment, manifest.features, shapes, out, device) for segment in manifest.segments
    )
    recoded = manifest.model_copy(update={"features": shapes, "segments": segments})
    there = layout.version_dir(out, manifest.version)
    there.mkdir(parents=True)
    for name in set(manifest.files) - set(manifest.files_of(manifest.segments)):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        os.link(source / name, out / name)
    (there / layout.MANIFEST).write_bytes(recoded.to_json())
    for path in (there / layout.POINTER, out / layout.CURRENT):
        path.write_bytes(Current.to_manifest(recoded).to_bytes())
    return out


def _sample(source: Path) -> Iterator[Tensor]:
    """Yield the local features of pictures in the order in which a build takes them into a sample."""
    with PlaceMap.open(source) as place_map:
        for row in sample_order(len(place_map)):
            yield place_map.local_features(np.array([row]))[0]


def _recode_segment(
    source: Path, segment: Segment, old: FeatureShapes, new: FeatureShapes, out: Path, device: torch.device
) -> Segment:
    here, there = (layout.segment_dir(path, segment.id) for path in (source, out))
    there.mkdir(parents=True)
    for name in (layout.PLACES, layout.GLOBALS):
        os.link(here / name, there / name)
    codec = new.local_codec
    features = map_features(here / layout.LOCALS, (segment.rows, old.local_count, old.local_dim), "float32")
    with FeatureWriter(there / layout.LOCALS, codec.row_shape(new.local_count), codec.array_type) as writer:
        for row in range(segment.rows):
            picture = torch.from_numpy(features[row : row + 1].copy())  # torch warns about read-only memory
            writer.append(codec.encode(picture.to(device)).cpu().numpy())
        writer.finish()
    return segment.model_copy(update={"files": segment.files | {layout.LOCALS: FileSum.of(there / layout.LOCALS)}})
