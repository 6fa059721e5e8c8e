"""A question about photos: the same for a server and for a map on this machine."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TypedDict

from model.errors import InvalidInput
from service.words import EvidenceWord, Rerank, Togetherness

Photo = str | os.PathLike[str] | bytes
"""A photo: the path of its file, or the bytes of the file."""

_ADDRESSES = ("http://", "https://", "ftp://", "s3://", "data:")
_RERANK_WORDS = {"auto": "auto", "always": "true", "never": "false"}  # the words of HTTP


class Question(TypedDict, total=False):
    """Hold the options of a question; each may be left out, and None says nothing.

    Attributes:
        candidates: How many candidates to return, 1 to 1000; by default 10.
        shortlist: How many to re-rank, at least ``candidates``; by default 100, and 20 where counting is slow.
        rerank: ``auto``, the default, compares candidates until the answer is sure; ``always`` all; ``never`` none.
        max_wrong: The share of the answers called ``localized`` that may be wrong, in (0, 1); by default 0.05.
        min_confidence: The confidence that an answer must also reach to be called so, in [0, 1]; by default 0.
        near: Where the photos were taken, roughly: latitude and longitude in degrees (WGS84).
        within_m: Metres around ``near``, at most 100,000; by default 500.
        use_exif_position: Take each photo's own GPS position for ``near``.
        heading: Where the camera looked to, roughly, in degrees clockwise from true north, in [0, 360].
        heading_tolerance: By how many degrees ``heading`` may be wrong, in [0, 180]; by default 45.
        together: How several photos belong together: ``place`` or ``sequence``.
        evidence: ``matches`` shows which cells of the first candidates match, in ``matches`` of the answer; ``heat``
            where the network looked, in ``heat``. For one photo.
        times: When the photos of a sequence were taken: seconds since any moment, or instants.
    """

    candidates: int | None
    shortlist: int | None
    rerank: Rerank | None
    max_wrong: float | None
    min_confidence: float | None
    near: tuple[float, float] | str | None
    within_m: float | None
    use_exif_position: bool | None
    heading: float | None
    heading_tolerance: float | None
    together: Togetherness | None
    evidence: EvidenceWord | None
    times: Sequence[float] | Sequence[datetime] | str | None


def fields_of(question: Question) -> dict[str, str]:
    """Return a question as the parameters of POST /localize.

    Raises:
        TypeError: The question has an unknown option.
    """
    check_names(question)
    fields = {}
    for name, value in question.items():
        if value is not None:
            fields[name] = _RERANK_WORDS.get(str(value), str(value)) if name == "rerank" else text_of(value)
    return fields


def check_names(question: Question) -> None:
    """Refuse unknown options, as Python refuses a keyword that a function does not have.

    Raises:
        TypeError: The question has an unknown option.
    """
    unknown = sorted(question.keys() - Question.__annotations__.keys())
    if unknown:
        known = ", ".join(Question.__annotations__)
        raise TypeError(f"localize() got an unexpected keyword argument {unknown[0]!r}; there are {known}")


def text_of(value: object) -> str:
    """Return a value in the form of an address: ``true``, ``55.7,13.2``, instants as ISO 8601."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(text_of(each) for each in value)
    return str(value)


def source_of(photo: Photo) -> Path | bytes:
    """Return the bytes of a photo, or the path of its file.

    Raises:
        InvalidInput: The path is an address.
    """
    if isinstance(photo, bytes):
        return photo
    name = os.fspath(photo)
    refuse_address(name)
    return Path(name)


def refuse_address(name: str) -> None:
    """Refuse the address of a photo elsewhere.

    Raises:
        InvalidInput: The name is an address.
    """
    if name.lower().startswith(_ADDRESSES):
        raise InvalidInput(
            f"{name[:80]} is an address, and photos are not fetched from elsewhere: save the photo as a file first, "
            "and give that"
        )
