"""The EXIF block of a JPEG: it is read and replaced, and every other byte stays as it is."""

from collections.abc import Iterator
from dataclasses import dataclass

_START, _START_OF_SCAN, _END = 0xD8, 0xDA, 0xD9
_APP0, _APP1, _APP2 = 0xE0, 0xE1, 0xE2
_WITHOUT_CONTENT = frozenset({0x01, *range(0xD0, 0xD8)})
_EXIF = b"Exif\0\0"
_OTHER_PICTURES = b"MPF\0"  # positions of further pictures in the file, counted from here
_MOST_BYTES = 0xFFFF - 2 - len(_EXIF)


class UnknownJpeg(ValueError):
    """Say that a file does not have the layout of a JPEG, or has no room for a block."""


@dataclass(frozen=True)
class _Segment:
    """Hold a segment in front of the pixels.

    Attributes:
        marker: The kind of the segment.
        start: The position of its marker.
        end: The position of the next segment.
        content: The bytes behind its length.
    """

    marker: int
    start: int
    end: int
    content: bytes


def exif_of(jpeg: bytes) -> bytes | None:
    """Return the EXIF block of a JPEG; None if it has none.

    Raises:
        UnknownJpeg: The bytes are not a JPEG.
    """
    found = _exif_segment(jpeg)
    return None if found is None else found.content[len(_EXIF) :]


def with_exif(jpeg: bytes, block: bytes | None) -> bytes:
    """Return a JPEG with another EXIF block, or without one.

    Raises:
        UnknownJpeg: The bytes are not a JPEG, the block is too large, or the file has positions of further pictures
            that would become wrong.
    """
    if block is not None and len(block) > _MOST_BYTES:
        raise UnknownJpeg(f"its EXIF block would have {len(block):,} bytes, and a JPEG has room for {_MOST_BYTES:,}")
    found = _exif_segment(jpeg)
    start, end = (found.start, found.end) if found is not None else (_place_for_exif(jpeg),) * 2
    if any(each.content.startswith(_OTHER_PICTURES) for each in _segments(jpeg[:start]) if each.marker == _APP2):
        raise UnknownJpeg("its EXIF block stands behind the list of further pictures in the file")
    segment = b""
    if block is not None:
        segment = bytes((0xFF, _APP1)) + (2 + len(_EXIF) + len(block)).to_bytes(2) + _EXIF + block
    return jpeg[:start] + segment + jpeg[end:]


def _exif_segment(jpeg: bytes) -> _Segment | None:
    return next((each for each in _segments(jpeg) if each.marker == _APP1 and each.content.startswith(_EXIF)), None)


def _place_for_exif(jpeg: bytes) -> int:
    """Return the position for a block: first, but behind the segment of JFIF."""
    first = next(_segments(jpeg), None)
    return first.end if first is not None and first.marker == _APP0 else 2


def _segments(jpeg: bytes) -> Iterator[_Segment]:
    """Read the segments up to the pixels, or to the end of the bytes.

    Raises:
        UnknownJpeg: There are other bytes between the segments.
    """
    if jpeg[:2] != bytes((0xFF, _START)):
        raise UnknownJpeg("it is not a JPEG")
    at = 2
    while at < len(jpeg):
        start = at
        while jpeg[at : at + 2] == b"\xff\xff":  # any number of these bytes may precede a marker
            at += 1
        if jpeg[at : at + 1] != b"\xff" or at + 2 > len(jpeg):
            raise UnknownJpeg("there is something between its segments")
        marker = jpeg[at + 1]
        if marker in (_START_OF_SCAN, _END):
            return
        if marker in _WITHOUT_CONTENT:
            at += 2
            continue
        length = int.from_bytes(jpeg[at + 2 : at + 4])
        end = at + 2 + length
        if length < 2 or end > len(jpeg):
            raise UnknownJpeg("a segment of its header is cut off")
        yield _Segment(marker, start, end, jpeg[at + 4 : end])
        at = end
