"""An origin in an object store that speaks the protocol of S3."""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import MemoryStore, S3Store

from model.errors import InvalidInput
from place_map import layout
from place_map.current import Current
from place_map.errors import OriginError
from place_map.exchange import notices
from place_map.exchange.origin import CHUNK_BYTES, Claim, Served

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

_RANGE_BYTES = 16 * 2**20
"""Bytes of one request: small enough for a time limit, so that a dead connection is noticed."""

_MOST_PARTS = 10_000  # S3 takes so many in one upload
_RETRIES: "RetryConfig" = {"max_retries": 6, "retry_timeout": timedelta(minutes=1)}


class ObjectStoreOrigin:
    """Keep an origin in an object store; see ``Origin``. The last write is conditional (``If-Match``).

    Args:
        store: The store, whose paths begin at the origin.
        name: The address as the user gave it.
    """

    def __init__(self, store: S3Store | MemoryStore, name: str) -> None:
        self._store = store
        self.name = name

    @classmethod
    def open(cls, url: str, retries: "RetryConfig" = _RETRIES) -> "ObjectStoreOrigin":
        """Open ``s3://BUCKET/PREFIX``; keys, region and endpoint come from the environment variables of AWS.

        Raises:
            InvalidInput: The address names no bucket, or a setting is wrong.
        """
        bucket, _, prefix = url.removeprefix("s3://").strip("/").partition("/")
        if not bucket or not prefix:
            raise InvalidInput(f"{url} names no place in a bucket: give s3://BUCKET/PREFIX, with a prefix for each map")
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
        client: ClientConfig = {
            "connect_timeout": "10s",
            "timeout": "2min",  # a request ends within this time
            "allow_http": endpoint.startswith("http://"),
        }
        try:
            return cls(S3Store(bucket, prefix=prefix, client_options=client, retry_config=retries), url)
        except (BaseError, ValueError) as error:
            raise InvalidInput(f"{url} cannot be opened: {_told(error)}; look at the variables AWS_…") from error

    def read_current(self) -> Served | None:
        """Read which version the origin names."""
        with self._reached(layout.CURRENT):
            try:
                found = obstore.get(self._store, layout.CURRENT)
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                return None
            content, token = bytes(found.bytes()), found.meta["e_tag"]
        if token is None:
            raise OriginError(f"{self.name} states no ETag, so that one of two publishers would not notice the other")
        return Served(Current.parse(content, Path(f"{self.name}/{layout.CURRENT}")), token)

    def sizes(self, folder: str) -> dict[str, int]:
        """Return path → bytes below a folder."""
        with self._reached(folder):
            return {each["path"]: each["size"] for page in obstore.list(self._store, folder) for each in page}

    def read(self, path: str, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes of a file, by one request for each span of it."""
        for first in range(start, end, _RANGE_BYTES):
            last = min(first + _RANGE_BYTES, end)
            with self._reached(path):
                content = bytes(obstore.get_range(self._store, path, start=first, end=last))
            yield content
            if len(content) < last - first:
                return

    def write(self, path: str, chunks: Iterable[bytes], size: int) -> None:
        """Write a file in parts, which become an object when the last one has arrived."""
        part_bytes = max(2 * CHUNK_BYTES, -(-size // _MOST_PARTS))
        with self._reached(path):
            obstore.put(self._store, path, iter(chunks), chunk_size=part_bytes, max_concurrency=4)

    def check_room(self, size: int) -> None:
        """Check nothing: an object store has no disk that could be full."""

    def remove(self, paths: Sequence[str]) -> None:
        """Remove objects; S3 does not mind if one is gone."""
        if paths:
            with self._reached(paths[0]):
                obstore.delete(self._store, list(paths))

    def publishing(self, folders: Collection[str]) -> AbstractContextManager[Claim]:
        """Keep prunes from removing the folders; between two publishers the condition of the last write decides."""
        return notices.publishing(self, folders)

    def pruning(self) -> AbstractContextManager[Claim]:
        """Keep pushes from beginning, and learn on which folders the others rely."""
        return notices.pruning(self)

    def replace_current(self, pointer: Current, before: Served | None) -> bool:
        """Name another version, if the object has still the mark that it had."""
        with self._reached(layout.CURRENT):
            try:
                obstore.put(
                    self._store,
                    layout.CURRENT,
                    pointer.to_bytes(),
                    mode="create" if before is None else {"e_tag": before.token},
                )
            except (AlreadyExistsError, PreconditionError):
                return False
        return True

    @contextmanager
    def _reached(self, path: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            raise OriginError(
                f"{self.name}/{path}: {_told(error)}. Check address, keys (AWS_ACCESS_KEY_ID, …), region and endpoint "
                "(AWS_ENDPOINT_URL); the same command continues"
            ) from error


def _told(error: Exception) -> str:
    """Return the first line of an error, which goes on with the error's inner structure."""
    return str(error).partition("\n")[0].strip().rstrip(".")
