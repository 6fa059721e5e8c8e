"""The writer of one version over finished segments: the index, the list of pictures left out, the manifest last."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from pathlib import Path

from model.durable import sync, write_atomically
from model.preprocess import Preprocessing
from place_map import layout
from place_map.current import Current
from place_map.faiss_library import faiss_version
from place_map.file_sum import FileSum
from place_map.index_files import BaseIndex, write_index
from place_map.manifest import (
    BUILT,
    Change,
    Counts,
    FeatureShapes,
    Manifest,
    NetworkIdentity,
    SourceHint,
)
from place_map.segment import Segment


@dataclass(frozen=True)
class VersionContent:
    """Hold the content of a new version, in the fields of ``Manifest``.

    Attributes:
        calibration: The bytes of ``calibration.json``; None if there is none.
        base_index: The index of the version before, whose files may be kept; None for the first version.
    """

    version: str
    sources: tuple[SourceHint, ...]
    network: NetworkIdentity
    preprocessing: Preprocessing
    features: FeatureShapes
    counts: Counts
    segments: tuple[Segment, ...]
    index_factory: str
    left_out_csv: bytes
    index_requested: str | None = None
    parent: str | None = None
    change: Change = BUILT
    next_segment: int | None = None
    calibration: bytes | None = None
    base_index: BaseIndex | None = None


def write_version(map_path: Path, content: VersionContent) -> Manifest:
    """Write a version beside its segments, and point ``CURRENT`` to it.

    Args:
        map_path: Directory of the map; the segments are in it.
        content: The content of the version.

    Returns:
        The manifest that was written.

    Raises:
        InvalidInput: The index cannot be trained with these pictures.
        OSError: The files cannot be written.
    """
    manifest = write_version_files(
        layout.version_dir(map_path, content.version), content, lambda segment: layout.segment_dir(map_path, segment)
    )
    write_atomically(map_path / layout.CURRENT, Current.to_manifest(manifest).to_bytes())
    return manifest


def write_version_files(directory: Path, content: VersionContent, segment_dir: Callable[[str], Path]) -> Manifest:
    """Write the directory of a version; nothing points to it yet.

    Args:
        directory: The directory; its old content is removed.
        content: The content of the version.
        segment_dir: A function from the id of a segment to its directory.

    Returns:
        The manifest that was written.

    Raises:
        InvalidInput: The index cannot be trained with these pictures.
        OSError: The files cannot be written.
    """
    shutil.rmtree(directory, ignore_errors=True)  # the possible remains of a killed run
    directory.mkdir(parents=True)
    left_out_path = directory / layout.LEFT_OUT
    index = write_index(
        directory,
        content.index_factory,
        content.index_requested or content.index_factory,
        content.features,
        content.segments,
        segment_dir,
        content.base_index,
    )
    write_atomically(left_out_path, content.left_out_csv)
    manifest = Manifest(
        version=content.version,
        parent=content.parent,
        change=content.change,
        next_segment=content.next_segment or max(int(segment.id) for segment in content.segments) + 1,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        created_by=software_versions() | {"faiss": faiss_version()},
        sources=content.sources,
        network=content.network,
        preprocessing=content.preprocessing,
        features=content.features,
        counts=content.counts,
        index=index,
        left_out=FileSum.of(left_out_path),
        segments=content.segments,
    )
    return write_manifest(directory, manifest, content.calibration)


def write_manifest(directory: Path, manifest: Manifest, calibration: bytes | None = None) -> Manifest:
    """Write the manifest of a version, with a calibration if there is one; nothing points to the version yet.

    Args:
        directory: The directory of the version, which holds its other files.
        manifest: The manifest.
        calibration: The bytes of ``calibration.json``.

    Returns:
        The manifest that was written.
    """
    if calibration is not None:
        path = directory / layout.CALIBRATION
        write_atomically(path, calibration)
        manifest = manifest.model_copy(update={"calibration": FileSum.of(path)})
    write_atomically(directory / layout.MANIFEST, manifest.to_json())
    write_atomically(directory / layout.POINTER, Current.to_manifest(manifest).to_bytes())
    sync(directory.parent)
    return manifest


def software_versions() -> dict[str, str]:
    """Return the versions of all software that affects the bytes of a map's data files, except the index."""
    names = {"placefix": "placefix", "torch": "torch", "numpy": "numpy", "pillow": "pillow", "pyarrow": "pyarrow"}
    return {name: version_of(distribution) for name, distribution in names.items()}
