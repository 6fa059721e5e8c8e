"""The meaning of a file server's answer: a file, a refusal, a temporary error, or a page for people."""

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
    """Report that an attempt failed, but another attempt may succeed."""


def check_status(response: httpx.Response, url: str) -> None:
    """Accept answers with content to read, and raise errors for others.

    Args:
        response: The answer, before its body is read.
        url: The known address of the file.

    Raises:
        DownloadFailed: The server refuses; the message quotes its page.
        Interrupted: The server has a temporary error.
    """
    status = response.status_code
    if status in _TRANSIENT:
        raise Interrupted(f"the server answered {status} {response.reason_phrase}")
    if status not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
        reason = _REASONS.get(status, f"the server answered {response.reason_phrase or 'something unexpected'}")
        raise DownloadFailed(f"{url} could not be downloaded: {reason} (HTTP status {status}){_quoted(response)}")


def check_is_file(response: httpx.Response, url: str) -> None:
    """Refuse a page in place of a file, and a compressed transfer.

    Raises:
        DownloadFailed: The answer is a page, which the message quotes, or is compressed.
    """
    if _is_page(response):
        raise DownloadFailed(f"{url} is a web page, not a file{_quoted(response)}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise DownloadFailed(f"{url}: the server sends the file compressed although it was asked not to")


def page_of(response: httpx.Response) -> WebPage:
    """Read an answer as a web page, up to a megabyte.

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
    """Return the words of an answer that is a web page, as the end of a sentence."""
    words = page_of(response).words if _is_page(response) else ""
    return f"; the page says: {words}" if words else ""
