"""The download of weights into the cache, by a known name or an address."""

import fcntl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit

from model.downloads import OnProgress, RetryPolicy, at_once, discard, download
from model.durable import publish, sha256_of
from model.errors import InvalidInput, StorageError
from model.google_drive import locate_on_google_drive
from model.publication import Address, DriveFile, PublishedWeights, Way
from model.published_weights import PUBLISHED
from model.weight_files.assembly import check_keypoint_file, is_keypoint_file
from model.weight_files.reading import read_weight_file
from model.weights import load_network
from model.weights_cache import IMPORTED_SUFFIX, DownloadRecord, WeightsCache, normalised_sha256, some_names
from model.weights_errors import DownloadFailed, WeightsError

ComparedWith = Literal["given", "published", "remembered", "nothing"]


_EARLIER = "an earlier download had"


@dataclass(frozen=True)
class FetchedWeights:
    """Describe a fetched file.

    Attributes:
        name: The name in the cache.
        path: The file.
        sha256: The SHA-256 of the file, 64 hex digits.
        size_bytes: The size of the file.
        source: The source of the file; None if a person imported it.
        is_new: Whether it was downloaded now; otherwise it was in the cache.
        compared_with: The kind of the expected checksum: the given one, the published one, the one of an earlier
            download, or none for a first download.
    """

    name: str
    path: Path
    sha256: str
    size_bytes: int
    source: str | None
    is_new: bool
    compared_with: ComparedWith


@dataclass(frozen=True)
class _Wanted:
    """Describe the weights to fetch.

    Attributes:
        name: The name in the cache.
        ways: The ways to get them, in order.
        sha256: The given checksum.
        published: The published weights; None for an address.
    """

    name: str
    ways: tuple[Way, ...]
    sha256: str | None
    published: PublishedWeights | None

    @property
    def expected_sum(self) -> str | None:
        """Return the checksum that the file must have: the given one, or else the published one."""
        return self.sha256 or (None if self.published is None else self.published.sha256)

    @property
    def expected_kind(self) -> ComparedWith:
        """Return the kind of ``expected_sum``."""
        return "given" if self.sha256 else "published" if self.expected_sum else "nothing"

    @property
    def urls(self) -> tuple[str, ...]:
        """Return the addresses of all ways."""
        return tuple(way.url for way in self.ways)


def fetch_weights(
    source: str,
    cache: WeightsCache,
    *,
    name: str | None = None,
    sha256: str | None = None,
    catalogue: Mapping[str, PublishedWeights] = PUBLISHED,
    policy: RetryPolicy = RetryPolicy(),  # noqa: B008 frozen
    on_progress: OnProgress = lambda _received, _total: None,
    on_wait: Callable[[], None] = lambda: None,
    on_note: Callable[[str], None] = lambda _text: None,
) -> FetchedWeights:
    """Fetch weights into the cache, unless they are there and unchanged.

    The publishers state no checksums of these files. The checksum of the first download is recorded, and every later
    download must match it unless another checksum is given. Before it is recorded, the file is opened; a published
    network is loaded with every tensor by name and shape, and must have the known number of parameters. If one of
    several ways fails or gives another file, this is noted, and the next way is tried.

    Args:
        source: A name in the catalogue, or an address.
        cache: The cache.
        name: The name of the file; by default the name in the catalogue, or the last part of the address.
        sha256: The checksum that the file must have, 64 hex digits.
        catalogue: The published weights.
        policy: The policy of each download.
        on_progress: The function for the progress of each download.
        on_wait: A function that is called once if this call must wait for another process with the same file.
        on_note: A function that receives a sentence for people when a way has failed and another is tried.

    Raises:
        DownloadFailed: The file could not be downloaded, has another checksum, or, without a checksum, cannot be opened
            as these weights. The message has the reason of each way. An existing file in the cache is not touched, and
            the received bytes of an interrupted download are kept.
        StorageError: The disk is full, or the cache cannot be written.
        InvalidInput: An argument is invalid.
    """
    wanted = _understand(source, name, sha256, catalogue)
    suffix = IMPORTED_SUFFIX if PurePosixPath(urlsplit(wanted.urls[0]).path).suffix == IMPORTED_SUFFIX else ".pth"
    path = cache.path_of(wanted.name, suffix)
    brought = _brought_by_hand(wanted, cache)
    if brought is not None:
        return brought
    try:
        cache.folder.mkdir(parents=True, exist_ok=True)
        with _only_one(path, on_wait):
            record = _own_record(wanted, cache, path)
            if record is not None and path.is_file():
                actual = sha256_of(path)
                if actual == (wanted.expected_sum or record.sha256):
                    cache.remember(path, DownloadRecord(record.url, actual, path.stat().st_size))
                    compared_with = wanted.expected_kind if wanted.expected_sum else "remembered"
                    return FetchedWeights(
                        wanted.name, path, actual, path.stat().st_size, record.url, False, compared_with
                    )
            return _fetch_by_any_way(wanted, cache, path, record, policy, on_progress, on_note)
    except OSError as error:
        raise StorageError(
            f"{cache.folder} cannot be written: {error.strerror}; choose another folder with --cache"
        ) from error


def _understand(
    source: str, name: str | None, sha256: str | None, catalogue: Mapping[str, PublishedWeights]
) -> _Wanted:
    """Find the weights that a name or an address stands for."""
    given_sum = None if sha256 is None else normalised_sha256(sha256)
    published = catalogue.get(source)
    if published is not None:
        if not published.ways:
            raise InvalidInput(f"{source} comes with a Python package and is not downloaded; {published.advice}")
        return _Wanted(name or source, published.ways, given_sum, published)
    try:
        parts = urlsplit(source)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # such as brackets around an invalid IPv6 address
        is_address = False
    if not is_address:
        known = some_names(tuple(entry.name for entry in catalogue.values() if entry.ways))
        raise InvalidInput(f"{source} is neither an address (https://…) nor a known name; known are {known}")
    stem = PurePosixPath(unquote(parts.path)).stem
    if not (name or stem):
        raise InvalidInput(f"{source} ends without a file name; say what to call the file with --name")
    return _Wanted(name or stem, (Address(source, source),), given_sum, None)


def _brought_by_hand(wanted: _Wanted, cache: WeightsCache) -> FetchedWeights | None:
    """Return the file that a person has imported instead, if the name is the published one."""
    published = wanted.published
    if published is None or published.by_hand is None or wanted.name != published.name:
        return None
    path = cache.find(wanted.name)
    if path is None or cache.record_of(path) is not None:
        return None
    actual = sha256_of(path)
    if wanted.sha256 not in (None, actual):
        raise DownloadFailed(
            f"{path} was brought by hand, and its SHA-256 is {actual}, not {wanted.sha256} (an import is another file "
            "than the published one). Delete it to fetch that one, or fetch it under another name with --name"
        )
    compared_with: ComparedWith = "nothing" if wanted.sha256 is None else "given"
    return FetchedWeights(wanted.name, path, actual, path.stat().st_size, None, False, compared_with)


def _own_record(wanted: _Wanted, cache: WeightsCache, path: Path) -> DownloadRecord | None:
    """Return the record of an earlier download of the same file; refuse a name of another file."""
    name = wanted.name
    record = cache.record_of(path)
    occupant = cache.find(name)
    if record is not None and record.url not in wanted.urls:
        raise DownloadFailed(f"{name} in the cache was fetched from {record.url}; choose another name with --name")
    if occupant is not None and (occupant != path or record is None):
        raise DownloadFailed(
            f"{name} is the name of another file in the cache, {occupant}; choose another name with --name"
        )
    return record


def _fetch_by_any_way(
    wanted: _Wanted,
    cache: WeightsCache,
    path: Path,
    record: DownloadRecord | None,
    policy: RetryPolicy,
    on_progress: OnProgress,
    on_note: Callable[[str], None],
) -> FetchedWeights:
    """Try one way after the other. Each has its own part, so that the bytes of each way are kept."""
    by_hand = None if wanted.published is None else wanted.published.by_hand
    parts = [path.with_name(f"{path.name}.part")]
    parts += [path.with_name(f"{path.name}.way{number}.part") for number in range(2, len(wanted.ways) + 1)]
    reasons: list[str] = []
    failures: list[DownloadFailed] = []
    for way, part in zip(wanted.ways, parts, strict=True):
        if reasons:
            on_note(f"{reasons[-1]}. Trying {way.title}")
        try:
            locate = locate_on_google_drive if isinstance(way, DriveFile) else at_once
            download(way.url, part, locate=locate, policy=policy, on_progress=on_progress)
            fetched = _keep(wanted, way, part, path, cache, record)
        except DownloadFailed as failure:
            if len(wanted.ways) == 1 and by_hand is None:
                raise
            reasons.append(f"From {way.title}: {failure.message}")
            failures.append(failure)
        else:
            for each in parts:
                discard(each)
            return fetched
    told = [f"{wanted.name} could not be fetched", *reasons]
    if by_hand is not None:
        told.append(
            f"By hand: open {by_hand.page_url} in a browser, save {by_hand.file_name}, then run: placefix weights "
            f"import {by_hand.file_name}"
        )
    raise DownloadFailed(". ".join(told)) from failures[-1]


def _keep(
    wanted: _Wanted, way: Way, part: Path, path: Path, cache: WeightsCache, record: DownloadRecord | None
) -> FetchedWeights:
    """Give a complete download its name, if it is the expected file."""
    actual, size_bytes = sha256_of(part), part.stat().st_size
    remembered = None if record is None else record.sha256
    expected = wanted.expected_sum or remembered
    if expected is not None and actual != expected:
        discard(part)
        whose = "was given" if wanted.sha256 else "users of the file published" if wanted.expected_sum else _EARLIER
        way_out = (
            "" if wanted.sha256 else f". If the file was replaced on purpose, accept the new one with --sha256 {actual}"
        )
        raise DownloadFailed(
            f"{way.url} is another file than expected: {whose} SHA-256 {expected}, this one has {actual}; it was not "
            f"kept{way_out}"
        )
    if actual != remembered:
        _check_contents(wanted, way, part)  # before its checksum is required of every later download
    cache.remember(path, DownloadRecord(url=way.url, sha256=actual, size_bytes=size_bytes))
    publish(part, path)
    compared_with = wanted.expected_kind if wanted.expected_sum or record is None else "remembered"
    return FetchedWeights(wanted.name, path, actual, size_bytes, way.url, True, compared_with)


def _check_contents(wanted: _Wanted, way: Way, part: Path) -> None:
    """Open a download without a checksum: it may be incomplete, or another network."""
    expected = None if wanted.published is None else wanted.published.parameters
    try:
        weights = read_weight_file(part)
        if expected is None:
            return
        if is_keypoint_file(weights):
            tensors = check_keypoint_file(weights)
            parameters, is_trained = (
                sum(each.numel() for name, each in tensors.items() if ".running_" not in name),
                True,
            )
        else:
            network = load_network(part)
            parameters, is_trained = sum(each.numel() for each in network.parameters()), network.is_trained
    except WeightsError as error:
        discard(part)
        raise DownloadFailed(f"the file from {way.url} is not a usable checkpoint: {error}") from error
    if parameters != expected or not is_trained:
        discard(part)
        kind = "a trained network" if is_trained else "a backbone without training for places"
        raise DownloadFailed(
            f"the file from {way.url} is another network than {wanted.name}: {kind} of {parameters:,} parameters, "
            f"expected a trained one of {expected:,}; it was not kept"
        )


@contextmanager
def _only_one(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Keep two processes from downloading the same file at once; the lock ends with its process."""
    # The lock file stays: deleting it would let two processes hold locks on two files of the same name.
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
