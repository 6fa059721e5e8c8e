"""Keep the file of keys: read it at start, read it again when it changes, and write it for ``placefix keys``."""

import asyncio
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from model.durable import written_whole
from service.errors import InvalidKeys
from service.keys import ApiKey, is_key_line, parse_keys

_LOOK_EVERY_S = 1.0
_PRIVATE = stat.S_IRUSR | stat.S_IWUSR
_MAX_BYTES = 1_000_000  # some thousand keys
_LETS_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

_HOW_TO_MAKE = "placefix keys create --file makes a file of keys"

_log = structlog.stdlib.get_logger("placefix.keys")

_State = tuple[int, int, int, int]  # the state of the file, which changes with its content


class WatchedKeys:
    """Hold the keys of a running service.

    A file that has become unreadable or wrong does not replace the keys that were read before: the log and ``is_stale``
    tell this. A file without keys does: then nobody is let in.
    """

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            InvalidKeys: It cannot be read, or a line of it is not a key.
        """
        self._path = path
        self._is_asked = False
        self._seen: _State | None = _state_of(path)
        self._keys = read_keys(path)
        self._is_stale = False
        _log.info("keys read", keys=len(self._keys))
        if path.stat().st_mode & _LETS_OTHERS_WRITE:
            _log.warning("others may write the file of keys, and so let themselves in", remedy=f"chmod 600 {path}")

    @property
    def keys(self) -> tuple[ApiKey, ...]:
        """Return the keys that are valid now."""
        return self._keys

    @property
    def is_stale(self) -> bool:
        """Return whether the file has changed and cannot be used."""
        return self._is_stale

    def ask_again(self) -> None:
        """Have the file read within a second, even if it has not changed; safe in a handler of signals."""
        self._is_asked = True

    def refresh(self) -> None:
        """Read the file again if it has changed."""
        state = _state_of(self._path)
        if state == self._seen and not self._is_asked:
            return
        self._seen, self._is_asked = state, False  # before reading: a change meanwhile is seen next time
        try:
            self._keys = read_keys(self._path)
        except InvalidKeys as error:
            self._is_stale = True
            _log.error("the file of keys cannot be used; the keys read before stay valid", reason=error.message)
            return
        self._is_stale = False
        _log.info("keys read", keys=len(self._keys))

    async def watch(self) -> None:
        """Read the file again whenever it has changed, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await asyncio.to_thread(self.refresh)


def read_keys(path: Path) -> tuple[ApiKey, ...]:
    """Return the keys in a file.

    Raises:
        InvalidKeys: It cannot be read, or a line of it is not a key.
    """
    return _parse(path, _read(path))


def append_key(path: Path, name: str, line: str) -> None:
    """Write a key to the end of the file; make the file, readable for its owner alone, if it is not there.

    Raises:
        InvalidKeys: The file cannot be read or written, is broken already, or has a key of that name.
    """
    with _alone(path, make=True) as file:
        text = _read(file)
        if name in {key.name for key in _parse(path, text)}:
            raise InvalidKeys(f"{path} has a key named {name} already; take another name, or revoke that one first")
        start = "\n" if text and not text.endswith("\n") else ""
        _append(file, f"{start}{line}\n")


def remove_key(path: Path, name: str) -> None:
    """Remove a key from the file; all other lines stay as they are.

    Raises:
        InvalidKeys: The file cannot be read or written, is broken, or has no key of that name.
    """
    with _alone(path, make=False) as file:
        text = _read(file)
        names = [key.name for key in _parse(path, text)]
        if name not in names:
            raise InvalidKeys(f"{path} has no key named {name}; it has {', '.join(names) or 'none'}")
        lines = text.splitlines(keepends=True)
        _replace(file, "".join(line for line in lines if not (is_key_line(line) and line.split(maxsplit=1)[0] == name)))


@contextmanager
def _alone(path: Path, *, make: bool) -> Iterator[Path]:
    """Make every other change of a file wait, from before it is read until it is written.

    The lock is on the file itself, so it leaves nothing beside the file, and it works through a mount of that file
    alone.

    Args:
        path: The file, or a link to it.
        make: Whether to make it, readable for its owner alone, if it is not there.

    Yields:
        The file itself: to replace a link would leave its target as it was.

    Raises:
        InvalidKeys: The file cannot be opened, or the block could not write it.
    """
    file = Path(os.path.realpath(path))
    try:
        if make:
            file.parent.mkdir(parents=True, exist_ok=True)
        while True:
            descriptor = os.open(file, os.O_RDONLY | (os.O_CREAT if make else 0), _PRIVATE)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if _is_still(descriptor, file):
                    yield file
                    return
                # else another process replaced it while this one waited
            finally:
                os.close(descriptor)
    except FileNotFoundError as error:
        raise InvalidKeys(f"{path}: {error.strerror}; {_HOW_TO_MAKE}") from error
    except OSError as error:
        raise InvalidKeys(f"{path} cannot be changed: {error.strerror}") from error


def _is_still(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InvalidKeys(f"{path}: {error.strerror}; {_HOW_TO_MAKE}") from error
    if len(content) > _MAX_BYTES:
        raise InvalidKeys(f"{path} is larger than {_MAX_BYTES} bytes: it is not a file of keys")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidKeys(f"{path} is not text: it is not a file of keys") from error


def _parse(path: Path, text: str) -> tuple[ApiKey, ...]:
    try:
        return parse_keys(text)
    except InvalidKeys as error:
        raise InvalidKeys(f"{path}, {error.message}") from error


def _append(path: Path, text: str) -> None:
    """Append in place and at once: the file may be mounted alone into a container, and readers see no half line."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        file.write(text.encode())
        os.fsync(file.fileno())


def _replace(path: Path, text: str) -> None:
    before = path.stat()
    with written_whole(path) as unfinished:
        unfinished.touch(_PRIVATE)
        unfinished.write_text(text, encoding="utf-8")
        unfinished.chmod(stat.S_IMODE(before.st_mode))
        with suppress(PermissionError):  # the server, which may be another user than root, continues to read it
            os.chown(unfinished, before.st_uid, before.st_gid)


def _state_of(path: Path) -> _State | None:
    """Return the state of the file; None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None  # the error shows when it is read
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
