"""Say in plain words which content came instead of a picture, and how to send a picture."""

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from model.image_formats import FORMATS, HEIF, recognise_format
from model.picture_errors import NotAnImage
from service.errors import MissingImage

PART_NAME = "image"
HOW_TO_SEND = f"send it as the part {PART_NAME!r} of a multipart form, or as the whole body"

_TEXT_NOT_FILE = f"a part {PART_NAME!r} is a text field, not a file; with curl, write -F {PART_NAME}=@photo.jpg"
_URL_ENCODED = re.compile(rb"[!-~]+")  # neither spaces nor bytes beyond ASCII
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{32,}")
_BASE64_START = 1368  # characters that hold the bytes by which a format is recognised
_LOOKED_AT = 16_384  # bytes of a body that are searched for this text
_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


def explain_other_body(request: Request, body: bytes) -> None:
    """Raise a better error than "not a picture" for a body or file that is a known other thing.

    Call it for a body that is not a picture.

    Raises:
        NotAnImage: The body is compressed, or the picture as text.
        MissingImage: The body is as declared: a document, a URL-encoded form, or parts that are not a form.
    """
    media_type = media_type_of(request)
    is_document = media_type == "application/json" or media_type.endswith("+json")
    is_url_encoded = media_type == "application/x-www-form-urlencoded" and _URL_ENCODED.fullmatch(body) is not None
    if coding := _compression_of(body) or ("" if is_form(request) else content_coding(request)):
        raise NotAnImage(compressed(coding))
    if _holds_base64_picture(body):
        kind = MissingImage if is_document or is_url_encoded else NotAnImage
        raise kind(f"the picture came as base64 text, not as bytes: decode it, and {HOW_TO_SEND}")
    if is_url_encoded:
        raise MissingImage(f"a URL-encoded form cannot hold a picture; {HOW_TO_SEND}")
    if is_document:
        raise MissingImage(f"the body is a JSON document, not a picture; {HOW_TO_SEND}")
    if media_type.startswith("multipart/") and not is_form(request):
        raise MissingImage(
            f"the body is declared as {media_type[:40]}, and only multipart/form-data is read of the types in parts; "
            f"{HOW_TO_SEND}"
        )


def explain_text_field(content: bytes) -> str:
    """Return an explanation of a text field in the place of a picture."""
    if _holds_base64_picture(content):
        return (
            f"the part {PART_NAME!r} is a text field with the picture as base64, not as bytes: decode it, "
            "and send it as a file"
        )
    return _TEXT_NOT_FILE


def compressed(coding: str) -> str:
    """Return an explanation of a body in a coding, such as gzip."""
    return f"the body is compressed ({coding[:20]}), and the service does not unpack it: send the picture as it is"


def content_coding(request: Request) -> str:
    """Return the coding with which a request says that its body is compressed; empty if it says nothing."""
    coding = request.headers.get("content-encoding", "").strip().lower()
    return "" if coding == "identity" else coding


def is_form(request: Request) -> bool:
    """Return whether the body is declared as a form that may hold a picture."""
    return media_type_of(request) == "multipart/form-data"


def media_type_of(request: Request) -> str:
    """Return the declared media type of the body, in small letters."""
    media_type, _ = parse_options_header(request.headers.get("content-type"))
    return media_type.decode("latin-1")


def _compression_of(body: bytes) -> str:
    return next((name for signature, name in _COMPRESSIONS.items() if body.startswith(signature)), "")


def _holds_base64_picture(text: bytes) -> bool:
    """Return whether a text holds a picture as base64: bare, in a data URI, a document, or a URL-encoded form."""
    start = unquote_to_bytes(text[:_LOOKED_AT]).replace(b"\\/", b"/")
    return any(_is_base64_picture(run) for run in _BASE64_RUN.findall(start))


def _is_base64_picture(run: bytes) -> bool:
    whole = run[: min(len(run) // 4 * 4, _BASE64_START)]
    try:
        decoded = base64.b64decode(whole.translate(bytes.maketrans(b"-_", b"+/")), validate=True)
    except binascii.Error:
        return False
    return recognise_format(decoded) in (*FORMATS, HEIF)
