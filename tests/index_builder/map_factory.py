"""Small maps for tests: from photos by the real builder, or from given features by the real writer."""

import csv
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.change_report import ChangeReport
from index_builder.codebook_sample import with_codebook
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.geo import LatLon
from model.places import Place
from model.preprocess import Preprocessing
from place_map import layout
from place_map.current import Current
from place_map.feature_store import StoredArray, StoredFeatures
from place_map.file_sum import FileSum
from place_map.index_files import write_index_file
from place_map.left_out import LeftOut
from place_map.local_codec import StoreType
from place_map.manifest import Counts, FeatureShapes, NetworkIdentity, SourceHint
from place_map.place_file import PlaceRecord
from place_map.segment import Segment
from place_map.segment_writer import SegmentWriter
from place_map.version_writer import VersionContent, write_manifest, write_version
from place_map.versions import read_manifest
from tests.conftest import write_photo

NO_NETWORK = NetworkIdentity(fingerprint="0" * 64, is_trained=True, config={}, weights_path=None)
SMALL = BuildOptions(batch_size=2, segment_size=4)
DATA_FILES = ("*.npy", "*.parquet", "*.mjpeg", "*.faiss", "*.csv")


def photo_listing(folder: Path, count: int, left_out: Sequence[LeftOut] = ()) -> SourceListing:
    """Write photos ``00.jpg``, ``01.jpg``, … on a line to the north, and lists them; each folder has its own."""
    first_seed = crc32(folder.name.encode())
    places = [
        Place(
            id=f"{number:02d}.jpg",
            path=write_photo(folder / f"{number:02d}.jpg", seed=first_seed + number),
            position=LatLon(55 + number / 1000, 13.2),
            heading_deg=float(number) if number % 2 else None,
        )
        for number in range(count)
    ]
    return SourceListing(tuple(places), tuple(left_out), "exif folder", folder)


def build_small(folder: Path, encoder: Encoder, count: int = 6) -> ChangeReport:
    """Build ``folder/maps/town`` from photos in ``folder/photos``; segments of 4 pictures."""
    return build_map(photo_listing(folder / "photos", count), encoder, folder / "maps" / "town", SMALL)


def data_files(map_path: Path) -> dict[str, bytes]:
    """Return path below the map → bytes of every file that is equal in all builds."""
    paths = [path for pattern in DATA_FILES for path in map_path.rglob(pattern)]
    return {path.relative_to(map_path).as_posix(): path.read_bytes() for path in paths}


def left_out_of(map_path: Path) -> list[dict[str, str]]:
    """Return the rows of the table of left-out pictures."""
    with (map_path / "versions/000001/left_out.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def with_index_file(path: Path, global_features: NDArray[np.float16]) -> None:
    """Turn the served version into format 6, with one file for the index, over the live rows or other vectors."""
    manifest = read_manifest(path)
    directory = layout.version_dir(path, manifest.version)
    file = directory / layout.INDEX
    file.unlink(missing_ok=True)
    write_index_file(file, manifest.index.factory, global_features.shape[1], lambda: [global_features])
    entry = manifest.index.model_copy(update={"file": FileSum.of(file), "codes": None})
    old = write_manifest(directory, manifest.model_copy(update={"format_version": 6, "index": entry}))
    (path / layout.CURRENT).write_bytes(Current.to_manifest(old).to_bytes())


def unit_rows(values: NDArray[np.floating]) -> NDArray[np.float16]:
    """Return rows of length 1, rounded as a map stores them."""
    rows: NDArray[np.float64] = values.astype(np.float64)
    lengths: NDArray[np.float64] = np.linalg.norm(rows, axis=-1, keepdims=True)
    return (rows / lengths).astype(np.float16)


def write_features_map(
    path: Path,
    global_features: StoredFeatures,
    local_features: StoredFeatures | None = None,
    *,
    segment_rows: int = 1000,
    index: str = "Flat",
    local_store: StoreType | None = None,
    local_extras: NDArray[np.float32] | None = None,
    records: Sequence[PlaceRecord] | None = None,
    network: NetworkIdentity = NO_NETWORK,
) -> Path:
    """Write a map of given features, in their type; without local ones, each picture gets 4 cells of 2 channels.

    With ``local_store`` the local features are encoded, with the extras beside them if there are some; without, they
    are float16 or float32 and stored as they are.
    """
    count = len(global_features)
    if local_features is None:
        cells = unit_rows(np.ones((count, 4, 2)))
        local_features = cells.astype(np.float32) if global_features.dtype == np.float32 else cells
    if records is None:
        records = [
            PlaceRecord(f"p{row}", LatLon(row / 1000, 1), None, None, f"p{row}.jpg", "0" * 64) for row in range(count)
        ]
    shapes = FeatureShapes(
        global_dim=global_features.shape[1],
        local_grid=(local_features.shape[1], 1),
        local_dim=local_features.shape[2],
        local_extras=0 if local_extras is None else local_extras.shape[2],
        dtype="float32" if global_features.dtype == np.float32 else "float16",
        local_store=local_store,
    )
    shapes = with_codebook(shapes, torch.from_numpy(local_features.astype(np.float32)))
    stored: StoredArray = local_features
    if local_store is not None:
        beside = None if local_extras is None else torch.from_numpy(local_extras)
        stored = shapes.local_codec.encode(torch.from_numpy(local_features.astype(np.float32)), beside).numpy()
    segments: list[Segment] = []
    for number, start in enumerate(range(0, count, segment_rows), start=1):
        rows = slice(start, start + segment_rows)
        directory = layout.segment_dir(path, layout.segment_id_of(number))
        directory.mkdir(parents=True)
        writer = SegmentWriter(directory, shapes)
        part = records[rows]
        writer.append(part, [None] * len(part), global_features[rows], stored[rows])
        segment = writer.finish(layout.segment_id_of(number))
        writer.close()
        assert segment is not None
        segments.append(segment)
    write_version(
        path,
        VersionContent(
            version="000001",
            sources=(SourceHint(kind="csv", path="/nowhere.csv"),),
            network=network,
            preprocessing=Preprocessing.ANTIALIAS,
            features=shapes,
            counts=Counts(placed=count, skipped=0, rejected=0),
            segments=tuple(segments),
            index_factory=index,
            left_out_csv=b"path,outcome,code,reason\n",
        ),
    )
    return path
