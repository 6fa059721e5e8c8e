"""Serve the routes of a shard, for front ends: its identity, shortlists and counts.

The bodies are defined by ``service.shard_messages``. The device's thread does the work, between batches.
"""

from contextlib import aclosing

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from service.bodies import Pace, limited_body
from service.errors import MalformedBody, ShardOnly
from service.keys import Scope
from service.paths import QUERY_PATH
from service.routes.access import require_scope
from service.routes.dependencies import RuntimeDependency
from service.runtime import Runtime
from service.shard_answering import answer_call
from service.shard_messages import COMPARE_PATH, MATCH_PATH, MEDIA_TYPE, SHORTLIST_PATH
from service.shard_state import SHARD_PATH, SHARD_STATE, WANTED

router = APIRouter(dependencies=[require_scope(Scope.READ)], include_in_schema=False)


@router.post(SHARD_PATH)
async def describe_shard(request: Request, runtime: RuntimeDependency) -> Response:
    """Note which parts a front end needs, and return those that are held; refuse while none can be asked for."""
    try:
        wanted = WANTED.validate_json(await _read_body(request, runtime))
    except ValidationError as error:
        raise MalformedBody("the body does not name the parts that a front end needs") from error
    return Response(SHARD_STATE.dump_json(runtime.want_parts(wanted)), media_type="application/json")


@router.post(SHORTLIST_PATH)
async def find_candidates(request: Request, runtime: RuntimeDependency) -> Response:
    """Return the candidates of a query in this shard, with exact distances."""
    return await _answer(request, runtime, SHORTLIST_PATH)


@router.post(COMPARE_PATH)
async def compare_pictures(request: Request, runtime: RuntimeDependency) -> Response:
    """Return how a query compares with pictures of this shard."""
    return await _answer(request, runtime, COMPARE_PATH)


@router.post(MATCH_PATH)
async def match_pictures(request: Request, runtime: RuntimeDependency) -> Response:
    """Return pairs of cells of a query and pictures of this shard."""
    return await _answer(request, runtime, MATCH_PATH)


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


async def _answer(request: Request, runtime: Runtime, path: str) -> Response:
    body = await answer_call(runtime, path, await _read_body(request, runtime), request.receive)
    return Response(body, media_type=MEDIA_TYPE)
