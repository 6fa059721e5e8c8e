"""Say what the answer of a file server means: a file, a refusal, an error of the moment, or a page for people."""

import httpx

from model.web_page import WebPage, read_web_page
from model.weights_errors import DownloadFailed

_LARGEST_PAGE_BYTES = 2**20
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_REASONS = {
    401: "the server wants a login",
    403: "the server refuses access",
    404: "there is nothing at this address",
    410: "the file has been removed",
}


class Interrupted(Exception):
    """An attempt failed in a way that another may not."""


def check_status(response: httpx.Response, url: str) -> None:
    """Let answers pass that have something to read.

    Args:
        response: Its body not read yet.
        url: What the file is known by.

    Raises:
        DownloadFailed: The server refuses, in the words of its page if it has one.
        Interrupted: The server has an error of the moment.
    """
    status = response.status_code
    if status in _TRANSIENT:
        raise Interrupted(f"the server answered {status} {response.reason_phrase}")
    if status not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
        reason = _REASONS.get(status, f"the server answered {response.reason_phrase or 'something unexpected'}")
        raise DownloadFailed(f"{url} could not be downloaded: {reason} (HTTP status {status}){_quoted(response)}")


def check_is_file(response: httpx.Response, url: str) -> None:
    """Refuse a page in place of a file, and a file that is compressed on its way.

    Raises:
        DownloadFailed: In the words of the page.
    """
    if _is_page(response):
        raise DownloadFailed(f"{url} is a web page, not a file{_quoted(response)}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise DownloadFailed(f"{url}: the server sends the file compressed although it was asked not to")


def page_of(response: httpx.Response) -> WebPage:
    """Read an answer as a web page, up to a megabyte of it.

    Raises:
        httpx.TransportError: The connection broke.
        httpx.DecodingError: The answer is damaged.
    """
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) >= _LARGEST_PAGE_BYTES:
            break
    return read_web_page(body[:_LARGEST_PAGE_BYTES].decode("utf-8", errors="replace"))


def _is_page(response: httpx.Response) -> bool:
    content_type: str = response.headers.get("Content-Type", "")
    return content_type.startswith("text/html")


def _quoted(response: httpx.Response) -> str:
    """Return the words of an answer that is a web page, to end a sentence with."""
    words = page_of(response).words if _is_page(response) else ""
    return f"; the page says: {words}" if words else ""
