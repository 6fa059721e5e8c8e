"""GET /shards: the shards that this front end asks."""

from fastapi import APIRouter

from service.errors import NotReady
from service.keys import Scope
from service.routes.access import require_scope
from service.routes.dependencies import KNOWN_PARAMETERS_ONLY, RuntimeDependency
from service.routes.responses import problem_responses
from service.schemas.shards import PartAnswer, ShardAnswer, ShardList
from service.shard_state import ShardState

router = APIRouter(tags=["operations"], dependencies=[require_scope(Scope.ADMIN), KNOWN_PARAMETERS_ONLY])


@router.get("/shards", summary="List the shards of a front end", responses=problem_responses(NotReady))
async def list_shards(runtime: RuntimeDependency) -> ShardList:
    """Return all shards, as they were when this front end looked at them last, in the last second or two."""
    shards = runtime.engine.shards
    if shards is None:
        return ShardList(shards=[])
    connections = shards.connections
    return ShardList(
        shards=[
            _describe(address, connections.state_of(number)) for number, address in enumerate(connections.addresses)
        ]
    )


def _describe(address: str, state: ShardState | str) -> ShardAnswer:
    if isinstance(state, str):
        return ShardAnswer(address=address, problem=state, parts=[])
    refused = "; ".join(each.reason for each in state.refused)
    parts = [
        PartAnswer(map=each.map, version=each.version, shard=each.shard, matcher=each.matcher) for each in state.held
    ]
    return ShardAnswer(address=address, problem=refused or None, parts=parts)
