"""Share resources across origins: pages of some other origins may ask, and read the answers.

The origins of the settings may only read and ask questions, which a browser app needs. Only pages of this server
activate another version of a map. The service reads no cookies, so answers allow no credentials; a key comes in a
header, which a browser sends for a page only after it has asked.
"""

from collections.abc import Collection, Sequence

from starlette.datastructures import Headers
from starlette.types import Scope

from service.http_settings import ANY_ORIGIN

RawHeaders = list[tuple[bytes, bytes]]

_PREFLIGHT_AGE_S = 600
_RESOURCE_POLICY = (b"cross-origin-resource-policy", b"cross-origin")


class OtherOrigins:
    """Choose the headers of answers to pages of other origins."""

    def __init__(
        self,
        origins: Collection[str],
        posted_paths: Collection[str],
        sent_headers: Sequence[str],
        read_headers: Sequence[str],
    ) -> None:
        """Keep the permissions.

        Args:
            origins: The origins as browsers write them, or ``*``; with none, answers have no headers for other origins.
            posted_paths: The paths to which their pages may POST; they may GET everything.
            sent_headers: The headers that they may send, beside those that are always allowed.
            read_headers: The headers of answers that they may read, beside those that are always allowed.
        """
        self._origins = frozenset(origins)
        self._posted_paths = frozenset(posted_paths)
        self._sent_headers = ", ".join(sent_headers).encode()
        self._read_headers = ", ".join(read_headers).encode()

    def headers_for(self, scope: Scope, media_type: bytes) -> RawHeaders:
        """Return the headers that an answer gets for other origins.

        Args:
            scope: The scope of the request, with the path as routes know it.
            media_type: The type of the answer. Any page may show a picture: a browser does not name the page's origin
                then.
        """
        if not self._origins:
            return []
        headers: RawHeaders = [_RESOURCE_POLICY] if media_type.startswith(b"image/") else []
        if ANY_ORIGIN not in self._origins:
            headers.append((b"vary", b"Origin"))
        asked = Headers(scope=scope)
        origin = asked.get("origin", "")
        wanted = asked.get("access-control-request-method") if scope["method"] == "OPTIONS" else None
        if not self._is_open(origin, wanted or scope["method"], scope["path"]):
            return headers
        allowed = ANY_ORIGIN if ANY_ORIGIN in self._origins else origin
        headers.append((b"access-control-allow-origin", allowed.encode("latin-1")))
        if wanted is None:
            return [*headers, (b"access-control-expose-headers", self._read_headers)]
        return [
            *headers,
            (b"access-control-allow-methods", wanted.encode("latin-1")),
            (b"access-control-allow-headers", self._sent_headers),
            (b"access-control-max-age", b"%d" % _PREFLIGHT_AGE_S),
        ]

    def _is_open(self, origin: str, method: str, path: str) -> bool:
        if not origin or not self._origins & {ANY_ORIGIN, origin}:
            return False
        return method in ("GET", "HEAD") or (method == "POST" and path in self._posted_paths)
