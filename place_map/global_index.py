"""The shortlist index on disk, and the searchers over it. The only file that imports faiss."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from model.errors import DeviceUnavailable, InvalidInput
from place_map.errors import MapCorrupt, MapError
from place_map.feature_store import StoredFeatures
from place_map.reader import PlaceMap
from place_map.search_effort import proposals_per_hit, set_effort
from place_map.searching import ExactSearcher, Hits, Searcher
from place_map.torch_search import TorchProposer

Backend = Literal["auto", "faiss", "torch"]
Chunks = Callable[[], Iterable[StoredFeatures]]

_TRAINING_ROWS = 262_144
_DRY_RUN_ROWS = 10_000
_GPU_MOST_HITS = 2048  # constant in the compiled faiss
_GPU_TEMPORARY_BYTES = 256 * 2**20  # by default faiss takes 1.5 GB


def faiss_version() -> str:
    """Return the version of faiss, for the manifest."""
    faiss = _faiss()
    return str(faiss.__version__)


def check_index_factory(factory: str, width: int, count: int | None = None) -> None:
    """Check before a long build that an index can be made.

    Args:
        factory: A string of faiss's ``index_factory``: ``Flat``, ``IVF1024,Flat``, ``HNSW32``, …
        width: Width of the global features.
        count: The greatest number of pictures in it; None if that is unknown.

    Raises:
        InvalidInput: faiss does not know the string, or the pictures are too few to train it.
    """
    index = _new_index(factory, width)
    if not index.is_trained:
        if count is None or count > _DRY_RUN_ROWS:
            return
        # The usual failure is too few vectors for the clusters, and any vectors show it.
        _train(index, factory, np.random.default_rng(0).standard_normal((count, width), dtype=np.float32))
    _add(index, factory, np.zeros((1, width), np.float32))


def write_index(path: Path, factory: str, width: int, chunks: Chunks) -> None:
    """Build an index and write it.

    At the end all vectors are in memory: 4 GB for a million pictures at D = 1024 with ``Flat``.

    Args:
        path: The file to write.
        factory: A string of faiss's ``index_factory``.
        width: Width of the global features.
        chunks: A function; each call yields all global features in the order of the rows, in pieces.

    Raises:
        InvalidInput: The index cannot be made or trained.
        OSError: The file cannot be written.
    """
    faiss, index = _faiss(), _made_index(factory, width, chunks)
    # Python writes the file, because faiss's writer does not notice a disk that is full at the very end.
    with path.open("xb") as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))


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
    faiss_can = _faiss_is_installed() if device.type == "cpu" else _faiss_sees_gpu()
    if backend == "torch" or (backend == "auto" and not faiss_can):
        return lambda: ExactSearcher(place_map, TorchProposer(place_map, device))
    index = read_index(place_map) if place_map.shard is None else _index_of_shard(place_map)
    keeps_all = _keeps_all(index, place_map)
    fallback = TorchProposer(place_map, torch.device("cpu"))
    if device.type == "cpu":
        proposer = _FaissProposer(index, "faiss-cpu", len(place_map), keeps_all=keeps_all)
        return lambda: ExactSearcher(place_map, proposer, fallback)
    if not faiss_can:
        raise DeviceUnavailable(
            f"faiss {faiss_version()} sees no GPU; install faiss-gpu instead of faiss-cpu, or let torch search"
        )

    def move() -> Searcher:
        try:
            moved = _GpuProposer(index, device, keeps_all=keeps_all, rounds=place_map.store_type == torch.float16)
        except MapError:
            if backend == "faiss":
                raise
            return ExactSearcher(
                place_map, TorchProposer(place_map, device)
            )  # exact, and fast enough because memory is fast
        return ExactSearcher(place_map, moved, fallback)

    return move


def read_index(place_map: PlaceMap) -> Any:
    """Read the index of a map into memory.

    Raises:
        MapCorrupt: faiss cannot read it, or it holds another number or width of vectors, or another metric.
    """
    faiss = _faiss()
    path = place_map.index_path
    try:
        index = faiss.read_index(str(path))
    except RuntimeError as error:
        raise MapCorrupt(f"{path} cannot be read: {_reason(error)}; run placefix verify on the map") from error
    width = place_map.manifest.features.global_dim
    if (index.ntotal, index.d, index.metric_type) != (len(place_map), width, faiss.METRIC_L2):
        raise MapCorrupt(
            f"{path} holds {index.ntotal} vectors of width {index.d}, but the map has {len(place_map)} pictures of "
            f"width {width} under the Euclidean distance; run placefix verify on the map"
        )
    set_effort(faiss, index)
    return index


def differing_row(place_map: PlaceMap) -> int | None:
    """Return the first row whose vector in the index is not its stored feature; None if there is none, or the index
    rounds.
    """
    index = read_index(place_map)
    if not _keeps_all(index, place_map):
        return None
    first_row = 0
    for chunk in place_map.global_chunks():
        stored = index.reconstruct_n(first_row, len(chunk))
        different = np.flatnonzero((stored != chunk.astype(np.float32)).any(axis=1))
        if len(different):
            return first_row + int(different[0])
        first_row += len(chunk)
    return None


class _FaissProposer:
    """Propose rows by a faiss index on the CPU."""

    def __init__(self, index: Any, name: str, most_hits: int, *, keeps_all: bool) -> None:
        self.name = name
        self.most_hits = most_hits
        self.is_exhaustive = keeps_all
        self.proposals_per_hit = proposals_per_hit(_faiss(), index)
        self._index = index

    def propose(self, queries: NDArray[np.float32], count: int) -> Hits:
        """See ``Proposer.propose``."""
        squared_distances, rows = self._index.search(queries, count)
        return Hits(squared_distances, rows)

    def absolute_error(self, _query: NDArray[np.float32], _distance: float, /) -> float:
        """Return 0: only the sums are rounded."""
        return 0.0


class _GpuProposer(_FaissProposer):
    """Propose rows by the same index on a GPU; its vectors are float16 if the stored ones are.

    faiss on a GPU is not thread-safe, even for reading: one thread owns this object.
    """

    def __init__(self, index: Any, device: torch.device, *, keeps_all: bool, rounds: bool) -> None:
        faiss = _faiss()
        # Kept as long as the index, because faiss does not keep it.
        self._resources = faiss.StandardGpuResources()
        self._resources.setTempMemory(_GPU_TEMPORARY_BYTES)
        options = faiss.GpuClonerOptions()
        options.useFloat16 = rounds
        try:
            moved = faiss.index_cpu_to_gpu(self._resources, device.index or 0, index, options)
        except RuntimeError as error:
            raise MapError(
                f"faiss cannot move this index to {device}: {_reason(error)}; let torch search, or build the map with "
                "--index Flat"
            ) from error
        super().__init__(index, "faiss-gpu", _GPU_MOST_HITS, keeps_all=keeps_all)
        self._index = moved
        self._rounds = rounds

    def absolute_error(self, query: NDArray[np.float32], distance: float, /) -> float:
        """Return the error of rounding the query to float16, if the vectors are float16, and of computing |x|² + |y|² -
        2xy.
        """
        rounding = float(np.linalg.norm(query - query.astype(np.float16).astype(np.float32))) if self._rounds else 0.0
        return 2 * distance * rounding + rounding**2 + 1e-5


def _faiss() -> Any:
    """Import faiss when it is needed: it starts its own threads, and torch can serve a GPU without it."""
    try:
        import faiss  # noqa: PLC0415
    except ImportError as error:
        raise InvalidInput(
            "faiss is not installed; install placefix with one of its extras: pip install 'placefix[cpu]' or "
            "'placefix[gpu]'"
        ) from error
    return faiss


def _faiss_is_installed() -> bool:
    return find_spec("faiss") is not None


def _faiss_sees_gpu() -> bool:
    return _faiss_is_installed() and hasattr(_faiss(), "StandardGpuResources") and _faiss().get_num_gpus() > 0


def _new_index(factory: str, width: int) -> Any:
    faiss = _faiss()
    try:
        return faiss.index_factory(width, factory, faiss.METRIC_L2)
    except RuntimeError as error:
        raise InvalidInput(
            f"faiss makes no index of {factory!r} for vectors of width {width}: {_reason(error)}; --index takes Flat, "
            "or another string of faiss's index_factory"
        ) from error


def _made_index(factory: str, width: int, chunks: Chunks) -> Any:
    index = _new_index(factory, width)
    if not index.is_trained:
        _train(index, factory, _training_sample(chunks))
    for chunk in chunks():
        _add(index, factory, np.ascontiguousarray(chunk, dtype=np.float32))
    return index


def _index_of_shard(place_map: PlaceMap) -> Any:
    """Make an exhaustive index, so that shards together find the same rows as one machine."""
    factory = "SQfp16" if place_map.store_type == torch.float16 else "Flat"
    return _made_index(factory, place_map.manifest.features.global_dim, place_map.global_chunks)


@contextmanager
def _explained(failure: str) -> Iterator[None]:
    """Turn faiss's refusal of vectors into an error that begins with the failed step.

    Raises:
        InvalidInput: faiss refuses the vectors.
    """
    try:
        yield
    except RuntimeError as error:
        raise InvalidInput(f"{failure}: {_reason(error)}; use --index Flat") from error


def _train(index: Any, factory: str, vectors: NDArray[np.float32]) -> None:
    with _explained(f"{len(vectors)} pictures cannot train the index {factory!r}"):
        index.train(vectors)


def _add(index: Any, factory: str, vectors: NDArray[np.float32]) -> None:
    with _explained(f"pictures cannot be added to the index {factory!r}"):
        index.add(vectors)


def _training_sample(chunks: Chunks) -> NDArray[np.float32]:
    """Return at most ``_TRAINING_ROWS`` features, evenly spaced."""
    count = sum(len(chunk) for chunk in chunks())
    step = -(-count // _TRAINING_ROWS)
    first_row, sample = 0, []
    for chunk in chunks():
        sample.append(chunk[-first_row % step :: step].astype(np.float32))
        first_row += len(chunk)
    return np.concatenate(sample)


def _keeps_all(index: Any, place_map: PlaceMap) -> bool:
    """Return whether an index compares a query with every stored feature without rounding.

    ``Flat`` does. ``SQfp16`` does in half the memory if the map stores float16.
    """
    faiss = _faiss()
    if isinstance(index, faiss.IndexScalarQuantizer):
        return bool(index.sq.qtype == faiss.ScalarQuantizer.QT_fp16) and place_map.store_type == torch.float16
    return isinstance(index, faiss.IndexFlat)


def _reason(error: RuntimeError) -> str:
    """Return the sentence in faiss's message, without function, source position and condition."""
    return re.sub(r"^Error in .*? at \S+:\d+: (Error: '.*' failed: )?", "", str(error), flags=re.DOTALL).strip()
