"""GET /basemap/{z}/{x}/{y}: tiles below the map on the page, if the operator has chosen some."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from service.basemap.tile import Basemap
from service.errors import BasemapFailed, InvalidParameter, TileNotFound
from service.keys import Scope
from service.routes.access import require_scope
from service.routes.dependencies import KNOWN_PARAMETERS_ONLY
from service.routes.picture_bodies import picture_answer
from service.routes.responses import problem_responses

router = APIRouter(tags=["maps"], dependencies=[require_scope(Scope.READ), KNOWN_PARAMETERS_ONLY])

_DEEPEST_ZOOM = 24
_DAY_S = 86_400

Zoom = Annotated[int, Path(ge=0, le=_DEEPEST_ZOOM, description="The zoom of a web map.", examples=[17])]
Column = Annotated[int, Path(ge=0, lt=2**_DEEPEST_ZOOM, description="Columns from the date line.", examples=[70340])]
Row = Annotated[int, Path(ge=0, lt=2**_DEEPEST_ZOOM, description="Rows from the north.", examples=[41050])]


@router.get(
    "/basemap/{z}/{x}/{y}",
    summary="Show a tile of the base map",
    response_class=Response,
    responses={
        200: picture_answer("The tile.", "image/png", "image/jpeg", "image/webp", "image/avif"),
        **problem_responses(TileNotFound, BasemapFailed, InvalidParameter),
    },
)
async def get_tile(z: Zoom, x: Column, y: Row, request: Request) -> Response:
    """Return a picture of a square of the world, from the file or the server that the operator has chosen; without a
    choice there are none.
    """
    basemap: Basemap | None = request.app.state.basemap
    if basemap is None:
        raise TileNotFound("the service has no base map; the operator can choose one: PLACEFIX_BASEMAP")
    if max(x, y) >= 2**z or not basemap.min_zoom <= z <= basemap.max_zoom:
        raise TileNotFound("the base map does not have this tile")
    tile = await basemap.tile(z, x, y)
    if tile is None:
        raise TileNotFound("the base map has nothing there")
    return Response(tile.content, media_type=tile.media_type, headers={"Cache-Control": f"private, max-age={_DAY_S}"})
