"""Send calls to shards over HTTP: one pool that is kept alive, and a fresh connection for a second try.

aiohttp needs a third of the time of httpx for a call, and a query makes two to five of them.
"""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from http import HTTPStatus
from io import BytesIO

import aiohttp
from pydantic import ValidationError

from service.keys import KEY_HEADER
from service.schemas.problem import Problem
from service.shard_connections import FailedCall
from service.shard_messages import MEDIA_TYPE
from service.words import CallOutcome

_MOST_ANSWER_BYTES = 2**20


class HttpTransport:
    """Ask shards that are servers; see ``Transport``.

    Attributes:
        addresses: The addresses of the shards, the first one first.
    """

    def __init__(self, addresses: Sequence[str], key: str | None) -> None:
        """Prepare the connections.

        Args:
            addresses: The addresses of the shards, the first one first.
            key: The key that each of them needs; None if they need none.
        """
        self.addresses = addresses
        self._headers = headers_with(key)
        self._clients = AsyncExitStack()

    async def open(self) -> None:
        """See ``Transport.open``."""
        self._pool = await self._clients.enter_async_context(self._client(is_kept=True))
        self._fresh = await self._clients.enter_async_context(self._client(is_kept=False))

    async def ask(self, number: int, path: str, body: bytes, on_lost: Callable[[CallOutcome], None]) -> bytes:
        """See ``Transport.ask``; if the connection breaks, this tries again on a fresh one."""
        url = self.addresses[number] + path
        try:
            return await _exchange(self._pool, url, body)
        except aiohttp.ClientError:
            on_lost("unreachable")
        try:
            return await _exchange(self._fresh, url, body)
        except aiohttp.ClientError as error:
            raise FailedCall("unreachable", f"cannot be reached ({type(error).__name__})") from error

    async def close(self) -> None:
        """See ``Transport.close``."""
        await self._clients.aclose()

    def _client(self, *, is_kept: bool) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=not is_kept),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),  # each call has one limit as a whole
        )


async def _exchange(client: aiohttp.ClientSession, url: str, body: bytes) -> bytes:
    async with client.post(url, data=BytesIO(body), allow_redirects=False) as response:
        content = bytearray()
        async for piece in response.content.iter_any():
            content += piece
            if len(content) > _MOST_ANSWER_BYTES:
                raise FailedCall("garbage", f"sends more than {_MOST_ANSWER_BYTES} bytes")
    if response.status == HTTPStatus.OK:
        return bytes(content)
    raise failure_of(response.status, bytes(content))


def headers_with(key: str | None) -> dict[str, str]:
    """Return the headers of a call.

    Args:
        key: The key that the shard needs; None if it needs none.
    """
    headers = {"Content-Type": MEDIA_TYPE, "Accept-Encoding": "identity"}
    return headers if key is None else {**headers, KEY_HEADER: key}


def failure_of(status: int, content: bytes) -> FailedCall:
    """Return the failure that an answer other than 200 means."""
    try:
        detail = Problem.model_validate_json(content, extra="ignore").detail
    except ValidationError:
        return FailedCall("garbage", f"answers {status}, and not as a shard does: is the address right?")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return FailedCall("denied", f"refuses the key that it gets, which shard_key names: {detail}")
    if status == HTTPStatus.NOT_FOUND:
        return FailedCall("unexpected", f"is not a shard, or has no map of that name: {detail}")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return FailedCall("busy", f"cannot answer now: {detail}")
    return FailedCall("unexpected", f"answers {status}: {detail}")
