"""Send calls to shards that Ray Serve runs: an application for each shard, whose replicas are asked by handles.

A replica answers the requests of an HTTP shard (``service.ray_shards``). Serve starts replicas again and tells which
there are; which one is asked, for how long, and which one after it, is decided here. Ray is imported when it is used.
"""

import asyncio
import logging
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from pydantic import ValidationError

from model.errors import InvalidInput
from service.http_transport import failure_of, headers_with
from service.ray_config import DEPLOYMENT
from service.shard_connections import FailedCall
from service.shard_identity import Part, ShardIdentity
from service.shard_settings import RAY_SCHEME
from service.shard_state import SHARD_PATH, SHARD_STATE, ShardState
from service.words import CallOutcome

ReplicaAnswer = tuple[str, int, bytes]
"""The name of the replica that answers, the status, and the body."""

_ONE_TRY_TO_JOIN = ("RAY_NUM_REDIS_GET_RETRIES", "1")  # each try takes 40 s, and Ray would make 20
_MOST_TRIES = 3
_AT_ONCE = 0.0  # on the clock of an event loop
_OTHERS_S = 1.0  # the longest wait of a look for the other replicas, once one has answered
_WORTH_ANOTHER_TRY: tuple[CallOutcome, ...] = ("unreachable", "late", "busy", "unexpected")

_log = structlog.stdlib.get_logger("placefix.service")


def load_serve() -> Any:
    """Import Ray Serve, and return it.

    Raises:
        InvalidInput: It is not installed.
    """
    os.environ.setdefault(*_ONE_TRY_TO_JOIN)  # it is read by the import
    try:
        from ray import serve  # noqa: PLC0415  (an extra; the import takes seconds)
    except ImportError as error:
        raise InvalidInput(
            f"shards at {RAY_SCHEME}… need Ray, which is not installed: pip install 'placefix[cluster]', on every "
            "machine"
        ) from error
    return serve


class RayTransport:
    """Ask shards that are applications of Ray Serve; see ``Transport``.

    Attributes:
        addresses: The addresses of the shards, the first one first.
    """

    def __init__(self, addresses: Sequence[str], key: str | None, timeout_s: float) -> None:
        """Join the cluster that ``RAY_ADDRESS`` names, or the one of this machine.

        A process that has joined a cluster already stays in it.

        Args:
            addresses: The addresses of the shards, such as ``ray:town-1``.
            key: The key that each of them needs; None if they need none.
            timeout_s: The most seconds of a call, which its tries share.

        Raises:
            InvalidInput: Ray is not installed, or the cluster cannot be joined.
        """
        self.addresses = addresses
        self._headers = headers_with(key)
        self._timeout_s = timeout_s
        self._serve = load_serve()
        self._handles: dict[int, Any] = {}
        self._replicas: dict[int, tuple[str, ...]] = {}
        self._asked: Counter[str] = Counter()  # calls of this front end that a replica has not answered yet
        self._limits = defaultdict[int, set[asyncio.Timeout]](set)  # number of a shard → limits of its calls
        self._has_joined = _join()

    async def open(self) -> None:
        """See ``Transport.open``; handles are made when they are used, because Serve may start later."""

    async def ask(self, number: int, path: str, body: bytes, on_lost: Callable[[CallOutcome], None]) -> bytes:
        """See ``Transport.ask``; if a replica does not answer in its part of the time, or cannot, the next is asked."""
        if path == SHARD_PATH:
            return SHARD_STATE.dump_json(await self._look(number, body))
        known = self._replicas.get(number, ())
        order = sorted(known, key=lambda replica: self._asked[replica])[:_MOST_TRIES]
        if not order:
            raise _no_replica()
        for replica in order[:-1]:
            try:
                return await self._ask_replica(number, replica, path, body, self._timeout_s / len(order))
            except FailedCall as failure:
                if failure.outcome not in _WORTH_ANOTHER_TRY:
                    raise
                on_lost(failure.outcome)
        return await self._ask_replica(number, order[-1], path, body, self._timeout_s / len(order))

    async def close(self) -> None:
        """See ``Transport.close``."""
        for number in list(self._handles):
            await self._forget(number)
        if self._has_joined:
            await asyncio.to_thread(_leave)

    async def _look(self, number: int, body: bytes) -> ShardState:
        """Tell all replicas of a shard which parts are needed, and return those that they hold.

        If no replica answers, all calls of the shard end: Serve would keep them until there is a replica again.
        """
        try:
            response = (await self._handle(number)).broadcast("ask", SHARD_PATH, body, self._headers)
            # The public results_async waits for all replicas, and tells nothing if one of them hangs.
            sent = await response._fetch_replica_results_async()
        except self._serve.exceptions.RayServeException as error:
            await self._forget(number)
            self._end_calls(number)
            raise _no_replica() from error
        answers = await _first_and_soon([each.get_async() for each in sent], self._timeout_s)
        states: dict[str, ShardState] = {}
        failures: list[FailedCall] = []
        for replica, status, content in answers:
            try:
                states[replica] = SHARD_STATE.validate_json(_content_of(status, content))
            except ValidationError:
                failures.append(FailedCall("garbage", "answers, and not as a shard of this release does"))
            except FailedCall as failure:
                failures.append(failure)
        self._replicas[number] = tuple(sorted(states))
        if states:
            return _merged([states[replica] for replica in sorted(states)])
        if failures:
            raise failures[0]
        self._end_calls(number)
        raise _no_replica()

    async def _ask_replica(self, number: int, replica: str, path: str, body: bytes, limit_s: float) -> bytes:
        import ray  # noqa: PLC0415

        handle = await self._handle(number)
        self._asked[replica] += 1
        response = None
        try:
            async with asyncio.timeout(limit_s) as limit:
                self._limits[number].add(limit)
                response = handle.ask.remote(path, body, self._headers, preferred=replica)
                _, status, content = await response
        except TimeoutError as error:
            if limit.when() == _AT_ONCE:
                raise _no_replica() from error
            raise FailedCall("late", f"did not answer within {limit_s:g} seconds") from error
        except ray.exceptions.RayActorError as error:
            raise FailedCall("unreachable", f"has lost a replica ({type(error).__name__})") from error
        except self._serve.exceptions.BackPressureError as error:
            raise FailedCall("busy", "has too many calls waiting") from error
        except self._serve.exceptions.RayServeException as error:
            raise FailedCall("unreachable", f"cannot be reached ({type(error).__name__})") from error
        finally:
            self._asked -= Counter([replica])
            self._limits[number].discard(limit)
            if response is not None:
                response.cancel()  # without effect on a call that is answered
        return _content_of(status, content)

    def _end_calls(self, number: int) -> None:
        for limit in self._limits.pop(number, ()):
            if not limit.expired():
                limit.reschedule(_AT_ONCE)

    async def _handle(self, number: int) -> Any:
        """Return the handle of a shard.

        Raises:
            FailedCall: Serve does not run in the cluster.
        """
        if number not in self._handles:
            name = self.addresses[number].removeprefix(RAY_SCHEME)
            try:
                self._handles[number] = await asyncio.to_thread(self._serve.get_deployment_handle, DEPLOYMENT, name)
            except self._serve.exceptions.RayServeException as error:
                raise FailedCall("unreachable", "cannot be reached: Ray Serve does not run in the cluster") from error
        return self._handles[number]

    async def _forget(self, number: int) -> None:
        """Close the handle of a shard: after a restart of Serve it would find no replica any more."""
        self._replicas.pop(number, None)
        if (handle := self._handles.pop(number, None)) is not None and handle.is_initialized:
            await handle.shutdown_async()


def _merged(states: Sequence[ShardState]) -> ShardState:
    """Return the state of a shard with several replicas.

    It holds the parts that one of them holds, as the first one of these holds them: a call that reaches another one is
    refused, and goes to the next. A part is refused if all replicas refuse it.

    Args:
        states: The states of the replicas, at least one.
    """
    held: dict[Part, ShardIdentity] = {}
    for state in states:
        for identity in state.held:
            held.setdefault(identity.part, identity)
    refused = tuple(
        each
        for each in states[0].refused
        if each.part not in held and all(state.reason_against(each.part) is not None for state in states)
    )
    return ShardState(tuple(held.values()), refused, sum(state.replicas for state in states))


def _no_replica() -> FailedCall:
    return FailedCall("unreachable", "has no replica that answers")


def _content_of(status: int, content: bytes) -> bytes:
    """Return the body of an answer.

    Raises:
        FailedCall: It is a refusal.
    """
    if status != 200:
        raise failure_of(status, content)
    return content


async def _first_and_soon(calls: Sequence[Any], limit_s: float) -> list[ReplicaAnswer]:
    """Wait for the first answer, and a little for the others; leave out those that are missing then.

    Args:
        calls: The calls of all replicas.
        limit_s: The longest wait for the first answer.
    """
    tasks = [asyncio.ensure_future(call) for call in calls]
    answers: list[ReplicaAnswer] = []
    try:
        waiting = set(tasks)
        while waiting:
            done, waiting = await asyncio.wait(waiting, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            answers += [task.result() for task in done if task.exception() is None]
            if not done:
                break
            if answers:
                limit_s = min(limit_s, _OTHERS_S)
    finally:
        for task in tasks:
            task.cancel()
    return answers


def _join() -> bool:
    """Join the cluster, and return whether this process was in none before.

    Raises:
        InvalidInput: It cannot be joined.
    """
    import ray  # noqa: PLC0415

    if ray.is_initialized():
        return False
    address = os.environ.get("RAY_ADDRESS", "auto")
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises bare ones, too
        raise InvalidInput(
            f"no cluster of Ray can be joined at {address} (RAY_ADDRESS): {error}. A front end runs on a machine of "
            "the cluster (ray start --address=HEAD:6379); version of Ray, version of Python and token "
            "(RAY_AUTH_MODE=token, RAY_AUTH_TOKEN) have to equal the cluster's"
        ) from error
    _log.info("the cluster is joined", address=address)
    return True


def _leave() -> None:
    import ray  # noqa: PLC0415

    ray.shutdown()
