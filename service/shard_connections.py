"""Connect a front end to its shards: a look at each shard again and again, and calls with one time limit.

A thread with its own event loop speaks to the shards, so that the threads that answer queries ask all of them at
once. A ``Transport`` carries the bytes.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, wait
from contextlib import suppress
from typing import Protocol
from uuid import uuid4

import structlog
from pydantic import ValidationError

from service.errors import NotReady, ShardUnavailable
from service.shard_identity import Part
from service.shard_state import SHARD_PATH, SHARD_STATE, WANTED, ShardState, Wanted
from service.shortlist import check_wanted
from service.words import CallOutcome

OnCall = Callable[[str, CallOutcome, float], None]
"""A function that takes each call: the shard, such as ``1/3``, the outcome, and the seconds of the call."""

LOOK_INTERVAL_S = 1.0
_LEAST_PAUSE_S = 0.05  # between two looks, however many calls fail
_WANTED_INTERVAL_S = 0.05  # between two looks whether somebody still waits for a query
_NOT_ASKED = "has not been asked yet"

_log = structlog.stdlib.get_logger("placefix.service")


def _ignore_call(_shard: str, _outcome: CallOutcome, _seconds: float, /) -> None:
    """Count no call."""


class FailedCall(Exception):
    """Tell that a call brought no answer.

    Attributes:
        outcome: The outcome for the metrics.
        why: The rest of a sentence that begins with the shard.
    """

    def __init__(self, outcome: CallOutcome, why: str) -> None:
        super().__init__(why)
        self.outcome = outcome
        self.why = why


class Transport(Protocol):
    """Send calls to shards, on the event loop of the connections.

    Attributes:
        addresses: The addresses of the shards, the first one first.
    """

    addresses: Sequence[str]

    async def open(self) -> None:
        """Open the connections."""
        ...

    async def ask(self, number: int, path: str, body: bytes, on_lost: Callable[[CallOutcome], None]) -> bytes:
        """Send a body to a shard, and return its answer. A call changes nothing, so it may be tried several times.

        Args:
            number: The number of the shard, from 0.
            path: The path of the route.
            body: The body of the call.
            on_lost: A function that gets the outcome of each try that is repeated.

        Raises:
            FailedCall: There is no answer.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class ShardConnections:
    """Ask shards; safe to use from several threads.

    Attributes:
        addresses: The addresses of the shards, the first one first. A version is in as many of them as its parts say;
            the others are spare.
        timeout_s: The most seconds of a call, further tries included.
        on_call: A function that gets each call, on the thread of the connections.
    """

    def __init__(self, transport: Transport, timeout_s: float) -> None:
        """Prepare the connections; ``start`` opens them.

        Args:
            transport: The carrier of the calls.
            timeout_s: The most seconds of a call, further tries included.
        """
        self.addresses = tuple(transport.addresses)
        self.timeout_s = timeout_s
        self.on_call: OnCall = _ignore_call
        self._transport = transport
        self._front = uuid4().hex
        self._states: list[ShardState | str] = [_NOT_ASKED] * len(self.addresses)
        self._loop = asyncio.new_event_loop()
        self._soon = asyncio.Event()
        self._changed = threading.Condition()
        self._wanted: Counter[tuple[int, Part]] = Counter()  # a version may be opened again beside itself
        self._looks_begun = self._looks_done = 0
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="placefix-shards", daemon=True)

    def start(self) -> None:
        """Open the connections, and wait until each shard was looked at once."""
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._looks_done > 0, self.timeout_s + LOOK_INTERVAL_S)

    def state_of(self, number: int) -> ShardState | str:
        """Return the state of a shard; or the reason why it cannot be asked."""
        return self._states[number]

    def replicas_of(self, number: int) -> int:
        """Return how many replicas of a shard answered the last look; 1 for a shard that is one server."""
        state = self._states[number]
        return 0 if isinstance(state, str) else state.replicas

    def want(self, parts: Sequence[Part]) -> None:
        """Tell the shards from now on that their parts are needed; the first part belongs to the first shard."""
        with self._changed:
            self._wanted.update(enumerate(parts))
        self._look_soon()

    def unwant(self, parts: Sequence[Part]) -> None:
        """Tell the shards no more that their parts are needed."""
        with self._changed:
            self._wanted -= Counter(enumerate(parts))
        self._look_soon()

    def look_again(self) -> None:
        """Wait for a look at all shards that begins from now on.

        Raises:
            NotReady: The connections are closed.
        """
        with self._changed:
            needed = self._looks_begun + 1
            self._look_soon()
            self._changed.wait_for(lambda: self._looks_done >= needed or self._is_closed)
            if self._is_closed:
                raise NotReady("the service is stopping")

    def ask(self, path: str, bodies: Mapping[int, bytes], of: int, is_wanted: Callable[[], bool]) -> dict[int, bytes]:
        """Ask some shards at once, and wait for all of them; stop the calls once nobody waits for the query.

        Args:
            path: The path of the route.
            bodies: Number of a shard, from 0 → the body of its call.
            of: The number of shards of the version.
            is_wanted: A function that tells whether somebody still waits for the query.

        Returns:
            Number of the shard → its answer.

        Raises:
            ShardUnavailable: A shard does not answer; the error names it.
            DeadlineExceeded: Nobody waits for the query any more.
        """
        answers = asyncio.run_coroutine_threadsafe(self._ask_all(path, bodies, of), self._loop)
        try:
            while not wait([answers], _WANTED_INTERVAL_S).done:
                check_wanted(is_wanted)
            return answers.result()
        except CancelledError as error:
            raise NotReady("the service is stopping") from error
        finally:
            answers.cancel()

    def close(self) -> None:
        """Tell the shards that nothing is needed any more, close all connections, and end the thread."""
        with self._changed:
            self._wanted.clear()
            self._is_closed = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._looking.cancel)
            self._thread.join()

    def _look_soon(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._soon.set)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._looking = self._loop.create_task(self._look_again_and_again())
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._looking)
        others = asyncio.all_tasks(self._loop)
        for task in others:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*others, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _look_again_and_again(self) -> None:
        await self._transport.open()
        try:
            while True:
                await self._look_at_all()
                await asyncio.sleep(_LEAST_PAUSE_S)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_INTERVAL_S):  # wait_for may swallow the end of the connections
                        await self._soon.wait()
        except asyncio.CancelledError:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_INTERVAL_S):
                    await asyncio.gather(*(self._look_at(number, ()) for number in range(len(self.addresses))))
            raise
        finally:
            await self._transport.close()

    async def _look_at_all(self) -> None:
        self._soon.clear()
        with self._changed:
            self._looks_begun += 1
            begun, wanted = self._looks_begun, tuple(self._wanted)
        states = await asyncio.gather(
            *(
                self._look_at(number, tuple(part for of_shard, part in wanted if of_shard == number))
                for number in range(len(self.addresses))
            )
        )
        self._tell_changes(states)
        with self._changed:
            self._states, self._looks_done = states, begun
            self._changed.notify_all()

    async def _look_at(self, number: int, parts: tuple[Part, ...]) -> ShardState | str:
        body = WANTED.dump_json(Wanted(self._front, parts))
        try:
            async with asyncio.timeout(self.timeout_s):
                return SHARD_STATE.validate_json(
                    await self._transport.ask(number, SHARD_PATH, body, on_lost=lambda _: None)
                )
        except TimeoutError:
            return f"did not answer within {self.timeout_s:g} seconds"
        except ValidationError:
            return "answers, and not as a shard of this release does"
        except FailedCall as failure:
            return failure.why
        except Exception as error:  # noqa: BLE001 - the looks at all shards continue after any error of one
            _log.error("a shard cannot be looked at", shard=number + 1, exc_info=error)
            return "cannot be looked at; the log has the reason"

    def _tell_changes(self, states: Sequence[ShardState | str]) -> None:
        with self._changed:
            needed = {number for number, _ in self._wanted}
        for number, (before, after) in enumerate(zip(self._states, states, strict=True)):
            if before == after:
                continue
            if not isinstance(after, str):
                held = [str(identity.part) for identity in after.held]
                _log.info("a shard can be asked", shard=number + 1, address=self.addresses[number], parts=held)
            elif number in needed:
                _log.error("a shard cannot be asked", shard=number + 1, address=self.addresses[number], reason=after)

    async def _ask_all(self, path: str, bodies: Mapping[int, bytes], of: int) -> dict[int, bytes]:
        calls = {
            number: asyncio.ensure_future(self._ask(number, f"{number + 1}/{of}", path, body))
            for number, body in bodies.items()
        }
        try:
            return dict(zip(calls, await asyncio.gather(*calls.values()), strict=True))
        finally:
            for call in calls.values():
                call.cancel()

    async def _ask(self, number: int, name: str, path: str, body: bytes) -> bytes:
        start = time.perf_counter()

        def count(outcome: CallOutcome) -> None:
            self.on_call(name, outcome, time.perf_counter() - start)

        try:
            async with asyncio.timeout(self.timeout_s):
                answer = await self._transport.ask(number, path, body, on_lost=count)
        except TimeoutError:
            failure = FailedCall("late", f"did not answer within {self.timeout_s:g} seconds")
        except FailedCall as error:
            failure = error
        else:
            count("answered")
            return answer
        count(failure.outcome)
        self._soon.set()
        raise ShardUnavailable(f"shard {name} {failure.why}")
