"""Broken uploads, each made from its number alone."""

from dataclasses import dataclass
from random import Random

from tests.faults.byte_mutations import in_pieces
from tests.faults.form_mutations import Form, broken_form
from tests.faults.http_mutations import BrokenRequest, broken_request
from tests.faults.picture_mutations import broken_picture

_FORMS_SHARE = 0.3


@dataclass(frozen=True)
class Upload:
    """Hold a body for ``POST /localize`` and its declaration.

    Attributes:
        kind: Its damage, in a few words.
        content_type: The declaration.
        pieces: The body, as it arrives.
    """

    kind: str
    content_type: bytes
    pieces: tuple[bytes, ...]


def broken_upload(number: int) -> Upload:
    """Draw a broken picture, as the whole body or in a sound form, or a broken form."""
    random = Random(f"upload {number}")
    if random.random() < _FORMS_SHARE:
        broken = broken_form(random)
        return Upload(broken.kind, broken.content_type, in_pieces(broken.content, random))
    picture = broken_picture(random)
    if random.random() < 0.5:
        return Upload(picture.kind, b"image/jpeg", in_pieces(picture.content, random))
    form = Form()
    form.parts[-1].content = picture.content
    return Upload(picture.kind, form.content_type, in_pieces(form.body, random))


def request_of(number: int) -> BrokenRequest:
    """Draw a request that is broken, or has a broken content."""
    return broken_request(Random(f"request {number}"))
