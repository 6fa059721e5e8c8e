"""Write the segments and versions of a map of many invented places; a repeated run keeps finished segments.

Global features have the width of ViT-L, are random, and are all different. Local features have 1,000 cells of 128 bits,
16 kB a picture, and repeat after 4,096 pictures; every picture takes its place on the disk, and no file is sparse.
"""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np

from benchmarks.synthetic_map import GLOBAL_DIM
from index_builder.build_options import BuildOptions
from model.durable import write_atomically
from model.geo import LatLon
from model.preprocess import Preprocessing
from place_map import layout
from place_map.index_files import BaseIndex
from place_map.manifest import Counts, FeatureShapes, NetworkIdentity, SourceHint
from place_map.place_file import PlaceRecord
from place_map.segment import Segment
from place_map.segment_writer import SegmentWriter
from place_map.version_writer import VersionContent, write_version
from place_map.versions import read_manifest

SHAPES = FeatureShapes(global_dim=GLOBAL_DIM, local_grid=(25, 40), local_dim=128, dtype="float16", local_store="binary")
FIRST_VERSION, SECOND_VERSION = "000001", "000002"
_FINISHED = "finished"  # a folder beside the map, with a file for each segment that is complete
_ROWS_AT_A_TIME = 4096
_FIRST_TIME = datetime(2024, 1, 1, tzinfo=UTC)


def segment_sizes(places: int) -> list[int]:
    """Return the numbers of pictures of the segments, as a build chooses them, and one more of a single picture."""
    size = BuildOptions().segment_size_for(places)
    return [*(min(size, places - start) for start in range(0, places, size)), 1]


def write_segments(folder: Path, places: int, seed: int, on_done: Callable[[int], None]) -> tuple[Segment, ...]:
    """Write the segments that are not complete yet.

    Args:
        folder: The folder with the map and the notes about complete segments.
        places: The pictures of the first version; the last segment has one more, which is added later.
        seed: The seed of the features.
        on_done: A function of the number of rows written since the last call.
    """
    (folder / _FINISHED).mkdir(parents=True, exist_ok=True)
    segments, first_row = [], 0
    for number, rows in enumerate(segment_sizes(places), start=1):
        segment_id = layout.segment_id_of(number)
        note = folder / _FINISHED / f"{segment_id}.json"
        if not note.exists():
            random = np.random.default_rng([seed, number])
            segment = _write_segment(layout.segment_dir(folder / "map", segment_id), first_row, rows, random)
            write_atomically(note, segment.model_dump_json().encode())
        segments.append(Segment.model_validate_json(note.read_bytes()))
        first_row += rows
        on_done(rows)
    return tuple(segments)


def write_next_version(map_dir: Path, segments: tuple[Segment, ...], factory: str) -> None:
    """Write the first version of a map, or a second one that shares the codes of its index."""
    has_first = (map_dir / layout.CURRENT).exists()
    base = BaseIndex(map_dir, FIRST_VERSION, read_manifest(map_dir).index, has_same_rows=False) if has_first else None
    write_version(
        map_dir,
        VersionContent(
            version=SECOND_VERSION if has_first else FIRST_VERSION,
            sources=(SourceHint(kind="synthetic", path="nowhere"),),
            network=NetworkIdentity(fingerprint="0" * 64, is_trained=False, config={}, weights_path=None),
            preprocessing=Preprocessing.ANTIALIAS,
            features=SHAPES,
            counts=Counts(placed=sum(segment.rows for segment in segments), skipped=0, rejected=0),
            segments=segments,
            index_factory=factory,
            left_out_csv=b"path,outcome,code,reason\n",
            base_index=base,
        ),
    )


def id_of(row: int) -> str:
    """Return the id of a picture."""
    return f"street/{row:012d}.jpg"


def _write_segment(directory: Path, first_row: int, rows: int, random: np.random.Generator) -> Segment:
    shutil.rmtree(directory, ignore_errors=True)  # the possible remains of a killed run
    directory.mkdir(parents=True)
    codes = random.integers(0, 256, (min(rows, _ROWS_AT_A_TIME), SHAPES.local_count, 16), dtype=np.uint8)
    writer = SegmentWriter(directory, SHAPES)
    try:
        for start in range(first_row, first_row + rows, _ROWS_AT_A_TIME):
            batch = range(start, min(start + _ROWS_AT_A_TIME, first_row + rows))
            features = random.standard_normal((len(batch), GLOBAL_DIM), dtype=np.float32)
            features /= np.linalg.norm(features, axis=1, keepdims=True)
            writer.append(
                [_record(row) for row in batch], [None] * len(batch), features.astype(np.float16), codes[: len(batch)]
            )
        segment = writer.finish(directory.name)
    finally:
        writer.close()
    if segment is None:
        raise AssertionError("a segment of invented places has places")
    return segment


def _record(row: int) -> PlaceRecord:
    name = id_of(row)
    return PlaceRecord(
        id=name,
        position=LatLon(row // 1000 * 1e-4, row % 1000 * 1e-4),
        heading_deg=float(row % 360),
        time=_FIRST_TIME + timedelta(seconds=row),
        source_path=name,
        content_sha256=sha256(name.encode()).hexdigest(),
    )
