"""GET /maps/{name}/places: all pictures of a map, in cells."""

import gzip
import json
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from model.errors import InvalidInput
from place_map.errors import MapNotFound
from place_map.place_cells import WORLD
from service.content_coding import VARY, takes_gzip
from service.errors import BrowsingOff, InvalidParameter, NotReady
from service.keys import Scope
from service.place_listing import FINEST_ZOOM, read_box
from service.place_listing import list_places as list_in_box
from service.routes.access import require_scope
from service.routes.dependencies import KNOWN_PARAMETERS_ONLY, RuntimeDependency
from service.routes.maps import MapName
from service.routes.responses import problem_responses
from service.schemas.places import PlaceCollection

router = APIRouter(tags=["maps"], dependencies=[require_scope(Scope.BROWSE), KNOWN_PARAMETERS_ONLY])

_NUMBER = r"[-+]?[0-9]{1,3}(\.[0-9]{1,20})?"
_WORTH_COMPRESSING = 2000  # bytes
MOST_LISTINGS = 2  # at a time: one of a million pictures takes some 100 MB while it is made


class GeoJson(JSONResponse):
    """Answer in GeoJSON."""

    media_type = "application/geo+json"


Bbox = Annotated[
    str | None,
    Query(
        pattern=rf"^{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}$",
        description=(
            "The box of the pictures: west, south, east and north in degrees (WGS84); west is more than east across "
            "the date line. By default all."
        ),
        examples=["13.18,55.70,13.20,55.71"],
    ),
]
Zoom = Annotated[
    int,
    Query(
        ge=0,
        le=FINEST_ZOOM,
        description=(
            "Zoom of a web map: pictures nearer than about 16 of its pixels are one cell; at 24 each picture stands "
            "alone."
        ),
        examples=[17],
    ),
]


@router.get(
    "/maps/{name}/places",
    summary="List the pictures of a map",
    response_model=PlaceCollection,
    response_class=GeoJson,
    responses=problem_responses(MapNotFound, BrowsingOff, InvalidParameter, NotReady),
)
async def list_places(
    name: MapName, request: Request, runtime: RuntimeDependency, bbox: Bbox = None, zoom: Zoom = FINEST_ZOOM
) -> Response:
    """Return all pictures of a box as GeoJSON. None is left out: where there are many, pictures near each other form
    one
    cell, so that there are at most 2,000 features. This shows a collection whole: a key needs the scope `browse`.
    """
    if not runtime.settings.lists_places:
        raise BrowsingOff("the pictures of maps are not listed here; the operator allows it by PLACEFIX_BROWSE=on")
    try:
        box = WORLD if bbox is None else read_box(bbox)
    except InvalidInput as error:
        raise InvalidParameter(error.message) from error
    with runtime.engine.maps.reading(name) as version:
        places = version.localizer.place_map.places
        listed = await to_thread.run_sync(
            lambda: _encode(list_in_box(places, box, zoom)), limiter=request.app.state.listing_threads
        )
    headers = {"Cache-Control": "private, max-age=60", **VARY}
    if len(listed) >= _WORTH_COMPRESSING and takes_gzip(request.headers):
        listed = await run_in_threadpool(gzip.compress, listed, 5)
        headers["Content-Encoding"] = "gzip"
    return Response(listed, media_type=GeoJson.media_type, headers=headers)


def _encode(collection: dict[str, Any]) -> bytes:
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode()
