"""Take pictures and form fields out of a request, within limits and without touching the disk.

A picture comes as a part ``image`` of a multipart form, or as the whole body. The name and type that the client
declares are not trusted; they only help to explain a missing part.
"""

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from service.bodies import Pace, limited_body
from service.body_advice import HOW_TO_SEND, PART_NAME, compressed, content_coding, explain_text_field, is_form
from service.body_budget import BodyLease
from service.errors import MalformedBody, MissingImage, SeveralImages
from service.forms import FormLimits, Part, read_form
from service.settings import ServiceSettings

OTHER_FILES = 4  # that a form may have beside its pictures
_SMALLER = "send a smaller picture (the network sees 224 × 224 pixels of it)"
_BOUNDARY = re.compile(rb"[ -~]{0,69}[!-~]")  # RFC 2046 allows fewer characters than clients use, such as *****


@dataclass(frozen=True)
class Upload:
    """Hold the content of a request.

    Attributes:
        pictures: The bytes of each picture, in their order; at least one.
        fields: The other parts of a form, name and value, in their order.
    """

    pictures: tuple[bytes, ...]
    fields: tuple[tuple[str, str], ...] = ()


async def read_upload(request: Request, lease: BodyLease, settings: ServiceSettings) -> Upload:
    """Read the pictures in a request, and the fields beside them.

    For a moment the pieces of a body are joined and in memory twice: for one request at a time.

    Raises:
        BodyTooLarge: The body is larger than the limit, or announces that it will be.
        UploadTimeout: The body pauses, or comes too slowly.
        Overloaded: There is no room for the body beside the bodies of other requests.
        MalformedBody: The form cannot be parsed, or has too many parts.
        MissingImage: There is no picture in the body.
        SeveralImages: There are more pictures than may be asked together.
    """
    async with aclosing(limited_body(request, lease, settings.max_upload_bytes, Pace.of(settings), _SMALLER)) as stream:
        if is_form(request):
            limits = FormLimits(max_files=settings.max_images + OTHER_FILES)
            return _take_apart(await _read_form(request, stream, limits), settings.most_images, limits)
        body = b"".join([chunk async for chunk in stream])
    if not body:
        raise MissingImage(f"the request has no body; {HOW_TO_SEND}")
    return Upload((body,))


async def _read_form(request: Request, stream: AsyncIterator[bytes], limits: FormLimits) -> list[Part]:
    try:
        return await read_form(stream, _boundary(request), limits)
    except MalformedBody as error:
        if coding := content_coding(request):
            raise MalformedBody(compressed(coding)) from error
        raise


def _take_apart(parts: list[Part], most: int, limits: FormLimits) -> Upload:
    """Separate the pictures from the fields beside them."""
    pictures = [part for part in parts if part.name == PART_NAME]
    others = [part for part in parts if part.name != PART_NAME]
    if len(pictures) > most:
        raise SeveralImages(f"the form has {len(pictures)} pictures; at most {most} are asked together")
    for part in pictures:
        if not part.is_file:
            raise MissingImage(explain_text_field(bytes(part.content)))
    if any(part.is_too_long for part in others):
        raise MalformedBody(f"the form has a text field of more than {limits.max_field_bytes} bytes")
    if not pictures:
        raise MissingImage(f"the form has no part named {PART_NAME!r}; {HOW_TO_SEND}")
    fields = [(part.name, "a file" if part.is_file else part.content.decode("utf-8", "replace")) for part in others]
    return Upload(tuple(bytes(part.content) for part in pictures), tuple(fields))


def _boundary(request: Request) -> bytes:
    """Return the boundary that the declaration of a form names.

    The rest of the declaration is ignored, above all a charset: some of Python's codecs raise errors of their own, and
    Python remembers each name that it looks up forever.
    """
    _, parameters = parse_options_header(request.headers.get("content-type"))
    boundary = parameters.get(b"boundary", b"")
    if not _BOUNDARY.fullmatch(boundary):
        raise MalformedBody(
            "the Content-Type of a multipart form must name a boundary of 1 to 70 letters, digits, signs and spaces of "
            "ASCII; the last is not a space"
        )
    return boundary
