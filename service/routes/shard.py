"""Serve the routes of a shard, for front ends: its identity, shortlists and comparisons.

The bodies are those of ``service.shard_messages``. The device's thread does the work, between batches.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, Request, Response

from model.errors import InvalidInput
from model.rerankers.reranker import LocalFeatures
from service.bodies import Pace, limited_body
from service.device_queue.ticket import Clock
from service.device_queue.worker import NO_MEMORY
from service.engine import telling_of_memory
from service.errors import DeadlineExceeded, MalformedBody, Overloaded, ShardOnly, UnexpectedShard
from service.http_shards import COMPARE_PATH, SHORTLIST_PATH
from service.keys import Scope
from service.map_shard import MapShard
from service.paths import QUERY_PATH
from service.routes.access import require_scope
from service.routes.dependencies import RuntimeDependency
from service.runtime import Runtime
from service.served_maps import ServedVersion
from service.shard_connections import SHARD_PATH
from service.shard_messages import (
    IDENTITIES,
    MEDIA_TYPE,
    Question,
    check_features,
    pack_comparisons,
    pack_shortlist,
    read_rows,
    unpack_question,
)
from service.waiting import wait_for

_SHORTLIST_TENSORS = frozenset({"query", "without"})
_COMPARED_TENSORS = frozenset({"query", "rows"})

IsWanted = Callable[[], bool]
Step = Callable[[MapShard, IsWanted], bytes]

router = APIRouter(dependencies=[require_scope(Scope.READ)], include_in_schema=False)


@router.get(SHARD_PATH)
async def describe_shard(runtime: RuntimeDependency) -> Response:
    """Return the identity of this shard, for each map; refuse while queries would not be answered."""
    runtime.check_ready()
    with runtime.engine.maps.reading_all() as versions:
        identities = tuple(_shard_of(version).identity for version in versions)
    return Response(IDENTITIES.dump_json(identities), media_type="application/json")


@router.post(SHORTLIST_PATH)
async def find_candidates(request: Request, runtime: RuntimeDependency) -> Response:
    """Return the candidates of a query in this shard, with exact distances."""
    question, tensors = unpack_question(await _read_body(request, runtime), _SHORTLIST_TENSORS)
    options, without = question.options, read_rows(tensors["without"], float("inf"))

    def step(shard: MapShard, is_wanted: IsWanted) -> bytes:
        width = shard.localizer.place_map.manifest.features.global_dim
        vector = check_features(tensors["query"], (1, width))
        return pack_shortlist(shard.shortlist(vector, options, without, is_wanted))

    return await _answer(request, runtime, question, step)


@router.post(COMPARE_PATH)
async def compare_pictures(request: Request, runtime: RuntimeDependency) -> Response:
    """Return how a query compares with pictures of this shard."""
    question, tensors = unpack_question(await _read_body(request, runtime), _COMPARED_TENSORS)
    rows = read_rows(tensors["rows"])

    def step(shard: MapShard, is_wanted: IsWanted) -> bytes:
        encoder = shard.localizer.encoder
        features = check_features(tensors["query"], (-1, encoder.local_dim))
        with telling_of_memory():
            query = LocalFeatures(features.to(encoder.device))
            return pack_comparisons(shard.compare(query, rows, is_wanted))

    return await _answer(request, runtime, question, step)


@router.post(QUERY_PATH)
async def refuse_query() -> Response:
    """Refuse a query: its answer would come from a part of a map."""
    raise ShardOnly("this server has a part of each map, and answers front ends alone: ask the front end")


async def _read_body(request: Request, runtime: Runtime) -> bytes:
    with runtime.body_budget.lease() as lease:
        settings, advice = runtime.settings, "give the shard a larger max_upload_bytes"
        limited = limited_body(request, lease, settings.max_upload_bytes, Pace.of(settings), advice)
        async with aclosing(limited) as stream:
            return b"".join([piece async for piece in stream])


@dataclass(eq=False)
class _Waiting:
    """Tell whether a front end still waits.

    Attributes:
        until: The time on the clock until which it waits.
        clock: The clock of the queue.
        is_over: Set once it is known that nobody waits.
    """

    until: float
    clock: Clock
    is_over: bool = False

    def __call__(self) -> bool:
        return not self.is_over and self.clock() < self.until


async def _answer(request: Request, runtime: Runtime, question: Question, step: Step) -> Response:
    """Take a step on the device's thread, unless nobody waits for it any more."""
    queue, running = runtime.queue, runtime.engine
    waiting = _Waiting(queue.clock() + question.limit_s, queue.clock)
    with queue.admit(question.limit_s), runtime.answering_from(question.identity.map) as version:
        shard = _shard_of(version)
        if (difference := shard.identity.difference(question.identity)) is not None:
            raise UnexpectedShard(f"this shard is another than the front end takes for granted: {difference}")
        version.retain()  # until the device has finished, even if the front end does not wait for it
        try:
            future = queue.call(partial(step, shard, waiting))
        except BaseException:
            version.release()
            raise
        future.add_done_callback(lambda _: version.release())
        try:
            body = await wait_for(asyncio.wrap_future(future), request.receive, question.limit_s)
        except TimeoutError as error:
            raise DeadlineExceeded.after(question.limit_s) from error
        except InvalidInput as error:
            raise MalformedBody(error.message) from error
        except running.memory_errors as error:
            raise Overloaded(NO_MEMORY) from error
        finally:
            waiting.is_over = True
    return Response(body, media_type=MEDIA_TYPE)


def _shard_of(version: ServedVersion) -> MapShard:
    if version.shard is None:
        raise AssertionError(f"the map {version.map_name} is served as a whole")
    return version.shard
