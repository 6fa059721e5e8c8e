"""The writing of the files of a version's shortlist index."""

import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.durable import sync
from place_map import layout
from place_map.faiss_library import load_faiss
from place_map.feature_store import StoredFeatures, map_features
from place_map.file_sum import FileSum
from place_map.index_codes import add_codes, has_codes, kept_codes, needs_nothing, write_codes
from place_map.index_entry import IndexCodes, IndexEntry
from place_map.index_making import Chunks, made_index
from place_map.manifest import FeatureShapes
from place_map.segment import Segment

_CHUNK_ROWS = 16_384


@dataclass(frozen=True)
class BaseIndex:
    """Hold the index of the version from which a new one is made.

    Attributes:
        map_path: The map that has its files.
        version: The version.
        entry: The index.
        has_same_rows: Whether the new version has exactly the same rows.
    """

    map_path: Path
    version: str
    entry: IndexEntry
    has_same_rows: bool

    def kept_codes(self, factory: str, pictures: int) -> IndexCodes | None:
        """Return the codes that stay in the new version; None if it needs a new codebook or has no codes."""
        return kept_codes(self.entry, factory, pictures)

    def kept_files(self, factory: str, pictures: int, segments: Collection[str]) -> dict[str, FileSum]:
        """Return path below the map → size and sum, for the files that serve the new version.

        Args:
            factory: The index of the new version.
            pictures: The number of its pictures.
            segments: The ids of its segments.
        """
        codes = self.kept_codes(factory, pictures)
        if codes is not None:
            return codes.files(each for each in codes.segments if each in segments)
        return {} if self.kept_file is None else self.entry.files(self.version)

    @property
    def kept_file(self) -> Path | None:
        """Return the one file, if it serves the new version."""
        if self.entry.file is None or not self.has_same_rows:
            return None
        return layout.version_dir(self.map_path, self.version) / layout.INDEX


def write_index_file(path: Path, factory: str, width: int, chunks: Chunks) -> None:
    """Build an index and write it to one file.

    Args:
        path: The file to write.
        factory: A string of faiss's ``index_factory``.
        width: Width of the global features.
        chunks: The global features of all rows.

    Raises:
        InvalidInput: The index cannot be made or trained.
        OSError: The file cannot be written.
    """
    faiss, index = load_faiss(), made_index(factory, width, chunks)
    # Python writes the file, because faiss's writer does not notice a disk that is full at the very end.
    with path.open("xb") as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))


def write_index(
    version_dir: Path,
    factory: str,
    requested: str,
    shapes: FeatureShapes,
    segments: Sequence[Segment],
    segment_dir: Callable[[str], Path],
    base: BaseIndex | None,
) -> IndexEntry:
    """Write the files of an index, without those that the base has already.

    Args:
        version_dir: The directory of the new version; ``codes`` stands beside ``versions``.
        factory: A string of faiss's ``index_factory``.
        requested: The requested index.
        shapes: The shapes of the features.
        segments: The segments of the version.
        segment_dir: A function from the id of a segment to its directory.
        base: The index of the version before; None for none.

    Raises:
        InvalidInput: The index cannot be made or trained.
        OSError: A file cannot be written.
    """
    width, root = shapes.global_dim, version_dir.parent.parent
    if base is None or base.map_path != root:
        shutil.rmtree(root / layout.CODES, ignore_errors=True)  # the possible remains of a killed run

    def globals_of(segment: Segment) -> StoredFeatures:
        path = segment_dir(segment.id) / layout.GLOBALS
        return map_features(path, (segment.rows, width), shapes.dtype)

    def chunks() -> Iterator[StoredFeatures]:
        for segment in segments:
            features, live = globals_of(segment), segment.live()
            for start in range(0, len(live), _CHUNK_ROWS):
                rows = live[start : start + _CHUNK_ROWS]
                span = features[rows[0] : rows[-1] + 1]
                yield span if len(span) == len(rows) else span[rows - rows[0]]

    file, codes = None, None
    if has_codes(factory, width):
        kept = None if base is None else base.kept_codes(factory, sum(segment.live_rows for segment in segments))
        if base is None or kept is None:
            codes = write_codes(root, version_dir.name, factory, width, segments, globals_of, chunks)
        else:
            codes = add_codes(root, base.map_path / layout.codebook_name(kept.number), kept, segments, globals_of)
    elif not needs_nothing(factory, width):
        path = version_dir / layout.INDEX
        if base is None or base.kept_file is None:
            write_index_file(path, factory, width, chunks)
        else:
            shutil.copyfile(base.kept_file, path)
        sync(path)
        file = FileSum.of(path)
    return IndexEntry(factory=factory, requested=requested, file=file, codes=codes)
