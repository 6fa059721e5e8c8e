"""GET /docs: the page to read and try the OpenAPI document, without files from elsewhere."""

from importlib import resources
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

router = APIRouter(include_in_schema=False)

# Swagger UI writes style attributes itself; everything else comes from files of this server.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_DAY_S = 86_400


@router.get("/docs")
async def docs() -> Response:
    """Return the page."""
    return Response(_own("docs.html"), media_type="text/html", headers={"Content-Security-Policy": _PAGE_POLICY})


@router.get("/openapi.json")
async def openapi(request: Request) -> JSONResponse:
    """Return the OpenAPI document."""
    return JSONResponse(request.app.openapi())


@router.get("/docs/start.js")
async def docs_start() -> Response:
    """Return the script that starts Swagger UI; a file of its own, so that the page needs no inline script."""
    return Response(_own("docs.js"), media_type="text/javascript")


@router.get("/docs/swagger-ui.js")
async def swagger_ui_script() -> Response:
    """Return the script of Swagger UI."""
    return _vendored("swagger-ui-bundle.js", "text/javascript")


@router.get("/docs/swagger-ui.css")
async def swagger_ui_style() -> Response:
    """Return the style of Swagger UI."""
    return _vendored("swagger-ui.css", "text/css")


def _own(name: str) -> bytes:
    return (resources.files("service") / "web" / name).read_bytes()


def _vendored(name: str, media_type: str) -> Response:
    # fastapi-offline packages Swagger UI's two files; its own code is not used.
    file: Traversable = resources.files("fastapi_offline") / "static" / name
    return Response(file.read_bytes(), media_type=media_type, headers={"Cache-Control": f"public, max-age={_DAY_S}"})
