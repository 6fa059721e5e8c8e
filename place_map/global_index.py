"""The shortlist index of a map, and the searchers over it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from model.errors import DeviceUnavailable
from place_map import layout
from place_map.errors import MapCorrupt, MapError
from place_map.faiss_library import faiss_is_installed, faiss_sees_gpu, faiss_version, load_faiss, reason_of
from place_map.index_codes import join_codes, needs_nothing, read_codebook, rounding_of, wrong_code
from place_map.index_making import made_index, new_index
from place_map.reader import PlaceMap
from place_map.search_effort import proposals_per_hit, set_effort
from place_map.searching import Coverage, ExactSearcher, Hits, Searcher
from place_map.torch_search import TorchProposer

Backend = Literal["auto", "faiss", "torch"]

_GPU_MOST_HITS = 2048  # constant in the compiled faiss
_GPU_TEMPORARY_BYTES = 256 * 2**20  # by default faiss takes 1.5 GB


def open_searcher(place_map: PlaceMap, device: torch.device | str, backend: Backend = "auto") -> Searcher:
    """Open the searcher of a map on a device.

    Args:
        place_map: The map to search.
        device: The device of the search; usually the network's device.
        backend: ``auto`` takes faiss if it is installed and can use the device, otherwise torch.

    Raises:
        DeviceUnavailable: The caller requested faiss, and it cannot use the device.
        InvalidInput: The caller requested faiss, and it is not installed.
        MapCorrupt: Index or global features are damaged, or the index does not belong to the map.
    """
    return read_searcher(place_map, device, backend)()


def read_searcher(place_map: PlaceMap, device: torch.device | str, backend: Backend = "auto") -> Callable[[], Searcher]:
    """Check the sums, read the index, and return a function that completes ``open_searcher``; this part is slow and
    does not use the device.

    Args:
        place_map: The map to search.
        device: The device of the search.
        backend: The backend of the search.

    Returns:
        A function that returns the searcher; the thread that will search calls it.

    Raises:
        DeviceUnavailable: See ``open_searcher``.
        InvalidInput: See ``open_searcher``.
        MapCorrupt: See ``open_searcher``.
    """
    place_map.check_sums()
    device = torch.device(device)
    faiss_can = faiss_is_installed() if device.type == "cpu" else faiss_sees_gpu()
    if backend == "torch" or (backend == "auto" and not faiss_can):
        return lambda: ExactSearcher(place_map, TorchProposer(place_map, device))
    index = read_index(place_map)
    coverage = _coverage(index, place_map)
    fallback = TorchProposer(place_map, torch.device("cpu"))
    if device.type == "cpu":
        proposer = _FaissProposer(index, "faiss-cpu", len(place_map), coverage, _rounding(place_map))
        return lambda: ExactSearcher(place_map, proposer, fallback)
    if not faiss_can:
        raise DeviceUnavailable(
            f"faiss {faiss_version()} sees no GPU; install faiss-gpu instead of faiss-cpu, or let torch search"
        )

    def move() -> Searcher:
        try:
            moved = _GpuProposer(index, device, coverage, rounds=place_map.store_type == torch.float16)
        except MapError:
            if backend == "faiss":
                raise
            return ExactSearcher(
                place_map, TorchProposer(place_map, device)
            )  # exact, and fast enough because memory is fast
        return ExactSearcher(place_map, moved, fallback)

    return move


def read_index(place_map: PlaceMap) -> Any:
    """Read the index of a map into memory, or make it there.

    An index of codes is joined from the codes of the segments. An index that needs no training has no files, and is
    made from the global features. A shard of a map that has no codes makes an exact index, whatever index the map has:
    the parts of an index in one file would propose other rows than the whole.

    Raises:
        MapCorrupt: faiss cannot read it, or it holds another number or width of vectors, or another metric.
    """
    entry, width = place_map.manifest.index, place_map.manifest.features.global_dim
    path = place_map.path / next(iter(entry.files(place_map.version)), layout.SEGMENTS)
    if entry.codes is not None:
        index = join_codes(place_map.path, entry, entry.codes, place_map.segments, width)
    elif place_map.shard is not None:
        factory = "SQfp16" if place_map.store_type == torch.float16 else "Flat"
        index = made_index(factory, width, place_map.global_chunks)
    elif entry.file is not None:
        index = _read_file(place_map.index_path)
    elif needs_nothing(entry.factory, width):
        index = made_index(entry.factory, width, place_map.global_chunks)
    else:
        raise MapCorrupt(f"the index {entry.factory} of {place_map.path} has no file; run placefix verify on the map")
    if (index.ntotal, index.d, index.metric_type) != (len(place_map), width, load_faiss().METRIC_L2):
        raise MapCorrupt(
            f"{path} holds {index.ntotal} vectors of width {index.d}, but the map has {len(place_map)} pictures of "
            f"width {width} under the Euclidean distance; run placefix verify on the map"
        )
    set_effort(load_faiss(), index)
    return index


def index_bytes(place_map: PlaceMap) -> int:
    """Return the size of a map's index in memory, without the data of faiss beside the vectors."""
    entry, width = place_map.manifest.index, place_map.manifest.features.global_dim
    if entry.codes is not None:
        return sum(entry.codes.segments[segment.id].bytes for segment in place_map.segments)
    if entry.file is not None:
        return entry.file.bytes
    return len(place_map) * int(new_index(entry.factory, width).code_size)


@dataclass(frozen=True)
class IndexDifference:
    """Name a row of a file of the index that does not belong to its global feature.

    Attributes:
        name: The path of the file below the map.
        message: A sentence about the row.
    """

    name: str
    message: str


def find_difference(place_map: PlaceMap) -> IndexDifference | None:
    """Return the first row that a file of the index has wrong; None if there is none, or the index rounds.

    Raises:
        MapCorrupt: A file of the index cannot be read.
    """
    entry = place_map.manifest.index
    if entry.codes is not None:
        encoder = read_codebook(place_map.path / layout.codebook_name(entry.codes.number))
        for segment, files in zip(place_map.segments, place_map.segment_files, strict=True):
            row = wrong_code(place_map.path, entry.codes, segment, encoder, files.global_features)
            if row is not None:
                name = layout.codes_name(entry.codes.number, segment.id)
                return IndexDifference(name, f"row {row} is not the code of its global feature")
    index = read_index(place_map)
    if entry.file is None or _coverage(index, place_map) != "all":
        return None
    first_row = 0
    for chunk in place_map.global_chunks():
        stored = index.reconstruct_n(first_row, len(chunk))
        different = np.flatnonzero((stored != chunk.astype(np.float32)).any(axis=1))
        if len(different):
            row = first_row + int(different[0])
            name = f"{layout.VERSIONS}/{place_map.version}/{layout.INDEX}"
            message = f"vector {row} is not the global feature of picture {place_map.places[row].id}"
            return IndexDifference(name, message)
        first_row += len(chunk)
    return None


class _FaissProposer:
    """Propose rows by a faiss index on the CPU."""

    def __init__(self, index: Any, name: str, most_hits: int, coverage: Coverage, rounding: str) -> None:
        self.name = name
        self.most_hits = most_hits
        self.coverage = coverage
        self.rounding = rounding
        self.proposals_per_hit = proposals_per_hit(load_faiss(), index)
        self._index = index

    def propose(self, queries: NDArray[np.float32], count: int) -> Hits:
        """See ``Proposer.propose``."""
        # If a code stands for 16 numbers or more, faiss rounds the tables of several queries at once differently.
        at_a_time = 1 if self.coverage == "codes" else len(queries)
        squared = np.empty((len(queries), count), np.float32)
        rows = np.empty((len(queries), count), np.int64)
        for start in range(0, len(queries), at_a_time):
            some = slice(start, start + at_a_time)
            squared[some], rows[some] = self._index.search(queries[some], count)
        return Hits(squared, rows)

    def absolute_error(self, _query: NDArray[np.float32], _distance: float, /) -> float:
        """Return 0: only the sums are rounded."""
        return 0.0


class _GpuProposer(_FaissProposer):
    """Propose rows by the same index on a GPU; its vectors are float16 if the stored ones are.

    faiss on a GPU is not thread-safe, even for reading: one thread owns this object.
    """

    def __init__(self, index: Any, device: torch.device, coverage: Coverage, *, rounds: bool) -> None:
        faiss = load_faiss()
        # Kept as long as the index, because faiss does not keep it.
        self._resources = faiss.StandardGpuResources()
        self._resources.setTempMemory(_GPU_TEMPORARY_BYTES)
        options = faiss.GpuClonerOptions()
        options.useFloat16 = rounds
        try:
            moved = faiss.index_cpu_to_gpu(self._resources, device.index or 0, index, options)
        except RuntimeError as error:
            raise MapError(
                f"faiss cannot move this index to {device}: {reason_of(error)}; let torch search, or build the map "
                "with --index Flat"
            ) from error
        super().__init__(index, "faiss-gpu", _GPU_MOST_HITS, "all" if coverage == "all" else "some", "")
        self._index = moved
        self._rounds = rounds

    def absolute_error(self, query: NDArray[np.float32], distance: float, /) -> float:
        """Return the error of rounding the query to float16, if the vectors are float16, and of computing |x|² + |y|² -
        2xy.
        """
        rounding = float(np.linalg.norm(query - query.astype(np.float16).astype(np.float32))) if self._rounds else 0.0
        return 2 * distance * rounding + rounding**2 + 1e-5


def _read_file(path: Path) -> Any:
    try:
        return load_faiss().read_index(str(path))
    except RuntimeError as error:
        raise MapCorrupt(f"{path} cannot be read: {reason_of(error)}; run placefix verify on the map") from error


def _coverage(index: Any, place_map: PlaceMap) -> Coverage:
    """Return the rows that an index compares.

    ``Flat`` compares a query with every stored feature without rounding. ``SQfp16`` does in half the memory if the map
    stores float16.
    """
    faiss = load_faiss()
    if isinstance(index, faiss.IndexScalarQuantizer):
        keeps_all = index.sq.qtype == faiss.ScalarQuantizer.QT_fp16 and place_map.store_type == torch.float16
        return "all" if keeps_all else "codes"
    if isinstance(index, faiss.IndexFlat):
        return "all"
    return "codes" if isinstance(index, (faiss.IndexPQ, faiss.IndexPQFastScan)) else "some"


def _rounding(place_map: PlaceMap) -> str:
    """Return the digest of ``rounding_of``; empty if the map has no codes."""
    entry = place_map.manifest.index
    if entry.codes is None:
        return ""
    return rounding_of(place_map.path, entry, entry.codes, place_map.manifest.features.global_dim)
