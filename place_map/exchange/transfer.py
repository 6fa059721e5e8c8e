"""Files that several threads read or write at once, and their sums."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from hashlib import sha256
from pathlib import Path
from threading import Event, Lock

from model.progress import Progress
from place_map.errors import MapCorrupt
from place_map.exchange.origin import CHUNK_BYTES
from place_map.file_sum import FileSum

_THREADS = 8  # an object store sends about 100 MB/s on each connection


class TransferStopped(Exception):
    """Say that another file of the same transfer has failed."""


class Transfer:
    """Run jobs in threads, and count their bytes; when one fails, all end.

    Args:
        progress: The display; one thread at a time calls it.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = Lock()
        self._is_stopped = Event()

    def advanced(self, count: int) -> None:
        """Count bytes, of any thread.

        Raises:
            TransferStopped: Another job has failed.
        """
        if self._is_stopped.is_set():
            raise TransferStopped
        with self._lock:
            self._progress.advanced(count)

    def run(self, jobs: Iterable[Callable[[], None]]) -> None:
        """Run all jobs, and raise the first error of one."""
        with ThreadPoolExecutor(_THREADS, "placefix-transfer") as pool:
            futures = [pool.submit(job) for job in jobs]
            try:
                for future in as_completed(futures):
                    future.result()
            except BaseException:
                self._is_stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def checked_chunks(path: Path, expected: FileSum, on_chunk: Callable[[int], None]) -> Iterator[bytes]:
    """Yield the content of a file of a map, and check its sum at the end.

    Raises:
        MapCorrupt: The file cannot be read, or differs from the manifest.
    """
    digest = sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                on_chunk(len(chunk))
                yield chunk
    except OSError as error:
        raise MapCorrupt(f"{path} cannot be read: {error}; run placefix verify on the map", path) from error
    if digest.hexdigest() != expected.sha256:
        raise MapCorrupt(f"{path} is damaged: its SHA-256 is not the manifest's; run placefix verify on the map", path)
