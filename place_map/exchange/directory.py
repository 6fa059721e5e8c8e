"""An origin in a directory: on another disk, or on a network file system."""

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path, PurePosixPath
from secrets import token_hex

from model.durable import pending_path, publish, sync, write_atomically
from model.errors import InvalidInput, StorageError
from place_map import layout
from place_map.builder_lock import LOCK_FILE, builder_lock
from place_map.current import Current
from place_map.errors import OriginError
from place_map.exchange.origin import CHUNK_BYTES, Claim, Served

_PUBLISHING = ".publishing"
"""The folder of the lock and of unfinished files while somebody publishes."""

_PENDING = pending_path(Path(layout.CURRENT)).name
_OWN_NAMES = frozenset({layout.CURRENT, layout.SEGMENTS, layout.CODES, layout.VERSIONS, _PUBLISHING, _PENDING})


class DirectoryOrigin:
    """Keep an origin in a directory; see ``Origin``. The condition of the last write is a lock.

    Args:
        path: The directory; a first push makes it.

    Raises:
        InvalidInput: The directory is a map, or holds other files.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)
        if path.exists() and not path.is_dir():
            raise InvalidInput(f"{path} is a file: an origin is a directory, or s3://BUCKET/PREFIX")
        if layout.version_numbers(path):
            raise InvalidInput(f"{path} is a map, and an origin has other names for its files: give another directory")
        others = {entry.name for entry in path.iterdir()} - _OWN_NAMES if path.is_dir() else set()
        if others:
            raise InvalidInput(
                f"{path} holds {min(others)}, which is not of an origin: give a directory that is empty or new"
            )

    def read_current(self) -> Served | None:
        """Read which version the origin names."""
        path = self._path / layout.CURRENT
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(path, error) from error
        return Served(Current.parse(content, path), "")

    def sizes(self, folder: str) -> dict[str, int]:
        """Return path → bytes below a folder."""
        found = {}
        try:
            for directory, _, names in os.walk(self._path / folder):
                for name in names:
                    path = Path(directory, name)
                    found[path.relative_to(self._path).as_posix()] = path.stat().st_size
        except OSError as error:
            raise self._unreadable(self._path / folder, error) from error
        return found

    def read(self, path: str, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes of a file."""
        try:
            with (self._path / path).open("rb") as file:
                file.seek(start)
                while start < end and (chunk := file.read(min(CHUNK_BYTES, end - start))):
                    start += len(chunk)
                    yield chunk
        except OSError as error:
            raise self._unreadable(self._path / path, error) from error

    def write(self, path: str, chunks: Iterable[bytes], size: int) -> None:  # noqa: ARG002
        """Write a file beside the others, and rename it to its name."""
        final, unfinished = self._path / path, self._path / _PUBLISHING / token_hex(8)
        try:
            with self._writable(), unfinished.open("xb") as file:
                for chunk in chunks:
                    file.write(chunk)
            with self._writable():
                final.parent.mkdir(parents=True, exist_ok=True)
                publish(unfinished, final)
        finally:
            unfinished.unlink(missing_ok=True)

    def check_room(self, size: int) -> None:
        """Check that the disk has room."""
        disk = next(each for each in (self._path, *self._path.absolute().parents) if each.exists())
        free = shutil.disk_usage(disk).free
        if free < size:
            raise StorageError(f"{self.name} has room for {free:,} bytes, and {size:,} are to come; make room there")

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files, and the folders that have none left."""
        with self._writable():
            for path in paths:
                (self._path / path).unlink(missing_ok=True)
                folders = PurePosixPath(path).parents[:-2]  # without segments/ and the origin itself
                with suppress(OSError):  # it is not empty yet
                    for folder in folders:
                        (self._path / folder).rmdir()

    def publishing(self, folders: Collection[str]) -> AbstractContextManager[Claim]:  # noqa: ARG002
        """Keep all others away by the lock of the directory."""
        return self._alone()

    def pruning(self) -> AbstractContextManager[Claim]:
        """Keep all others away by the lock of the directory."""
        return self._alone()

    @contextmanager
    def _alone(self) -> Iterator[Claim]:
        """Hold the lock of the directory, and remove unfinished files that a killed process left."""
        directory = self._path / _PUBLISHING
        with self._writable(), builder_lock(directory, "publishing to this origin, or pruning it,"):
            (self._path / _PENDING).unlink(missing_ok=True)
            for entry in directory.iterdir():
                if entry.name != LOCK_FILE:
                    entry.unlink()
            try:
                yield Claim()
            finally:
                shutil.rmtree(directory)

    def replace_current(self, pointer: Current, before: Served | None) -> bool:
        """Name another version; nobody else can, as long as this process has the lock."""
        if self.read_current() != before:
            return False
        with self._writable():
            folders = (layout.SEGMENTS, layout.CODES, layout.VERSIONS)  # not every version has codes
            for folder in filter(lambda name: (self._path / name).is_dir(), folders):
                sync(self._path / folder)
            write_atomically(self._path / layout.CURRENT, pointer.to_bytes())
            sync(self._path)
        return True

    @contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"{self.name} cannot be written to: {error.strerror} ({error.filename or self._path}); no version was "
                "published. When this is repaired, give the same command again: what has arrived is not sent again"
            ) from error

    def _unreadable(self, path: Path, error: OSError) -> OriginError:
        return OriginError(f"{path} cannot be read: {error.strerror}; look whether {self.name} is the right directory")
