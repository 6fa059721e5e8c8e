"""GET /: a page to try the service with, made of this server's own files alone."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)

# No inline script or style, nothing from elsewhere; blob: shows the visitor's own picture before it is sent.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_INDEX = "index.html"
_MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class _PageFile:
    """A file of the page, with the tag by which a browser asks whether it has changed."""

    content: bytes
    media_type: str
    etag: str


@router.get("/")
async def page(request: Request) -> Response:
    """The page."""
    return _answer(request, _INDEX, {"Content-Security-Policy": _PAGE_POLICY})


@router.get("/page/{name}")
async def page_file(name: str, request: Request) -> Response:
    """What the page consists of."""
    return _answer(request, name, {})


def _answer(request: Request, name: str, headers: dict[str, str]) -> Response:
    file = _page_files().get(name)
    if file is None:
        raise HTTPException(404)
    # Kept by browsers, and asked about each time: after an upgrade no old script meets a new page.
    headers = {"Cache-Control": "no-cache", "ETag": file.etag, **headers}
    if request.headers.get("If-None-Match") == file.etag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


@cache
def _page_files() -> dict[str, _PageFile]:
    files = {}
    for entry in (resources.files("service") / "web" / "page").iterdir():
        media_type = _MEDIA_TYPES.get("." + entry.name.rpartition(".")[2])
        if media_type is not None:
            content = entry.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            files[entry.name] = _PageFile(content, media_type, etag)
    return files
