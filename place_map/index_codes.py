"""Codes of global features, a file for each segment, and the codebook that made them.

A version's index is joined from the codes of its segments, and answers as if it had been made from all vectors at once.
A version that adds segments keeps the codebook and writes codes for the new ones alone. faiss cannot join codes in the
order that registers need (``…x4fs``), so they are stored in the plain order of ``IndexPQ``, and arranged when they are
opened.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.durable import sync
from place_map import layout
from place_map.errors import MapCorrupt
from place_map.faiss_library import explained, load_faiss, reason_of
from place_map.feature_store import FeatureWriter, StoredFeatures, map_features
from place_map.file_sum import FileSum
from place_map.index_entry import IndexCodes, IndexEntry
from place_map.index_making import Chunks, new_index, trained_index
from place_map.segment import Segment

MOST_GROWTH = 4
"""A codebook is kept until the map has this many times the pictures from which it was learned."""

_ROWS_AT_A_TIME = 16_384

_SAMPLE_CODES = 256
_SAMPLE_QUERIES = 4
_DIGEST_DIGITS = 12

GlobalsOf = Callable[[Segment], StoredFeatures]
"""A function from a segment to its global features ``(rows, D)``, dead rows included."""


def has_codes(factory: str, width: int) -> bool:
    """Return whether an index learns a codebook, and then keeps each vector as a code of its own.

    Raises:
        InvalidInput: faiss does not know the string.
    """
    faiss, index = load_faiss(), new_index(factory, width)
    if type(index) is faiss.IndexScalarQuantizer:
        return not index.is_trained
    return type(index) in (faiss.IndexPQ, faiss.IndexPQFastScan)


def needs_nothing(factory: str, width: int) -> bool:
    """Return whether an index learns nothing and keeps each vector alone, so that it is made when it is opened.

    Raises:
        InvalidInput: faiss does not know the string.
    """
    faiss, index = load_faiss(), new_index(factory, width)
    return bool(index.is_trained) and isinstance(index, (faiss.IndexFlat, faiss.IndexScalarQuantizer))


def kept_codes(entry: IndexEntry, factory: str, pictures: int) -> IndexCodes | None:
    """Return the codes that a version can keep from another one; None if a codebook has to be learned.

    Args:
        entry: The index of the other version.
        factory: The index of the version.
        pictures: The number of its pictures.
    """
    codes = entry.codes
    if codes is None or entry.factory != factory or pictures > MOST_GROWTH * codes.pictures:
        return None
    return codes


def write_codes(
    root: Path,
    number: str,
    factory: str,
    width: int,
    segments: Sequence[Segment],
    globals_of: GlobalsOf,
    chunks: Chunks,
) -> IndexCodes:
    """Learn a codebook, and write it and the codes of all segments.

    Args:
        root: The directory above ``codes``.
        number: The version, which names the codebook.
        factory: A string of faiss's ``index_factory`` for which ``has_codes`` is true.
        width: Width of the global features.
        segments: The segments of the version.
        globals_of: The global features of a segment.
        chunks: The global features of all live rows.

    Raises:
        InvalidInput: The codebook cannot be learned from these pictures.
        OSError: A file cannot be written.
    """
    faiss, encoder = load_faiss(), _encoder_of(trained_index(factory, width, chunks))
    path = root / layout.codebook_name(number)
    path.parent.mkdir(parents=True)
    # Python writes the file, because faiss's writer does not notice a disk that is full at the very end.
    with path.open("xb") as file:
        faiss.write_index(encoder, faiss.PyCallbackIOWriter(file.write))
    sync(path)
    empty = IndexCodes.model_construct(
        number=number,
        pictures=sum(segment.live_rows for segment in segments),
        codebook=FileSum.of(path),
        segments={},
    )
    return add_codes(root, path, empty, segments, globals_of)


def add_codes(
    root: Path, codebook_path: Path, kept: IndexCodes, segments: Sequence[Segment], globals_of: GlobalsOf
) -> IndexCodes:
    """Write the codes of segments that have none yet.

    Args:
        root: The directory above ``codes`` for new files.
        codebook_path: The codebook.
        kept: The codes that exist, of these and of other segments.
        segments: The segments of the version.
        globals_of: The global features of a segment.

    Returns:
        The codes of exactly these segments.

    Raises:
        MapCorrupt: The codebook cannot be read.
        OSError: A file cannot be written.
    """
    encoder = read_codebook(codebook_path)
    found: dict[str, FileSum] = {}
    for segment in segments:
        if segment.id in kept.segments:
            found[segment.id] = kept.segments[segment.id]
            continue
        path = root / layout.codes_name(kept.number, segment.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        with FeatureWriter(path, (encoder.sa_code_size(),), "uint8") as writer:
            for codes in _encoded(encoder, globals_of(segment)):
                writer.append(codes)
            writer.finish()
        found[segment.id] = FileSum.of(path)
        sync(path.parent)
    return IndexCodes(number=kept.number, pictures=kept.pictures, codebook=kept.codebook, segments=found)


def read_codebook(path: Path) -> Any:
    """Read a codebook: an index without vectors that makes codes.

    Raises:
        MapCorrupt: faiss cannot read it.
    """
    faiss = load_faiss()
    try:
        encoder = faiss.read_index(str(path))
    except RuntimeError as error:
        raise MapCorrupt(f"{path} cannot be read: {reason_of(error)}; run placefix verify on the map", path) from error
    if type(encoder) not in (faiss.IndexPQ, faiss.IndexScalarQuantizer) or encoder.ntotal or not encoder.is_trained:
        raise MapCorrupt(f"{path} is not a codebook; run placefix verify on the map", path)
    return encoder


def read_codes(map_path: Path, codes: IndexCodes, segment: Segment, code_bytes: int) -> NDArray[np.uint8]:
    """Map the codes of a segment: ``(rows, code_bytes)``, dead rows included.

    Raises:
        MapCorrupt: The file is not there, or holds another shape or type.
    """
    path = map_path / layout.codes_name(codes.number, segment.id)
    return np.asarray(map_features(path, (segment.rows, code_bytes), "uint8"), dtype=np.uint8)


def join_codes(map_path: Path, entry: IndexEntry, codes: IndexCodes, segments: Sequence[Segment], width: int) -> Any:
    """Return the index over the live rows of segments.

    Args:
        map_path: Directory of the map.
        entry: The index in the manifest.
        codes: Its codes.
        segments: The segments, in the order of the rows.
        width: Width of the global features.

    Raises:
        MapCorrupt: A file cannot be read, or does not fit the index.
    """
    joined = read_codebook(map_path / layout.codebook_name(codes.number))
    for segment in segments:
        of_segment = read_codes(map_path, codes, segment, joined.sa_code_size())
        live = segment.live()
        for start in range(0, len(live), _ROWS_AT_A_TIME):
            joined.add_sa_codes(np.ascontiguousarray(of_segment[live[start : start + _ROWS_AT_A_TIME]]))
    with explained(f"the codes of {map_path.name} do not fit the index {entry.factory!r}"):
        return _arranged(joined, entry.factory, width)


def rounding_of(map_path: Path, entry: IndexEntry, codes: IndexCodes, width: int) -> str:
    """Return a digest of the distances from fixed queries to fixed codes by the codebook of a map.

    Machines with the same digest give a code the same distance, to the last bit. Processors may round differently.

    Args:
        map_path: Directory of the map.
        entry: The index in the manifest.
        codes: Its codes.
        width: Width of the global features.

    Raises:
        MapCorrupt: The codebook cannot be read.
    """
    random, sample = np.random.default_rng(0), read_codebook(map_path / layout.codebook_name(codes.number))
    sample.add_sa_codes(random.integers(0, 256, (_SAMPLE_CODES, sample.sa_code_size()), dtype=np.uint8))
    queries = random.random((_SAMPLE_QUERIES, width), dtype=np.float32) / np.float32(width)
    index, digest = _arranged(sample, entry.factory, width), sha256()
    for query in queries:  # each alone, as a server asks them
        distances, rows = index.search(query[None], _SAMPLE_CODES)
        digest.update(distances[0][np.argsort(rows[0])].tobytes())
    return digest.hexdigest()[:_DIGEST_DIGITS]


def wrong_code(
    map_path: Path, codes: IndexCodes, segment: Segment, encoder: Any, global_features: StoredFeatures
) -> int | None:
    """Return the first row of a segment whose code does not belong to its global feature; None if there is none.

    Raises:
        MapCorrupt: The codes cannot be read.
    """
    stored = read_codes(map_path, codes, segment, encoder.sa_code_size())
    first_row = 0
    for expected in _encoded(encoder, global_features):
        different = np.flatnonzero((stored[first_row : first_row + len(expected)] != expected).any(axis=1))
        if len(different):
            return first_row + int(different[0])
        first_row += len(expected)
    return None


def _arranged(plain: Any, factory: str, width: int) -> Any:
    """Return an index in the order in which it is searched."""
    faiss, empty = load_faiss(), new_index(factory, width)
    return faiss.IndexPQFastScan(plain, empty.bbs) if isinstance(empty, faiss.IndexPQFastScan) else plain


def _encoder_of(trained: Any) -> Any:
    """Return an index in plain order without vectors that makes the codes of a trained one."""
    faiss = load_faiss()
    if not isinstance(trained, faiss.IndexPQFastScan):
        return trained
    encoder = faiss.IndexPQ(trained.d, trained.pq.M, trained.pq.nbits)
    encoder.pq = trained.pq
    encoder.is_trained = True
    return encoder


def _encoded(encoder: Any, global_features: StoredFeatures) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(global_features), _ROWS_AT_A_TIME):
        chunk = global_features[start : start + _ROWS_AT_A_TIME]
        yield encoder.sa_encode(np.ascontiguousarray(chunk, dtype=np.float32))
