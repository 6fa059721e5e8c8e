"""Writes one version over finished segments: the index, the list of what was left out, the manifest last."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from pathlib import Path

from index_builder.place_map import layout
from index_builder.place_map.feature_store import StoredFeatures, map_features
from index_builder.place_map.global_index import faiss_version, write_index
from index_builder.place_map.manifest import (
    Counts,
    Current,
    FeatureShapes,
    FileSum,
    IndexFile,
    Manifest,
    NetworkIdentity,
    Segment,
    SourceHint,
)
from index_builder.place_map.reader import CHUNK_ROWS
from model.durable import sync, write_atomically
from model.preprocess import Preprocessing


@dataclass(frozen=True)
class VersionContent:
    """What a new version consists of; the fields are those of ``Manifest``."""

    version: str
    source: SourceHint
    network: NetworkIdentity
    preprocessing: Preprocessing
    features: FeatureShapes
    counts: Counts
    segments: tuple[Segment, ...]
    index_factory: str
    left_out_csv: bytes


def write_version(map_path: Path, content: VersionContent) -> Manifest:
    """Writes a version beside the segments that it consists of, and points ``CURRENT`` to it.

    Args:
        map_path: Directory of the map; the segments are in it, and have no dead rows.
        content: What to write.

    Returns:
        The manifest, as written.

    Raises:
        InvalidInput: The index cannot be trained with these pictures.
        OSError: The disk does not take it.
    """
    directory = layout.version_dir(map_path, content.version)
    shutil.rmtree(directory, ignore_errors=True)  # what a run that was killed may have left
    directory.mkdir(parents=True)
    index_path, left_out_path = directory / layout.INDEX, directory / layout.LEFT_OUT
    write_index(
        index_path,
        content.index_factory,
        content.features.global_dim,
        lambda: _global_chunks(map_path, content.segments, content.features),
    )
    sync(index_path)
    write_atomically(left_out_path, content.left_out_csv)
    manifest = Manifest(
        version=content.version,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        created_by=software_versions() | {"faiss": faiss_version()},
        source=content.source,
        network=content.network,
        preprocessing=content.preprocessing,
        features=content.features,
        counts=content.counts,
        index=IndexFile(factory=content.index_factory, file=FileSum.of(index_path)),
        left_out=FileSum.of(left_out_path),
        segments=content.segments,
    )
    write_atomically(directory / layout.MANIFEST, manifest.to_json())
    sync(directory.parent)
    write_atomically(map_path / layout.CURRENT, Current.to_manifest(manifest).to_bytes())
    return manifest


def software_versions() -> dict[str, str]:
    """Versions of everything that has a say in the bytes of a map's data files, except the index."""
    names = {"placefix": "placefix", "torch": "torch", "numpy": "numpy", "pillow": "pillow", "pyarrow": "pyarrow"}
    return {name: version_of(distribution) for name, distribution in names.items()}


def _global_chunks(map_path: Path, segments: tuple[Segment, ...], shapes: FeatureShapes) -> Iterator[StoredFeatures]:
    for segment in segments:
        path = layout.segment_dir(map_path, segment.id) / layout.GLOBALS
        features = map_features(path, (segment.rows, shapes.global_dim), shapes.dtype)
        for start in range(0, segment.rows, CHUNK_ROWS):
            yield features[start : start + CHUNK_ROWS]
