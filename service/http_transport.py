"""Send calls to shards over HTTP: one pool that is kept alive, and a fresh connection for a second try."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

import httpx
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
        self._pool = await self._clients.enter_async_context(self._client(most_kept=None))
        self._fresh = await self._clients.enter_async_context(self._client(most_kept=0))

    async def ask(self, number: int, path: str, body: bytes, on_lost: Callable[[CallOutcome], None]) -> bytes:
        """See ``Transport.ask``; if the connection breaks, this tries again on a fresh one."""
        url = self.addresses[number] + path
        try:
            return await _exchange(self._pool, url, body)
        except httpx.TransportError:
            on_lost("unreachable")
        try:
            return await _exchange(self._fresh, url, body)
        except httpx.TransportError as error:
            raise FailedCall("unreachable", f"cannot be reached ({type(error).__name__})") from error

    async def close(self) -> None:
        """See ``Transport.close``."""
        await self._clients.aclose()

    def _client(self, most_kept: int | None) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=most_kept)
        unlimited = httpx.Timeout(None)  # each call has one limit as a whole
        return httpx.AsyncClient(headers=self._headers, timeout=unlimited, limits=limits, trust_env=False)


async def _exchange(client: httpx.AsyncClient, url: str, body: bytes) -> bytes:
    async with client.stream("POST", url, content=body) as response:
        content = bytearray()
        async for piece in response.aiter_raw():
            content += piece
            if len(content) > _MOST_ANSWER_BYTES:
                raise FailedCall("garbage", f"sends more than {_MOST_ANSWER_BYTES} bytes")
    if response.status_code == httpx.codes.OK:
        return bytes(content)
    raise failure_of(response.status_code, bytes(content))


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
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return FailedCall("denied", f"refuses the key that it gets, which shard_key names: {detail}")
    if status == httpx.codes.NOT_FOUND:
        return FailedCall("unexpected", f"is not a shard, or has no map of that name: {detail}")
    if status == httpx.codes.SERVICE_UNAVAILABLE:
        return FailedCall("busy", f"cannot answer now: {detail}")
    return FailedCall("unexpected", f"answers {status}: {detail}")
