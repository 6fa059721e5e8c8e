"""Connect a front end to its shards: one pool that is kept alive, and a look at each shard again and again.

A thread with its own event loop speaks HTTP, so that the threads that answer queries ask all shards at a time.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import wait
from contextlib import suppress

import httpx
import structlog
from pydantic import ValidationError

from service.errors import ShardUnavailable
from service.keys import KEY_HEADER
from service.schemas.problem import Problem
from service.shard_identity import ShardIdentity
from service.shard_messages import IDENTITIES, MEDIA_TYPE
from service.shortlist import check_wanted
from service.words import CallOutcome

OnCall = Callable[[str, CallOutcome, float], None]
"""A function that takes each call: the shard, such as ``1/3``, the outcome, and the seconds of the call."""

SHARD_PATH = "/shard"
"""The path at which a shard describes itself."""

LOOK_INTERVAL_S = 1.0
_LEAST_PAUSE_S = 0.05  # between two looks, however many calls fail
_WANTED_INTERVAL_S = 0.05  # between two looks whether somebody still waits for a query
_MOST_ANSWER_BYTES = 2**20
_NOT_ASKED = "has not been asked yet"

_log = structlog.stdlib.get_logger("placefix.service")


def _ignore_call(_shard: str, _outcome: CallOutcome, _seconds: float, /) -> None:
    """Count no call."""


class _FailedCall(Exception):
    """Tell that a call brought no answer.

    Attributes:
        outcome: The outcome for the metrics.
        why: The rest of a sentence that begins with the shard.
    """

    def __init__(self, outcome: CallOutcome, why: str) -> None:
        super().__init__(why)
        self.outcome = outcome
        self.why = why


class ShardConnections:
    """Ask shards; safe to use from several threads.

    Attributes:
        addresses: The addresses of the shards, the first one first.
        timeout_s: The most seconds of a call, a second try included.
        on_call: A function that is told of each call, on the thread of the connections.
    """

    def __init__(self, addresses: Sequence[str], key: str | None, timeout_s: float) -> None:
        """Prepare the connections; ``start`` opens them.

        Args:
            addresses: The addresses of the shards, the first one first.
            key: The key that each of them needs; None if they need none.
            timeout_s: The most seconds of a call, a second try included.
        """
        self.addresses = tuple(addresses)
        self.timeout_s = timeout_s
        self.on_call: OnCall = _ignore_call
        self._headers = {"Content-Type": MEDIA_TYPE, "Accept-Encoding": "identity"}
        if key is not None:
            self._headers[KEY_HEADER] = key
        self._states: list[tuple[ShardIdentity, ...] | str] = [_NOT_ASKED] * len(self.addresses)
        self._loop = asyncio.new_event_loop()
        self._has_looked = threading.Event()
        self._thread = threading.Thread(target=self._run, name="placefix-shards", daemon=True)

    def start(self) -> None:
        """Open the connections, and wait until each shard was looked at once."""
        self._thread.start()
        self._has_looked.wait(self.timeout_s + LOOK_INTERVAL_S)

    def name_of(self, number: int) -> str:
        """Return ``2/3`` for the shard with the number 1 of three."""
        return f"{number + 1}/{len(self.addresses)}"

    def state_of(self, number: int) -> tuple[ShardIdentity, ...] | str:
        """Return the identities of a shard, one for each of its maps; or the reason why it cannot be asked."""
        return self._states[number]

    def ask(self, path: str, bodies: Mapping[int, bytes], is_wanted: Callable[[], bool]) -> dict[int, bytes]:
        """Ask some shards at a time, and wait for all of them; stop the calls once nobody waits for the query.

        Args:
            path: The path of the route.
            bodies: Number of a shard, from 0 → the body of its call.
            is_wanted: A function that tells whether somebody still waits for the query.

        Returns:
            Number of the shard → its answer.

        Raises:
            ShardUnavailable: A shard does not answer; the error names it.
            DeadlineExceeded: Nobody waits for the query any more.
        """
        answers = asyncio.run_coroutine_threadsafe(self._ask_all(path, bodies), self._loop)
        try:
            while not wait([answers], _WANTED_INTERVAL_S).done:
                check_wanted(is_wanted)
            return answers.result()
        finally:
            answers.cancel()

    def close(self) -> None:
        """Close all connections, and end the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._looking.cancel)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._looking = self._loop.create_task(self._look_again_and_again())
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._looking)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _look_again_and_again(self) -> None:
        self._soon = asyncio.Event()
        unlimited = httpx.Timeout(None)  # each call has one limit as a whole
        alive = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        fresh = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with (
            httpx.AsyncClient(headers=self._headers, timeout=unlimited, limits=alive, trust_env=False) as self._pool,
            httpx.AsyncClient(headers=self._headers, timeout=unlimited, limits=fresh, trust_env=False) as self._fresh,
        ):
            while True:
                states = await asyncio.gather(*(self._look_at(number) for number in range(len(self.addresses))))
                self._tell_changes(states)
                self._states = states
                self._has_looked.set()
                await asyncio.sleep(_LEAST_PAUSE_S)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._soon.wait(), LOOK_INTERVAL_S)
                self._soon.clear()

    async def _look_at(self, number: int) -> tuple[ShardIdentity, ...] | str:
        try:
            async with asyncio.timeout(self.timeout_s):
                return IDENTITIES.validate_json(await self._try_twice(number, "GET", SHARD_PATH, None))
        except TimeoutError:
            return f"did not answer within {self.timeout_s:g} seconds"
        except ValidationError:
            return "answers, and not as a shard of this release does"
        except _FailedCall as failure:
            return failure.why
        except Exception as error:  # noqa: BLE001 - the looks at all shards continue after any error of one
            _log.error("a shard cannot be looked at", shard=self.name_of(number), exc_info=error)
            return "cannot be looked at; the log has the reason"

    def _tell_changes(self, states: Sequence[tuple[ShardIdentity, ...] | str]) -> None:
        for number, (before, after) in enumerate(zip(self._states, states, strict=True)):
            if before == after:
                continue
            if isinstance(after, str):
                _log.error(
                    "a shard cannot be asked", shard=self.name_of(number), address=self.addresses[number], reason=after
                )
            else:
                _log.info("a shard can be asked", shard=self.name_of(number), address=self.addresses[number])

    async def _ask_all(self, path: str, bodies: Mapping[int, bytes]) -> dict[int, bytes]:
        calls = {number: asyncio.ensure_future(self._ask(number, path, body)) for number, body in bodies.items()}
        try:
            return dict(zip(calls, await asyncio.gather(*calls.values()), strict=True))
        finally:
            for call in calls.values():
                call.cancel()

    async def _ask(self, number: int, path: str, body: bytes) -> bytes:
        name, start = self.name_of(number), time.perf_counter()
        try:
            async with asyncio.timeout(self.timeout_s):
                answer = await self._try_twice(number, "POST", path, body)
        except TimeoutError:
            failure = _FailedCall("late", f"did not answer within {self.timeout_s:g} seconds")
        except _FailedCall as error:
            failure = error
        else:
            self.on_call(name, "answered", time.perf_counter() - start)
            return answer
        self.on_call(name, failure.outcome, time.perf_counter() - start)
        self._soon.set()
        raise ShardUnavailable(f"shard {name} {failure.why}")

    async def _try_twice(self, number: int, method: str, path: str, body: bytes | None) -> bytes:
        """Send a request and return the answer; if the connection breaks, try again on a fresh one."""
        start = time.perf_counter()
        try:
            return await self._exchange(self._pool, number, method, path, body)
        except httpx.TransportError:
            if method == "POST":
                self.on_call(self.name_of(number), "unreachable", time.perf_counter() - start)
        try:
            return await self._exchange(self._fresh, number, method, path, body)
        except httpx.TransportError as error:
            raise _FailedCall("unreachable", f"cannot be reached ({type(error).__name__})") from error

    async def _exchange(
        self, client: httpx.AsyncClient, number: int, method: str, path: str, body: bytes | None
    ) -> bytes:
        async with client.stream(method, self.addresses[number] + path, content=body) as response:
            content = bytearray()
            async for piece in response.aiter_raw():
                content += piece
                if len(content) > _MOST_ANSWER_BYTES:
                    raise _FailedCall("garbage", f"sends more than {_MOST_ANSWER_BYTES} bytes")
        if response.status_code == httpx.codes.OK:
            return bytes(content)
        raise _failure_of(response.status_code, bytes(content))


def _failure_of(status: int, content: bytes) -> _FailedCall:
    """Return the failure that an answer other than 200 means."""
    try:
        detail = Problem.model_validate_json(content, extra="ignore").detail
    except ValidationError:
        return _FailedCall("garbage", f"answers {status}, and not as a shard does: is the address right?")
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return _FailedCall("denied", f"refuses the key that it gets, which shard_key names: {detail}")
    if status == httpx.codes.NOT_FOUND:
        return _FailedCall("unexpected", f"is not a shard, or has no map of that name: {detail}")
    if status == httpx.codes.SERVICE_UNAVAILABLE:
        return _FailedCall("busy", f"cannot answer now: {detail}")
    return _FailedCall("unexpected", f"answers {status}: {detail}")
