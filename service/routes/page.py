"""GET / and GET /status: the pages, made of this server's own files alone."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from service.basemap.tile import Basemap
from service.content_coding import VARY, takes_gzip
from service.keys import Scope
from service.page_files import PageFile, page_files
from service.routes.access import may
from service.routes.dependencies import RuntimeDependency
from service.security_headers import permissions_policy
from service.settings import ServiceSettings

router = APIRouter(include_in_schema=False)

# No inline script or style, nothing from elsewhere; blob: shows the visitor's own picture before it is sent.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The page to ask on may read the visitor's position, if the visitor lets the browser do that.
_WITH_POSITION = {"Permissions-Policy": permissions_policy(allowed=("geolocation",))}
_PAGE_REQUESTS = 4  # for one visitor at a time: browsers send six, and the page's pictures need some of them
_YEAR_S = 31_536_000


@router.get("/")
async def page(request: Request) -> Response:
    """Return the page to ask on."""
    return _page("index.html", request, _WITH_POSITION)


@router.get("/status")
async def status_page(request: Request) -> Response:
    """Return the page for operators; it asks other routes for its content, with the visitor's key."""
    return _page("status.html", request, {})


@router.get("/page/options")
async def page_options(
    request: Request, runtime: RuntimeDependency, may_browse: Annotated[bool, Depends(may(Scope.BROWSE))]
) -> JSONResponse:
    """Return the features of the page that the sender of a request may use."""
    basemap: Basemap | None = request.app.state.basemap
    settings = runtime.settings
    why_candidates_alone = _why_candidates_alone(settings, may_browse)
    options = {
        "may_browse": why_candidates_alone is None,
        "why_candidates_alone": why_candidates_alone,
        "basemap": None if basemap is None else _describe(basemap),
        "most_photos": settings.most_images,
        "most_requests": min(_PAGE_REQUESTS, settings.queue_size, settings.max_in_flight),
    }
    return JSONResponse(options, headers={"Cache-Control": "no-store"})


@router.get("/page/{folder}/{name:path}")
async def page_file(folder: str, name: str, request: Request) -> Response:
    """Return a file of the page. All paths change when any file changes, so that no old script meets a new page."""
    files = page_files()
    if folder != files.folder or name not in files.files:
        raise HTTPException(404)
    return _answer(files.files[name], request, {"Cache-Control": f"public, max-age={_YEAR_S}, immutable"})


def _page(name: str, request: Request, policies: Mapping[str, str]) -> Response:
    """Answer with a page; browsers keep it and check it each time, since it names the folder of all other files."""
    page = page_files().pages[name]
    etag = f'W/"{hashlib.sha256(page.content).hexdigest()[:32]}"'
    headers = {"Cache-Control": "no-cache", "ETag": etag, "Content-Security-Policy": _PAGE_POLICY, **policies}
    if request.headers.get("If-None-Match") == etag:
        return Response(status_code=304, headers=headers)
    return _answer(page, request, headers)


def _why_candidates_alone(settings: ServiceSettings, may_browse: bool) -> str | None:
    """Return why the page does not show all pictures of a map, and how to change that; None if it shows them."""
    if settings.lists_places:
        return None if may_browse else "All pictures of the map are shown to keys with the scope browse."
    if settings.browse == "off":
        return "All pictures of a map are shown nowhere here: the service was started with PLACEFIX_BROWSE=off."
    return (
        "Others reach this service without a key, so it shows candidates alone; PLACEFIX_BROWSE=on shows all pictures."
    )


def _describe(basemap: Basemap) -> dict[str, Any]:
    return {
        "url": "basemap/{z}/{x}/{y}",
        "min_zoom": basemap.min_zoom,
        "max_zoom": basemap.max_zoom,
        "attribution": [asdict(each) for each in basemap.credits],
    }


def _answer(file: PageFile, request: Request, headers: dict[str, str]) -> Response:
    headers = {**headers, **VARY}
    if not takes_gzip(request.headers):
        return Response(file.content, media_type=file.media_type, headers=headers)
    return Response(file.compressed, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"})
