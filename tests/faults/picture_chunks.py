"""Files of pictures as the pieces that their formats are made of, and pieces as a file again.

Lengths and check sums are set right where pieces are joined: damage within a piece then reaches the decoder, instead of
being found before it.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from tests.service.pictures import png_chunk

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SOI, _EOI, _SOS = b"\xff\xd8", b"\xff\xd9", b"\xff\xda"
_PIXELS = b""  # the data behind a JPEG's header of a scan; this piece has no length


@dataclass(frozen=True)
class Chunk:
    """Hold a piece of a file.

    Attributes:
        kind: Its name or marker.
        content: Without name, length and sum.
        length: The stated length, if it is not the true one.
    """

    kind: bytes
    content: bytes
    length: int | None = None

    @property
    def said_length(self) -> int:
        """Return the stated length of the content."""
        return len(self.content) if self.length is None else self.length


def split(image_format: str, content: bytes) -> list[Chunk]:
    """Split a sound file into its pieces."""
    if image_format == "JPEG":
        return _split_jpeg(content)
    if image_format == "PNG":
        return _split(content, 8, ">I4s", tail=4)
    if image_format == "WEBP":
        return _split(content, 12, "<4sI", even=True)
    return _split_boxes(content)


def join(image_format: str, chunks: Sequence[Chunk]) -> bytes:
    """Return a file of pieces of any kind."""
    if image_format == "JPEG":
        return _SOI + b"".join(_segment(chunk) for chunk in chunks)
    if image_format == "PNG":
        return _PNG_SIGNATURE + b"".join(_png_chunk(chunk) for chunk in chunks)
    if image_format == "WEBP":
        body = b"".join(_riff_chunk(chunk) for chunk in chunks)
        return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
    return b"".join(
        struct.pack(">I4s", (chunk.said_length + 8) % 2**32, chunk.kind) + chunk.content for chunk in chunks
    )


def _split_jpeg(content: bytes) -> list[Chunk]:
    chunks, position = [], 2
    while position < len(content):
        kind = content[position : position + 2]
        if kind in (_SOI, _EOI):  # an MPO holds several pictures
            chunks.append(Chunk(kind, b"", length=0))
            position += 2
            continue
        length = int.from_bytes(content[position + 2 : position + 4], "big")
        chunks.append(Chunk(kind, content[position + 4 : position + 2 + length]))
        position += 2 + length
        if kind == _SOS:
            end = _end_of_scan(content, position)
            chunks.append(Chunk(_PIXELS, content[position:end]))
            position = end
    return chunks


def _end_of_scan(content: bytes, start: int) -> int:
    """Return the position of the next marker that is neither a stuffed byte nor a restart."""
    position = start
    while position < len(content) - 1:
        if content[position] == 0xFF and content[position + 1] != 0 and not 0xD0 <= content[position + 1] <= 0xD7:
            return position
        position += 1
    return len(content)


def _split(content: bytes, start: int, head: str, *, tail: int = 0, even: bool = False) -> list[Chunk]:
    chunks, position = [], start
    while position < len(content):
        first, second = struct.unpack_from(head, content, position)
        length, kind = (first, second) if isinstance(first, int) else (second, first)
        chunks.append(Chunk(kind, content[position + 8 : position + 8 + length]))
        position += 8 + length + tail + (length % 2 if even else 0)
    return chunks


def _split_boxes(content: bytes) -> list[Chunk]:
    """Split a file into its outermost boxes; their lengths count their heads."""
    chunks, position = [], 0
    while position < len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        chunks.append(Chunk(kind, content[position + 8 : position + length]))
        position += length
    return chunks


def _segment(chunk: Chunk) -> bytes:
    if chunk.kind == _PIXELS or chunk.kind in (_SOI, _EOI):
        return chunk.kind + chunk.content
    return chunk.kind + struct.pack(">H", (chunk.said_length + 2) % 2**16) + chunk.content


def _png_chunk(chunk: Chunk) -> bytes:
    whole = png_chunk(chunk.kind, chunk.content)
    return struct.pack(">I", chunk.said_length % 2**32) + whole[4:]


def _riff_chunk(chunk: Chunk) -> bytes:
    padding = bytes(len(chunk.content) % 2)
    return chunk.kind + struct.pack("<I", chunk.said_length % 2**32) + chunk.content + padding
