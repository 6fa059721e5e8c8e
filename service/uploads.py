"""Takes the picture out of a request, within limits, without touching the disk.

A picture comes as the part ``image`` of a multipart form, or as the whole body. What the client says of its name and
type is not believed; it only helps to explain what is missing.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from service.bodies import limited_body
from service.body_budget import BodyLease
from service.errors import MalformedBody, MissingImage, SeveralImages
from service.settings import ServiceSettings

PART_NAME = "image"

_HOW_TO_SEND = f"send it as the part {PART_NAME!r} of a multipart form, or as the whole body"
_SMALLER = "send a smaller picture (the network sees 224 × 224 pixels of it)"
_TEXT_NOT_FILE = f"the part {PART_NAME!r} is a text field, not a file; with curl, write -F {PART_NAME}=@photo.jpg"
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")  # RFC 2046, section 5.1.1
_URL_ENCODED = re.compile(rb"[!-~]+")  # neither spaces nor bytes beyond ASCII


class _MemoryMultiPartParser(MultiPartParser):
    """Keeps parts in memory, which the limit of the body bounds: a query never touches the disk."""

    spool_max_size = 2**62
    _is_open = False  # a part has begun, and the closing boundary has not come

    async def parse(self) -> FormData:
        """Reads the form to its end, and insists that there is one."""
        form = await super().parse()
        if self._is_open:
            for file in self._files_to_close_on_error:
                file.close()
            raise MultiPartException("it ends before its closing boundary")
        return form

    def on_part_begin(self) -> None:
        """A boundary."""
        self._is_open = True
        super().on_part_begin()

    def on_end(self) -> None:
        """The closing boundary."""
        self._is_open = False
        super().on_end()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Bytes of a part; too many of them for a text field is an error."""
        try:
            super().on_part_data(data, start, end)
        except MultiPartException:
            if self._current_part.field_name == PART_NAME:
                raise MissingImage(_TEXT_NOT_FILE) from None
            raise


async def read_image(request: Request, lease: BodyLease, settings: ServiceSettings) -> bytes:
    """Reads the bytes of the one picture in a request.

    For a moment they are there twice, because the pieces of a body are joined: of one request at a time.

    Raises:
        BodyTooLarge: The body is larger than the limit, or says that it will be.
        UploadTimeout: The body did not arrive in time.
        Overloaded: There is no room for the body beside those of other requests.
        MalformedBody: The form cannot be parsed, or has too many parts.
        MissingImage: No picture in it.
        SeveralImages: More than one.
    """
    async with limited_body(request, lease, settings.max_upload_bytes, settings.upload_timeout_s, _SMALLER) as stream:
        if _media_type(request) == "multipart/form-data":
            return await _read_form(request, stream, settings)
        body = b"".join([chunk async for chunk in stream])
    if not body:
        raise MissingImage(f"the request has no body; {_HOW_TO_SEND}")
    return body


def explain_other_body(request: Request, body: bytes, settings: ServiceSettings) -> None:
    """Raises a better error than "not a picture" for a body that is what it says, and says that it is something else.

    To be called once the body has turned out to be no picture.

    Raises:
        MissingImage: The body is a document or a URL-encoded form.
        MalformedBody: A URL-encoded form beyond the limits.
    """
    media_type = _media_type(request)
    if media_type == "application/x-www-form-urlencoded" and _URL_ENCODED.fullmatch(body):
        fields = body.split(b"&")
        if len(fields) > settings.max_form_fields or max(map(len, fields)) > settings.max_field_bytes:
            raise MalformedBody(
                f"the form has more than {settings.max_form_fields} fields, or one of more than "
                f"{settings.max_field_bytes} bytes"
            )
        raise MissingImage(f"a URL-encoded form cannot hold a picture; {_HOW_TO_SEND}")
    if media_type == "application/json" or media_type.endswith("+json"):
        raise MissingImage(f"the body is a JSON document, not a picture; {_HOW_TO_SEND}")


async def _read_form(request: Request, stream: AsyncGenerator[bytes, None], settings: ServiceSettings) -> bytes:
    async with _parsed_form(request, stream, settings) as form:
        parts = form.getlist(PART_NAME)
        files = [part for part in parts if isinstance(part, UploadFile)]
        if len(parts) > 1:
            raise SeveralImages(f"the form has {len(parts)} parts named {PART_NAME!r}; one picture is found at a time")
        if not parts:
            raise MissingImage(f"the form has no part named {PART_NAME!r}; {_HOW_TO_SEND}")
        if not files:
            raise MissingImage(_TEXT_NOT_FILE)
        return await files[0].read()


@asynccontextmanager
async def _parsed_form(
    request: Request, stream: AsyncGenerator[bytes, None], settings: ServiceSettings
) -> AsyncIterator[FormData]:
    parser = _MemoryMultiPartParser(
        _declaration(request),
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


def _declaration(request: Request) -> Headers:
    """The declaration of a form, with its boundary and nothing else.

    A charset above all is left out: Starlette would let it choose the codec for the names of the parts. Some of
    Python's raise errors of their own, and Python remembers for good each name that it looks up.
    """
    _, parameters = _content_type(request)
    boundary = parameters.get(b"boundary", b"")
    if not _BOUNDARY.fullmatch(boundary):
        raise MalformedBody(
            "the Content-Type of a multipart form must name a boundary of 1 to 70 letters, digits and characters of "
            "'()+_,-./:=? or spaces"
        )
    return Headers({"content-type": f'multipart/form-data; boundary="{boundary.decode("ascii")}"'})


def _media_type(request: Request) -> str:
    media_type, _ = _content_type(request)
    return media_type.decode("latin-1")


def _content_type(request: Request) -> tuple[bytes, dict[bytes, bytes]]:
    """What the body is declared as, in small letters, and its parameters; read by what reads forms too."""
    return parse_options_header(request.headers.get("content-type"))
