"""Takes the picture out of a request, within limits, without touching the disk.

A picture comes as the part ``image`` of a multipart form, or as the whole body. What the client says of its name and
type is not believed; it only helps to explain what is missing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from email.message import Message

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from model.errors import MalformedBody, MissingImage, SeveralImages, UploadTimeout
from service.settings import ServiceSettings

PART_NAME = "image"

_HOW_TO_SEND = f"send it as the part {PART_NAME!r} of a multipart form, or as the whole body"
_LONGEST_BOUNDARY = 70  # RFC 2046, section 5.1.1


class _MemoryMultiPartParser(MultiPartParser):
    """Keeps parts in memory, which the limit of the body bounds: a query never touches the disk."""

    spool_max_size = 2**62


async def read_image(request: Request, settings: ServiceSettings) -> bytes:
    """Reads the bytes of the one picture in a request.

    The limit of the whole body is the framework's (``RequestBodyLimitMiddleware``); it raises here while reading.

    Raises:
        UploadTimeout: The body did not arrive in time.
        MalformedBody: The form cannot be parsed, or has too many parts.
        MissingImage: No picture in it.
        SeveralImages: More than one.
    """
    try:
        async with asyncio.timeout(settings.upload_timeout_s):
            if _media_type(request) == "multipart/form-data":
                return await _read_form(request, settings)
            body = await request.body()
    except TimeoutError as error:
        raise UploadTimeout(
            f"the request's body did not arrive within {settings.upload_timeout_s:g} seconds"
        ) from error
    if not body:
        raise MissingImage(f"the request has no body; {_HOW_TO_SEND}")
    return body


async def explain_other_body(request: Request, settings: ServiceSettings) -> None:
    """Raises a better error than "not a picture" for a body that says that it is something else.

    To be called once the body has turned out to be no picture.

    Raises:
        MissingImage: The body is a document or a URL-encoded form.
        MalformedBody: A URL-encoded form beyond the limits.
    """
    media_type = _media_type(request)
    if media_type == "application/x-www-form-urlencoded":
        try:
            await request.form(max_fields=settings.max_form_fields, max_part_size=settings.max_field_bytes)
        except HTTPException as error:
            raise MalformedBody(f"the form cannot be read: {error.detail}") from error
        raise MissingImage(f"a URL-encoded form cannot hold a picture; {_HOW_TO_SEND}")
    if media_type == "application/json" or media_type.endswith("+json"):
        raise MissingImage(f"the body is a JSON document, not a picture; {_HOW_TO_SEND}")


async def _read_form(request: Request, settings: ServiceSettings) -> bytes:
    async with _parsed_form(request, settings) as form:
        parts = form.getlist(PART_NAME)
        files = [part for part in parts if isinstance(part, UploadFile)]
        if len(parts) > 1:
            raise SeveralImages(f"the form has {len(parts)} parts named {PART_NAME!r}; one picture is found at a time")
        if not parts:
            raise MissingImage(f"the form has no part named {PART_NAME!r}; {_HOW_TO_SEND}")
        if not files:
            raise MissingImage(
                f"the part {PART_NAME!r} is a text field, not a file; with curl, write -F {PART_NAME}=@photo.jpg"
            )
        return await files[0].read()


@asynccontextmanager
async def _parsed_form(request: Request, settings: ServiceSettings) -> AsyncIterator[FormData]:
    _check_boundary(request)
    async with aclosing(request.stream()) as stream:
        parser = _MemoryMultiPartParser(
            request.headers,
            stream,
            max_files=settings.max_form_files,
            max_fields=settings.max_form_fields,
            max_part_size=settings.max_field_bytes,
        )
        try:
            form = await parser.parse()
        except MultiPartException as error:
            raise MalformedBody(f"the multipart form cannot be read: {error.message}") from error
    try:
        yield form
    finally:
        await form.close()


def _check_boundary(request: Request) -> None:
    message = Message()
    message["content-type"] = request.headers.get("content-type", "")
    boundary = message.get_boundary()
    if not boundary or len(boundary) > _LONGEST_BOUNDARY:
        raise MalformedBody(
            f"the Content-Type of a multipart form must name a boundary of 1 to {_LONGEST_BOUNDARY} characters"
        )


def _media_type(request: Request) -> str:
    message = Message()
    message["content-type"] = request.headers.get("content-type", "application/octet-stream")
    return message.get_content_type()
