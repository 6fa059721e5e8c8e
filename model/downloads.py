"""Downloading one large file over a line that breaks: what has arrived is kept, and continued."""

import json
import re
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from model.errors import StorageError
from model.http_answers import Interrupted, check_is_file, check_status
from model.weights_errors import DownloadFailed

OnProgress = Callable[[int, int | None], None]
Locate = Callable[[httpx.Client, str], str]
"""Finds the address that a file's bytes come from at the moment, of the address that it is known by."""

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


@dataclass(frozen=True)
class RetryPolicy:
    """How long to wait, and how often to try.

    Attributes:
        attempts: Before giving up; counted anew from every attempt that gets further than all before it.
        first_pause_s: Before the second attempt; doubled before each further one.
        longest_pause_s: Where the doubling ends.
        connect_timeout_s: For a connection to be made.
        read_timeout_s: For the next bytes to arrive.
    """

    attempts: int = 5
    first_pause_s: float = 1.0
    longest_pause_s: float = 30.0
    connect_timeout_s: float = 15.0
    read_timeout_s: float = 60.0

    def pause_s(self, failures: int) -> float:
        """How long to wait after this many failures in a row."""
        return min(self.first_pause_s * 2.0 ** (failures - 1), self.longest_pause_s)


@dataclass(frozen=True)
class _PartialFile:
    """What must be known of a part to continue it; kept beside it.

    Attributes:
        url: What the file is known by, which stays the same while the address of its bytes may change.
        validator: The server's ETag or date of the version that it is a part of; None if that cannot be told.
    """

    url: str
    validator: str | None


def at_once(_client: httpx.Client, url: str) -> str:
    """Return the address itself, for a file that is where its address says."""
    return url


def download(
    url: str,
    part: Path,
    *,
    locate: Locate = at_once,
    policy: RetryPolicy = RetryPolicy(),
    on_progress: OnProgress = lambda _received, _total: None,
) -> None:
    """Downloads a file, continuing the part that an earlier call left.

    A part is continued only if the server says that the file is still the same one (``If-Range``). A server that cannot
    continue, or whose file has changed, sends it whole, and the part is begun again.

    Args:
        url: What the file is known by, ``http://`` or ``https://``; a part is continued for the same one alone.
        part: Where the bytes go, with a small ``.json`` beside it. Whole when the call returns: move it away, then
            ``discard`` what is left. Kept if the call fails, for a later one to continue.
        locate: Called before each attempt, for an address that hides the file behind a page.
        policy: Pauses, attempts and timeouts.
        on_progress: Called with the bytes that are there and the bytes that there will be, if known.

    Raises:
        DownloadFailed: No such host or file, a web page in its place, or too many attempts that got no further.
        StorageError: There is no room, or the disk does not take it.
    """
    timeout = httpx.Timeout(policy.read_timeout_s, connect=policy.connect_timeout_s)
    furthest_bytes, failures = _size(part), 0
    # Byte ranges count the bytes that are sent: a compressed answer could not be continued.
    headers = {"Accept-Encoding": "identity", "User-Agent": "Mozilla/5.0 (compatible; placefix)"}
    with httpx.Client(follow_redirects=True, timeout=timeout, headers=headers) as client:
        while True:
            try:
                _attempt(client, url, locate, part, on_progress)
            except Interrupted as interruption:
                if _size(part) > furthest_bytes:
                    furthest_bytes, failures = _size(part), 0
                failures += 1
                if failures >= policy.attempts:
                    raise DownloadFailed(
                        f"{url} could not be downloaded: {interruption}; given up after {failures} attempts. "
                        f"{_size(part)} bytes are kept: the same command continues from there"
                    ) from interruption
                time.sleep(policy.pause_s(failures))
            else:
                return


def discard(part: Path) -> None:
    """Deletes a part and what is known of it, so that the next download begins anew."""
    part.unlink(missing_ok=True)
    _state_path(part).unlink(missing_ok=True)


def _attempt(client: httpx.Client, url: str, locate: Locate, part: Path, on_progress: OnProgress) -> None:
    state = _read_state(part)
    can_continue = state is not None and state.url == url and state.validator is not None
    validator = state.validator if state is not None and can_continue else None
    start = _size(part) if can_continue else 0
    headers = {"Range": f"bytes={start}-", "If-Range": validator} if validator is not None and start else {}
    try:
        with client.stream("GET", locate(client, url), headers=headers) as response:
            _receive(response, url, part, start, validator, on_progress)
    except httpx.TransportError as error:
        if isinstance(error, httpx.UnsupportedProtocol):
            raise DownloadFailed(f"{url} is no address that can be downloaded: {error}") from error
        if _is_unknown_host(error):
            raise DownloadFailed(
                f"{url}: no host {error.request.url.host} was found; check the address, the network, and the proxy if "
                "there is one"
            ) from error
        raise Interrupted(_describe(error)) from error
    except httpx.DecodingError as error:
        raise Interrupted(f"the answer was damaged ({error})") from error
    except (httpx.InvalidURL, httpx.TooManyRedirects) as error:
        raise DownloadFailed(f"{url} is no address that can be downloaded: {error}") from error
    except OSError as error:
        raise StorageError(f"{part} cannot be written: {error.strerror}; what has arrived is kept") from error


def _receive(
    response: httpx.Response, url: str, part: Path, start: int, validator: str | None, on_progress: OnProgress
) -> None:
    """Appends the body of an answer to the part, or begins it again, or finds it complete."""
    status = response.status_code
    current_validator = _validator_of(response)
    if status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
        _, whole_bytes = _content_range(response)
        if whole_bytes == start and current_validator in (None, validator):
            on_progress(start, start)
            return
        discard(part)
        raise Interrupted("the file at this address has changed")
    check_status(response, url)
    if status == httpx.codes.PARTIAL_CONTENT:
        first_byte, total_bytes = _content_range(response)
        if first_byte != start or current_validator not in (None, validator):
            discard(part)
            raise Interrupted("the file at this address has changed")
    else:
        check_is_file(response, url)
        start = 0
        length = response.headers.get("Content-Length", "")
        total_bytes = int(length) if length.isdecimal() else None
        discard(part)
        part.parent.mkdir(parents=True, exist_ok=True)
        _write_state(part, _PartialFile(url=url, validator=current_validator))
    _check_room(part, start, total_bytes)
    received_bytes = start
    on_progress(received_bytes, total_bytes)
    with part.open("ab" if start else "wb") as file:
        for chunk in response.iter_raw():
            file.write(chunk)
            received_bytes += len(chunk)
            on_progress(received_bytes, total_bytes)
    if total_bytes is not None and received_bytes != total_bytes:
        raise Interrupted(f"{received_bytes} of {total_bytes} bytes arrived")


def _check_room(part: Path, start: int, total_bytes: int | None) -> None:
    free_bytes = shutil.disk_usage(part.parent).free
    if total_bytes is not None and total_bytes - start > free_bytes:
        raise StorageError(
            f"{part.parent} has room for {free_bytes} bytes, and {total_bytes - start} are still to come; make room, "
            "or choose another folder with --cache"
        )


def _validator_of(response: httpx.Response) -> str | None:
    """What tells this version of the file from others, if the server offers it."""
    etag: str = response.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):  # a weak one does not promise equal bytes
        return etag
    modified: str | None = response.headers.get("Last-Modified")
    return modified


def _content_range(response: httpx.Response) -> tuple[int | None, int | None]:
    """First byte and size of the whole file, as far as the answer has them."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if match is None:
        return None, None
    first_byte, whole_bytes = match.groups()
    return (
        None if first_byte is None else int(first_byte),
        None if whole_bytes == "*" else int(whole_bytes),
    )


def _is_unknown_host(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, socket.gaierror):
            return True
        error = error.__cause__ or error.__context__
    return False


def _describe(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return "the server did not answer in time"
    if isinstance(error, httpx.TimeoutException):
        return "no more bytes arrived in time"
    return f"the connection broke ({error})" if str(error) else "the connection broke"


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _state_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _write_state(part: Path, state: _PartialFile) -> None:
    _state_path(part).write_text(json.dumps(asdict(state)), "utf-8")


def _read_state(part: Path) -> _PartialFile | None:
    """The state of a part; None if it is missing or unreadable: then the part is worth nothing."""
    try:
        return _PartialFile(**json.loads(_state_path(part).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
