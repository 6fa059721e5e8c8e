"""POST /maps/{name}/activate: serve another version of a map."""

from fastapi import APIRouter, Request

from model.errors import StorageError
from place_map.errors import BuildConflict, MapBusy, MapCorrupt, MapExists, MapNotFound, VersionNotFound
from service.bodies import Pace, read_json
from service.errors import (
    BodyTooLarge,
    InvalidParameter,
    MalformedBody,
    NotReady,
    Overloaded,
    ShardUnavailable,
    UnexpectedVersion,
    UnusableVersion,
    UploadTimeout,
)
from service.keys import Scope
from service.routes.access import require_scope
from service.routes.dependencies import KNOWN_PARAMETERS_ONLY, RuntimeDependency
from service.routes.maps import MapName
from service.routes.responses import problem_responses
from service.schemas.maps import MapSummary
from service.schemas.versions import Activation

router = APIRouter(tags=["maps"], dependencies=[require_scope(Scope.ADMIN), KNOWN_PARAMETERS_ONLY])

_MAX_ACTIVATION_BYTES = 4096


@router.post(
    "/maps/{name}/activate",
    summary="Serve a version of a map",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": Activation.model_json_schema()}},
        }
    },
    responses=problem_responses(
        MalformedBody,
        MapNotFound,
        VersionNotFound,
        UnexpectedVersion,
        MapBusy,
        BuildConflict,
        MapExists,
        UploadTimeout,
        BodyTooLarge,
        InvalidParameter,
        UnusableVersion,
        StorageError,
        MapCorrupt,
        NotReady,
        Overloaded,
        ShardUnavailable,
    ),
)
async def activate_version(name: MapName, request: Request, runtime: RuntimeDependency) -> MapSummary:
    """Serve a version of a map. It is loaded and tried out beside the served one. Then `CURRENT` is moved, and the
    version answers; requests that have begun get their answer from the version before. After an error nothing changes.
    A front end waits until all shards hold it; they drop the version before as soon as nobody asks it any more.
    """
    with runtime.body_budget.lease() as lease:
        pace = Pace.of(runtime.settings)
        activation = await read_json(request, lease, Activation, _MAX_ACTIVATION_BYTES, pace)
    activated = await runtime.activate(name, activation.version, activation.expected_version, activation.shards)
    return MapSummary(name=activated.name, version=activated.version, pictures=activated.pictures)
