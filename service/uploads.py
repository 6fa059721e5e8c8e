"""Takes the pictures out of a request, and what a form says beside it, within limits and without touching the disk.

A picture comes as a part ``image`` of a multipart form, or as the whole body. What the client says of its name and
type is not believed; it only helps to explain what is missing.
"""

import re
from contextlib import aclosing
from dataclasses import dataclass

from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from service.bodies import Pace, limited_body
from service.body_budget import BodyLease
from service.errors import MalformedBody, MissingImage, SeveralImages
from service.forms import FormLimits, Part, read_form
from service.settings import ServiceSettings

PART_NAME = "image"

_HOW_TO_SEND = f"send it as the part {PART_NAME!r} of a multipart form, or as the whole body"
_SMALLER = "send a smaller picture (the network sees 224 × 224 pixels of it)"
_TEXT_NOT_FILE = f"a part {PART_NAME!r} is a text field, not a file; with curl, write -F {PART_NAME}=@photo.jpg"
_BOUNDARY = re.compile(rb"[ -~]{0,69}[!-~]")  # RFC 2046 allows fewer characters than clients use, as *****
_URL_ENCODED = re.compile(rb"[!-~]+")  # neither spaces nor bytes beyond ASCII


@dataclass(frozen=True)
class Upload:
    """What a request has brought.

    Attributes:
        pictures: The bytes of each picture, in their order; one at least.
        fields: The other parts of a form, name and value, in their order.
    """

    pictures: tuple[bytes, ...]
    fields: tuple[tuple[str, str], ...] = ()


async def read_upload(request: Request, lease: BodyLease, settings: ServiceSettings) -> Upload:
    """Reads the pictures in a request, and the fields beside them.

    For a moment they are there twice, because the pieces of a body are joined: of one request at a time.

    Raises:
        BodyTooLarge: The body is larger than the limit, or says that it will be.
        UploadTimeout: The body pauses, or comes too slowly.
        Overloaded: There is no room for the body beside those of other requests.
        MalformedBody: The form cannot be parsed, or has too many parts.
        MissingImage: No picture in it.
        SeveralImages: More than may be asked together.
    """
    async with aclosing(limited_body(request, lease, settings.max_upload_bytes, Pace.of(settings), _SMALLER)) as stream:
        if is_form(request):
            limits = FormLimits(
                settings.max_form_files + settings.max_images, settings.max_form_fields, settings.max_field_bytes
            )
            return _take_apart(await read_form(stream, _boundary(request), limits), settings)
        body = b"".join([chunk async for chunk in stream])
    if not body:
        raise MissingImage(f"the request has no body; {_HOW_TO_SEND}")
    return Upload((body,))


def is_form(request: Request) -> bool:
    """Whether the body is declared as a form that may hold a picture."""
    return _media_type(request) == "multipart/form-data"


def explain_other_body(request: Request, body: bytes, settings: ServiceSettings) -> None:
    """Raises a better error than "not a picture" for a body that is what it says, and says that it is something else.

    To be called once the body has turned out to be no picture.

    Raises:
        MissingImage: The body is a document, a URL-encoded form, or of parts that are not those of a form.
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
    if media_type.startswith("multipart/") and not is_form(request):
        raise MissingImage(
            f"the body is declared as {media_type[:40]}, and of bodies in parts only multipart/form-data is read; "
            f"{_HOW_TO_SEND}"
        )


def _take_apart(parts: list[Part], settings: ServiceSettings) -> Upload:
    """Tells the pictures from the fields beside them."""
    pictures = [part for part in parts if part.name == PART_NAME]
    others = [part for part in parts if part.name != PART_NAME]
    if len(pictures) > (most := settings.most_images):
        raise SeveralImages(f"the form has {len(pictures)} pictures; at most {most} are asked together")
    if not all(part.is_file for part in pictures):
        raise MissingImage(_TEXT_NOT_FILE)
    if any(part.is_too_long for part in others):
        raise MalformedBody(f"the form has a text field of more than {settings.max_field_bytes} bytes")
    if not pictures:
        raise MissingImage(f"the form has no part named {PART_NAME!r}; {_HOW_TO_SEND}")
    fields = [(part.name, "a file" if part.is_file else part.content.decode("utf-8", "replace")) for part in others]
    return Upload(tuple(bytes(part.content) for part in pictures), tuple(fields))


def _boundary(request: Request) -> bytes:
    """The boundary that the declaration of a form names.

    Nothing else of the declaration is looked at. A charset above all is left out: some of Python's codecs raise errors
    of their own, and Python remembers for good each name that it looks up.
    """
    _, parameters = _content_type(request)
    boundary = parameters.get(b"boundary", b"")
    if not _BOUNDARY.fullmatch(boundary):
        raise MalformedBody(
            "the Content-Type of a multipart form must name a boundary of 1 to 70 letters, digits, signs and spaces of "
            "ASCII, of which the last is no space"
        )
    return boundary


def _media_type(request: Request) -> str:
    media_type, _ = _content_type(request)
    return media_type.decode("latin-1")


def _content_type(request: Request) -> tuple[bytes, dict[bytes, bytes]]:
    """What the body is declared as, in small letters, and its parameters; read by what reads forms too."""
    return parse_options_header(request.headers.get("content-type"))
