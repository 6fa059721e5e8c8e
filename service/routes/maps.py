"""GET /maps and what is below: which maps are served, and their pictures."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from starlette.concurrency import run_in_threadpool

from model import errors
from model.errors import PlaceNotFound
from service.keys import Scope
from service.localizer import Localizer
from service.routes.access import require_scope
from service.routes.any_path import ANY_PATH
from service.routes.dependencies import RuntimeDependency
from service.routes.responses import problem_responses
from service.runtime import choose_localizer
from service.schemas import MapDetail, MapList, MapSummary, NetworkAnswer

router = APIRouter(tags=["maps"], dependencies=[require_scope(Scope.READ)])

MapName = Annotated[str, Path(description="The name of a map.", examples=["lund"])]
PlaceId = Annotated[
    str, Path(alias="id", description="A picture's id; may contain slashes.", examples=["lund/0123.jpg"])
]


def describe_map(localizer: Localizer) -> MapDetail:
    """A map, and how it was made."""
    return MapDetail(
        name=localizer.place_map.name,
        version=localizer.place_map.version,
        pictures=len(localizer.place_map),
        network=NetworkAnswer(fingerprint=localizer.encoder.fingerprint, is_trained=localizer.encoder.is_trained),
        preprocessing=localizer.encoder.preprocessing.value,
        encoding=localizer.place_map.manifest.network.precision,
        query_encoding=localizer.encoder.precision,
        searcher=localizer.searcher.name,
        matcher=localizer.matcher,
    )


@router.get("/maps", summary="List the maps", responses=problem_responses(errors.NotReady))
async def list_maps(runtime: RuntimeDependency) -> MapList:
    """All maps that are served, by name."""
    localizers = runtime.engine.loaded.localizers
    return MapList(
        maps=[
            MapSummary(name=name, version=localizer.place_map.version, pictures=len(localizer.place_map))
            for name, localizer in sorted(localizers.items())
        ]
    )


@router.get("/maps/{name}", summary="Describe a map", responses=problem_responses(errors.MapNotFound, errors.NotReady))
async def show_map(name: MapName, runtime: RuntimeDependency) -> MapDetail:
    """A map, the network that it was built with, and what searches it."""
    return describe_map(choose_localizer(runtime.engine, name))


@router.get(
    f"/maps/{{name}}/places/{{id:{ANY_PATH}}}/thumbnail",
    summary="Show a picture of a map",
    response_class=Response,
    responses={
        200: {
            "description": "A small JPEG.",
            "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
        },
        **problem_responses(errors.MapNotFound, errors.PlaceNotFound, errors.NotReady),
    },
)
async def show_thumbnail(name: MapName, place_id: PlaceId, runtime: RuntimeDependency) -> Response:
    """A small JPEG of a picture of the map, to compare with the query."""
    place_map = choose_localizer(runtime.engine, name).place_map
    row = place_map.places.row_of(place_id)
    if row is None:
        raise PlaceNotFound(f"the map {name} has no picture of that id")
    thumbnail = await run_in_threadpool(place_map.thumbnail, row)
    if thumbnail is None:
        raise PlaceNotFound(f"the map {name} was built without a thumbnail of that picture")
    return Response(thumbnail, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=300"})
