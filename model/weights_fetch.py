"""Fetching weights into the cache, by a known name or an address."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit

from model.downloads import OnProgress, RetryPolicy, discard, download
from model.durable import publish, sha256_of
from model.errors import InvalidInput
from model.published_weights import DOWNLOADS, HAND_DOWNLOADS, how_to_get
from model.weight_files.reading import read_weight_file
from model.weights_cache import IMPORTED_SUFFIX, DownloadRecord, WeightsCache, normalised_sha256
from model.weights_errors import DownloadFailed, WeightsError


@dataclass(frozen=True)
class FetchedWeights:
    """A fetched file.

    Attributes:
        name: In the cache.
        path: The file.
        sha256: Of the file, 64 hex digits.
        size_bytes: Of the file.
        is_new: Whether it was downloaded now; otherwise it was in the cache.
        compared_with: What the checksum was compared with: the one that was given, the one of an earlier download, or
            none, because this is the first.
    """

    name: str
    path: Path
    sha256: str
    size_bytes: int
    is_new: bool
    compared_with: Literal["given", "remembered", "nothing"]


def fetch_weights(
    source: str,
    cache: WeightsCache,
    *,
    name: str | None = None,
    sha256: str | None = None,
    policy: RetryPolicy = RetryPolicy(),  # noqa: B008 frozen
    on_progress: OnProgress = lambda _received, _total: None,
    on_wait: Callable[[], None] = lambda: None,
) -> FetchedWeights:
    """Brings weights into the cache, unless they are there and unchanged.

    Nobody publishes checksums of these files, so the first download's is remembered, and every later one has to have
    the same, unless another is given.

    Args:
        source: A name in ``published_weights.DOWNLOADS``, or an address.
        cache: Where to.
        name: What to call the file of an address; by default the last part of the address.
        sha256: The checksum that the file must have, 64 hex digits.
        policy: For the download.
        on_progress: For the download.
        on_wait: Called once if another process is fetching the same file; this call then waits for it.

    Raises:
        DownloadFailed: It could not be downloaded, has another checksum, or, where there is none to compare, cannot be
            opened as a weights file. A file that was in the cache is not touched.
        InvalidInput: Arguments that make no sense.
    """
    by_hand = cache.find(source) if source in HAND_DOWNLOADS else None
    if by_hand is not None:
        return FetchedWeights(source, by_hand, sha256_of(by_hand), by_hand.stat().st_size, False, "nothing")
    name, url = _locate(source, name)
    wanted = None if sha256 is None else normalised_sha256(sha256)
    suffix = IMPORTED_SUFFIX if PurePosixPath(urlsplit(url).path).suffix == IMPORTED_SUFFIX else ".pth"
    path = cache.path_of(name, suffix)
    try:
        cache.folder.mkdir(parents=True, exist_ok=True)
        with _only_one(path, on_wait):
            record = _own_record(cache, name, path, url)
            if record is not None and path.is_file():
                actual = sha256_of(path)
                if actual == (wanted or record.sha256):
                    cache.remember(path, DownloadRecord(url=url, sha256=actual, size_bytes=path.stat().st_size))
                    compared_with: Literal["given", "remembered"] = "given" if wanted else "remembered"
                    return FetchedWeights(name, path, actual, path.stat().st_size, False, compared_with)
            return _download_into(path, name, url, cache, wanted, record, policy, on_progress)
    except OSError as error:
        raise DownloadFailed(
            f"{cache.folder} cannot be written: {error.strerror}; choose another folder with --cache"
        ) from error


def _locate(source: str, name: str | None) -> tuple[str, str]:
    """Name and address."""
    if source in DOWNLOADS:
        return name or source, DOWNLOADS[source]
    if source in HAND_DOWNLOADS:
        raise DownloadFailed(f"{source} cannot be fetched: {how_to_get(source)}")
    try:
        parts = urlsplit(source)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # such as brackets around what is no IPv6 address
        is_address = False
    if not is_address:
        raise InvalidInput(
            f"{source} is neither an address (https://…) nor a known name; known are {', '.join(DOWNLOADS)}, and by "
            f"hand from Google Drive {', '.join(HAND_DOWNLOADS)}"
        )
    stem = PurePosixPath(unquote(parts.path)).stem
    if not (name or stem):
        raise InvalidInput(f"{source} ends without a file name; say what to call the file with --name")
    return name or stem, source


def _own_record(cache: WeightsCache, name: str, path: Path, url: str) -> DownloadRecord | None:
    """The record of an earlier download of the same thing; a name that stands for something else is not taken over."""
    record = cache.record_of(path)
    occupant = cache.find(name)
    if record is not None and record.url != url:
        raise DownloadFailed(f"{name} in the cache was fetched from {record.url}; choose another name with --name")
    if occupant is not None and (occupant != path or record is None):
        raise DownloadFailed(f"{name} in the cache is a file of its own, {occupant}; choose another name with --name")
    return record


def _download_into(
    path: Path,
    name: str,
    url: str,
    cache: WeightsCache,
    wanted: str | None,
    record: DownloadRecord | None,
    policy: RetryPolicy,
    on_progress: OnProgress,
) -> FetchedWeights:
    part = path.with_name(f"{path.name}.part")
    download(url, part, policy=policy, on_progress=on_progress)
    actual, size_bytes = sha256_of(part), part.stat().st_size
    expected = wanted or (record.sha256 if record is not None else None)
    if expected is not None and actual != expected:
        discard(part)
        whose = "was given" if wanted else "an earlier download had"
        way_out = "" if wanted else f". If the file was replaced on purpose, accept the new one with --sha256 {actual}"
        raise DownloadFailed(
            f"{url} is another file than expected: {whose} SHA-256 {expected}, this one has {actual}; it was not "
            f"kept{way_out}"
        )
    if expected is None:
        _check_is_whole(part, url)  # before its checksum becomes the one that every later download must have
    cache.remember(path, DownloadRecord(url=url, sha256=actual, size_bytes=size_bytes))
    publish(part, path)
    discard(part)
    compared_with: Literal["given", "remembered", "nothing"] = (
        "given" if wanted else "remembered" if record is not None else "nothing"
    )
    return FetchedWeights(name, path, actual, size_bytes, True, compared_with)


def _check_is_whole(part: Path, url: str) -> None:
    """Opens a download that there is no checksum for: a server that states no length may have sent half of it."""
    try:
        read_weight_file(part)
    except WeightsError as error:
        discard(part)
        raise DownloadFailed(f"what {url} sent is no checkpoint that can be used: {error}") from error


@contextmanager
def _only_one(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Keeps two processes from downloading the same file into each other; the lock dies with its process."""
    # The lock file stays: deleting it would let two processes hold locks on two files of the same name.
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
