"""The download of one large file over an unreliable connection: received bytes are kept, and a later call continues."""

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
"""A function from the known address of a file to the current address of its bytes."""

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


@dataclass(frozen=True)
class RetryPolicy:
    """Set the pauses and the number of attempts.

    Attributes:
        attempts: The attempts before giving up; every attempt that gets further than all before it restarts the count.
        first_pause_s: The pause before the second attempt; it is doubled before each further one.
        longest_pause_s: The longest pause.
        connect_timeout_s: The time limit for a connection.
        read_timeout_s: The time limit for the next bytes.
    """

    attempts: int = 5
    first_pause_s: float = 1.0
    longest_pause_s: float = 30.0
    connect_timeout_s: float = 15.0
    read_timeout_s: float = 60.0

    def pause_s(self, failures: int) -> float:
        """Return the pause after this many failures in a row."""
        return min(self.first_pause_s * 2.0 ** (failures - 1), self.longest_pause_s)


@dataclass(frozen=True)
class _PartialFile:
    """Hold the facts that are needed to continue a part; they are stored beside it.

    Attributes:
        url: The known address of the file; the address of its bytes may change.
        validator: The server's ETag or date of the file; None if the server states neither.
    """

    url: str
    validator: str | None


def at_once(_client: httpx.Client, url: str) -> str:
    """Return the address itself, for a file that lies at its known address."""
    return url


def download(
    url: str,
    part: Path,
    *,
    locate: Locate = at_once,
    policy: RetryPolicy = RetryPolicy(),
    on_progress: OnProgress = lambda _received, _total: None,
) -> None:
    """Download a file, and continue the part of an earlier call.

    A part is continued only if the server confirms that the file is unchanged (``If-Range``). Otherwise the server
    sends the whole file, and the part begins again.

    Args:
        url: The known address of the file, ``http://`` or ``https://``; a part is continued only for the same address.
        part: The path of the bytes, with a small ``.json`` beside it. It is complete when the call returns: move it
            away, then call ``discard``. If the call fails, it is kept for a later call.
        locate: A function that is called before each attempt, for an address with a page before the file.
        policy: The pauses, attempts and time limits.
        on_progress: A function of the received bytes and the total bytes, if known.

    Raises:
        DownloadFailed: The host or file does not exist, a web page comes in its place, or too many attempts got no
            further.
        StorageError: The disk is full, or the file cannot be written.
    """
    timeout = httpx.Timeout(policy.read_timeout_s, connect=policy.connect_timeout_s)
    furthest_bytes, failures = _size(part), 0
    # Byte ranges count transferred bytes: a compressed answer could not be continued.
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
    """Delete a part and its facts, so that the next download begins anew."""
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
            raise DownloadFailed(f"{url} is not an address that can be downloaded: {error}") from error
        if _is_unknown_host(error):
            raise DownloadFailed(
                f"{url}: no host {error.request.url.host} was found; check the address, the network, and the proxy if "
                "there is one"
            ) from error
        raise Interrupted(_describe(error)) from error
    except httpx.DecodingError as error:
        raise Interrupted(f"the answer was damaged ({error})") from error
    except (httpx.InvalidURL, httpx.TooManyRedirects) as error:
        raise DownloadFailed(f"{url} is not an address that can be downloaded: {error}") from error
    except OSError as error:
        raise StorageError(f"{part} cannot be written: {error.strerror}; the received bytes are kept") from error


def _receive(
    response: httpx.Response, url: str, part: Path, start: int, validator: str | None, on_progress: OnProgress
) -> None:
    """Append the body of an answer to the part, begin the part again, or find it complete."""
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
    """Return the mark that identifies this version of the file, if the server sends one."""
    etag: str = response.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):  # a weak mark does not promise equal bytes
        return etag
    modified: str | None = response.headers.get("Last-Modified")
    return modified


def _content_range(response: httpx.Response) -> tuple[int | None, int | None]:
    """Return the first byte and the size of the whole file, as far as the answer has them."""
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
    """Read the facts of a part; return None if they are missing or unreadable, because the part is then useless."""
    try:
        return _PartialFile(**json.loads(_state_path(part).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
