"""Read a multipart form part by part, in memory and within limits, without the disk."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.errors import MalformedBody

_START_BYTES = 4096  # the start of the form, which is kept to explain an error
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*+"?')  # to the end of the text if it does not end: no byte is read twice
_EXTENDED_FILENAME = re.compile(rb";\s*filename\*", re.IGNORECASE)  # filename*=UTF-8''…: the parser ignores it
_FILE_TYPES = (b"image/", b"application/octet-stream")
_HOW_LINES_END = (
    "its lines end in a bare line feed (\\n), not in \\r\\n: let an HTTP library write the form, or "
    "send the picture as the whole body"
)


@dataclass(frozen=True)
class FormLimits:
    """Hold the limits of a form.

    Attributes:
        max_files: The most parts that are files; files of other names than pictures are among them.
        max_fields: The most other parts.
        max_field_bytes: The most bytes of one of the other parts.
    """

    max_files: int
    max_fields: int = 20
    max_field_bytes: int = 65_536


@dataclass
class Part:
    """Hold a part of a form.

    Attributes:
        name: The name of the field.
        is_file: Whether it has a file name, or a type of bytes.
        content: The bytes; for a text that is too long, those within the limit.
        is_too_long: Whether it is a text of more bytes than allowed.
    """

    name: str
    is_file: bool
    content: bytearray = field(default_factory=bytearray)
    is_too_long: bool = False


async def read_form(chunks: AsyncIterator[bytes], boundary: bytes, limits: FormLimits) -> list[Part]:
    """Read the parts of a form, in their order.

    Args:
        chunks: The body, in pieces.
        boundary: The boundary between the parts, as the content type declares it.
        limits: The limits of the form.

    Raises:
        MalformedBody: The body is not this form, ends early, or has too many parts.
    """
    reader = _FormReader(boundary, limits)
    async for chunk in chunks:
        reader.feed(chunk)
    reader.finish()
    return reader.parts


class _FormReader:
    """Collect the parts that the parser of forms finds."""

    def __init__(self, boundary: bytes, limits: FormLimits) -> None:
        self.parts: list[Part] = []
        self._closing = b"--" + boundary + b"--"
        self._limits = limits
        self._start = b""
        self._headers: dict[bytes, bytes] = {}  # the headers of the part that begins, only those that are used
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._is_ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._add_to_header_name,
                "on_header_value": self._add_to_header_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._open_part,
                "on_part_data": self._add_to_part,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the form."""
        if len(self._start) < _START_BYTES:
            self._start += chunk[: _START_BYTES - len(self._start)]
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            reason = _HOW_LINES_END if self._has_bare_line_feeds() else str(error)
            raise MalformedBody(f"the multipart form cannot be read: {reason}") from error

    def finish(self) -> None:
        """Raise MalformedBody if a form has begun and has not ended."""
        if self._start and not self._is_ended:
            reason = _HOW_LINES_END if self._has_bare_line_feeds() else "it ends before its closing boundary"
            raise MalformedBody(f"the multipart form cannot be read: {reason}")

    def _has_bare_line_feeds(self) -> bool:
        """Return whether the head of the first part, or the closing boundary, has bare line feeds."""
        end_of_head = _EMPTY_LINE.search(self._start)
        head = self._start[: end_of_head.end()] if end_of_head else self._start
        is_closed_by_one = bool(self.parts) and self.parts[-1].content.rstrip().endswith(b"\n" + self._closing)
        return is_closed_by_one or _BARE_LINE_FEED.search(head) is not None

    def _begin_part(self) -> None:
        self._headers.clear()

    def _add_to_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_to_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        if (name := bytes(self._header_name).lower()) in (b"content-disposition", b"content-type"):
            self._headers[name] = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _open_part(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        if b"name" not in options:
            raise MalformedBody("the multipart form cannot be read: a part has no name in its Content-Disposition")
        is_file = (
            b"filename" in options
            or _EXTENDED_FILENAME.search(_QUOTED.sub(b"", disposition)) is not None
            or self._headers.get(b"content-type", b"").strip().lower().startswith(_FILE_TYPES)
        )
        self.parts.append(Part(_text(options[b"name"]), is_file))
        files = sum(part.is_file for part in self.parts)
        if files > self._limits.max_files:
            raise MalformedBody(f"the form has more than {self._limits.max_files} files")
        if len(self.parts) - files > self._limits.max_fields:
            raise MalformedBody(f"the form has more than {self._limits.max_fields} text fields")

    def _add_to_part(self, data: bytes, start: int, end: int) -> None:
        part = self.parts[-1]
        room_bytes = end - start if part.is_file else self._limits.max_field_bytes - len(part.content)
        part.content += data[start : min(end, start + room_bytes)]
        part.is_too_long |= room_bytes < end - start

    def _end(self) -> None:
        self._is_ended = True


def _text(name: bytes) -> str:
    """Return the name of a field: decoded as UTF-8, which browsers and libraries write, else byte by byte."""
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("latin-1")
