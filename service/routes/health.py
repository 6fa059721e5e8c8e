"""Answer for liveness, readiness and metrics."""

from fastapi import APIRouter, Response

from service.errors import NotReady, ShardUnavailable
from service.keys import Scope
from service.metrics import CONTENT_TYPE
from service.routes.access import require_scope
from service.routes.dependencies import KNOWN_PARAMETERS_ONLY, RuntimeDependency
from service.routes.maps import describe_map, describe_network
from service.routes.responses import problem_responses
from service.schemas.health import Defaults, Live, Ready

router = APIRouter(tags=["operations"], dependencies=[KNOWN_PARAMETERS_ONLY])


@router.get("/health/live", summary="Does the process answer?")
async def get_liveness() -> Live:
    """Answer yes as soon as the process listens; also while the network is loaded."""
    return Live()


@router.get("/health/ready", summary="Are queries answered?", responses=problem_responses(NotReady, ShardUnavailable))
async def get_readiness(runtime: RuntimeDependency) -> Ready:
    """Answer yes once network and maps are loaded and have answered a query. Answer no while a map is damaged or cannot
    be
    read: the answer names it, and the other maps still answer. Answer no while a shard of a map is missing: the answer
    names it, too. Answer no once the service is told to stop.
    """
    runtime.check_ready()
    engine = runtime.engine
    with engine.maps.reading_all() as versions:
        maps = [describe_map(version, engine.defaults.max_wrong) for version in versions]
    return Ready(
        device=str(engine.device.device),
        device_reason=engine.device.reason,
        encoding=engine.encoding.precision,
        encoding_reason=engine.encoding.reason,
        network=describe_network(engine.encoder),
        defaults=Defaults(
            candidates=engine.defaults.candidates,
            shortlist=engine.defaults.shortlist,
            rerank=engine.defaults.rerank,
            max_wrong=engine.defaults.max_wrong,
        ),
        maps=maps,
    )


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    dependencies=[require_scope(Scope.METRICS)],
    response_class=Response,
    responses={
        200: {"description": "Prometheus' text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    },
)
async def get_metrics(runtime: RuntimeDependency) -> Response:
    """Return all metrics; also while the service is not ready."""
    return Response(runtime.metrics.exposition(), media_type=CONTENT_TYPE)
