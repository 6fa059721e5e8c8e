"""One exchange with a server: the request, its answer or its problem, and whether to ask again.

``Client`` and ``AsyncClient`` share it; they differ only in how they wait.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ldexp
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic import ValidationError

from model.errors import InvalidInput
from model.picture_errors import ImageError, UnreadableImage
from placefix.client.errors import (
    ClientError,
    KeyRefused,
    NotPlacefix,
    PhotoRefused,
    ServerBusy,
    ServerProblem,
    ServerUnreachable,
)
from placefix.client.question import Photo, Question, fields_of, source_of
from service.errors import AccessDenied, BodyTooLarge, DeadlineExceeded
from service.keys import KEY_HEADER
from service.schemas.answer import FROM_LATER_RELEASES
from service.schemas.problem import Problem
from service.schemas.schema import Schema

DEFAULT_TIMEOUT_S = 60.0
"""A server answers or gives up within 30 seconds of the last byte, by default."""

DEFAULT_PATIENCE_S = 60.0

LIST_MAPS: Mapping[str, Any] = {"method": "GET", "url": "maps"}
"""The request for the maps that a server has."""


LIST_SHARDS: Mapping[str, Any] = {"method": "GET", "url": "shards"}
"""The request for the shards that a front end asks."""


def activation_request(map_name: str, version: str, shards: int | None) -> dict[str, Any]:
    """Return the request to serve a version of a map, from a number of shards."""
    body = {"version": version} if shards is None else {"version": version, "shards": shards}
    return {"method": "POST", "url": f"maps/{quote(map_name, safe='')}/activate", "json": body}


def thumbnail_request(map_name: str, place_id: str) -> dict[str, Any]:
    """Return the request for the thumbnail of a picture of a map."""
    return {"method": "GET", "url": f"maps/{quote(map_name, safe='')}/places/{quote(place_id)}/thumbnail"}


Answer = TypeVar("Answer", bound=Schema)

_CONNECT_TIMEOUT_S = 10.0
_SHORTEST_WAIT_S = 0.1
_SERVICE_UNAVAILABLE = 503


def options_of(url: str, key: str | None, timeout_s: float) -> dict[str, Any]:
    """Return the arguments of ``httpx.Client`` for a server.

    Raises:
        InvalidInput: The address or the key is not valid.
    """
    try:
        urlsplit(url)  # httpx accepts some addresses that are not valid
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise InvalidInput(f"{url!r} is not an address of a server: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment:
        raise InvalidInput(f"{url!r} is not an address of a server: give one as http://localhost:8000")
    if timeout_s <= 0:
        raise InvalidInput(f"timeout_s must be more than 0, not {timeout_s}")
    headers = {"Accept": "application/json"}
    if key is not None:
        if not key.isascii() or not key.isprintable() or not key.strip():
            raise InvalidInput(
                "the key holds characters that no key has: give the line that placefix keys create has printed"
            )
        headers[KEY_HEADER] = key.strip()
    timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_TIMEOUT_S))
    return {"base_url": parsed, "headers": headers, "timeout": timeout}


def request_of(photos: Sequence[Photo], place_map: str | None, question: Question) -> dict[str, Any]:
    """Return the arguments of ``post`` that ask about photos. The server does not get the names of their files.

    Raises:
        InvalidInput: There is no photo, or one is an address.
        ImageError: A photo cannot be read.
    """
    if not photos:
        raise InvalidInput("no photo was given")
    fields = fields_of(question)
    if place_map is not None:
        fields["map"] = place_map
    files = [("image", ("photo", _bytes_of(source_of(photo)))) for photo in photos]
    return {"method": "POST", "url": "localize", "files": files, "data": fields}


def _bytes_of(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        return source.read_bytes()
    except OSError as error:
        raise UnreadableImage(f"{source} cannot be read: {error.strerror}") from error


def unreachable(error: httpx.HTTPError, base_url: httpx.URL) -> ClientError:
    """Return the error for a request that has no response."""
    if isinstance(error, httpx.TimeoutException):
        return ServerUnreachable(f"{base_url} does not answer in time: is it overloaded, or is timeout_s too short?")
    why = str(error) or type(error).__name__
    return ServerUnreachable(f"{base_url} cannot be reached ({why}): is the server running, and the address right?")


def answer_of(response: httpx.Response, kind: type[Answer]) -> Answer:
    """Return the answer in a response; members that a later release adds are ignored.

    Args:
        response: The response of the server.
        kind: The kind of the answer.

    Raises:
        ServerProblem: The server says why there is no answer.
        NotPlacefix: The response does not come from a Placefix server.
    """
    try:
        return kind.model_validate_json(content_of(response), extra="ignore", context=FROM_LATER_RELEASES)
    except ValidationError as error:
        raise NotPlacefix(f"{response.url} answers, but not as Placefix does: {_first(error)}") from error


def content_of(response: httpx.Response) -> bytes:
    """Return the bytes in a response; raise the errors of ``answer_of``."""
    if response.status_code == httpx.codes.OK:
        return response.content
    if response.is_redirect:
        raise NotPlacefix(
            f"{response.url} leads elsewhere, to {response.headers.get('Location', '')}: give the address of the "
            "server itself"
        )
    try:
        problem = Problem.model_validate_json(response.content, extra="ignore")
    except ValidationError as error:
        raise NotPlacefix(
            f"{response.url} answers {response.status_code} {response.reason_phrase}, and not as Placefix does: is the "
            "address right, and does the proxy in front of the server let photos through?"
        ) from error
    raise _kind_of(problem)(problem, _retry_after_s(response.headers.get("Retry-After")))


def _kind_of(problem: Problem) -> type[ServerProblem]:
    if problem.code in _PHOTO_CODES:
        return PhotoRefused
    if problem.code in _KEY_CODES:
        return KeyRefused
    if problem.status == _SERVICE_UNAVAILABLE or problem.code == DeadlineExceeded.code:
        return ServerBusy
    return ServerProblem


def _codes_below(*roots: type[Exception]) -> frozenset[str]:
    return frozenset(kind.__dict__["code"] for root in roots for kind in (root, *root.__subclasses__()))


_PHOTO_CODES = _codes_below(ImageError, BodyTooLarge)
_KEY_CODES = _codes_below(AccessDenied)


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, found['loc'])) or 'the body'}: {found['msg']}"


def _retry_after_s(header: str | None) -> float | None:
    """Return the seconds that a header states, or those until the time that a proxy may state instead."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        pause_s: float = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        return max(0.0, pause_s)
    except (ValueError, TypeError):
        return None


@dataclass
class Patience:
    """Count down the time that a question may wait for a busy server.

    Attributes:
        left_s: The seconds that are left.
    """

    left_s: float
    _waits: int = field(default=0)

    def wait_s(self, busy: ServerBusy) -> float:
        """Return the seconds to wait before the question is asked again.

        Raises:
            ServerBusy: There is no time left, or the server does not say when to ask again.
        """
        if busy.retry_after_s is None:
            raise busy
        pause_s = max(busy.retry_after_s, ldexp(_SHORTEST_WAIT_S, self._waits))
        self._waits += 1
        if pause_s > self.left_s:
            raise busy
        self.left_s -= pause_s
        return pause_s
