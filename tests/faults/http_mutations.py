"""Break a request as bytes on a connection; a seed draws the faults."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.faults.byte_mutations import damaged, in_pieces
from tests.faults.form_mutations import Form, broken_form
from tests.faults.picture_mutations import broken_picture
from tests.service.pictures import JPEG

_LENGTHS = (
    *(
        b"0",
        b"1",
        b"-1",
        b"+700",
        b"0x2bc",
        b" 700 ",
        b"7e2",
        b"700,700",
        b"700, 701",
        b"00000700",
        b"",
        b"\xc2\xb2",
        b"700;",
    ),
    *(b"20000001", b"1000000000000", b"9223372036854775807", b"18446744073709551616", b"9" * 5000, b"1_000", b"NaN"),
)
_ENCODINGS = (
    *(b"chunked", b"Chunked", b"chunked, chunked", b"gzip, chunked", b"chunked, gzip", b"identity", b"xchunked", b""),
    *(b"\x0bchunked", b"chunked;q=1", b"'chunked'", b"identity, chunked", b"chunked\t"),
)
_SIZES = (
    b"zz",
    b"-5",
    b"+5",
    b"0x5",
    b"",
    b" 5",
    b"5 ",
    b"5;" + b"x" * 60_000,
    b"5;a=\x00",
    b"f" * 16,
    b"f" * 17,
    b"ffffffff",
)
_TRAILERS = (
    *(b"X: a\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"X: " + b"a" * 200_000 + b"\r\n"),
    *(b"a" * 200_000, b"X: a\r\n" * 20_000, b"no colon\r\n", b"\x00: \x00\r\n", b"Host: other\r\n"),
)
_REQUEST_LINES = (
    *(b"POST /localize HTTP/1.0", b"POST /localize HTTP/2.0", b"POST /localize HTTP/0.9", b"POST /localize", b"POST"),
    *(b"post /localize HTTP/1.1", b"PUT /localize HTTP/1.1", b"POST  /localize HTTP/1.1", b"POST /localize\tHTTP/1.1"),
    *(
        b"POST http://localhost/localize HTTP/1.1",
        b"POST //localize HTTP/1.1",
        b"POST * HTTP/1.1",
        b"POST /%00 HTTP/1.1",
        b"POST /localize?near=55.7,13.2&within_m=1e3 HTTP/1.1",
        b"POST /localize?near=%F0%9F%97%BA&together=place HTTP/1.1",
        b"POST /localize?together=sequence&times=0&use_exif_position=1 HTTP/1.1",
    ),
    *(b"POST /localize%ff HTTP/1.1", b"POST /local\xffize HTTP/1.1", b"POST /localize?%ff=\x80 HTTP/1.1", b"\x00" * 40),
    *(b"POST /localize?rerank=maybe&map=%00 HTTP/1.1", b"POST localize HTTP/1.1", b"POST /localize# HTTP/1.1"),
    *(
        b"CONNECT /localize HTTP/1.1",
        b"PRI * HTTP/2.0",
        b"POST /" + b"a" * 20_000 + b" HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
    ),
    *(
        b"POST :// HTTP/1.1",
        b"POST http:///localize HTTP/1.1",
        b"POST http://[::1/localize HTTP/1.1",
        b"TRACE / HTTP/1.1",
    ),
)
_HEADERS = (
    *(b"Expect: 100-continue", b"Expect: the unexpected", b"Connection: close", b"Connection: keep-alive, , \xff"),
    *(b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA", b"Connection: Upgrade\r\nUpgrade: websocket"),
    *(b"X-Request-Id: \xff\xfe", b"X-Request-Id: " + b"a" * 5000, b"X: " + b"a" * 17_000, b": no name", b"no colon"),
    *(
        b"Host: other",
        b"Host : localhost",
        b" folded",
        b"X: a\r\n\tfolded",
        b"X: a\x00b",
        b"X:\x0ba",
        b"\xc3\xb6: \xc3\xbc",
    ),
    *(
        b"Content-Encoding: gzip",
        b"Content-Type: \xff",
        b"Accept: " + b"*/*," * 2000,
        b"Range: bytes=0-1,0-1",
        b"X\x7f: a",
    ),
)


@dataclass
class Request:
    """Hold a request, before it is written down.

    Attributes:
        line: Its first line.
        headers: Whole lines, without their ends.
        body: As it is sent.
        end: The end of each line of the head.
    """

    line: bytes
    headers: list[bytes]
    body: bytes
    end: bytes = b"\r\n"

    def written(self) -> bytes:
        return self.end.join([self.line, *self.headers, b"", self.body])


@dataclass(frozen=True)
class BrokenRequest:
    """Hold a request as it is sent, and what was done to it.

    Attributes:
        kind: In a few words.
        pieces: The bytes, as they are sent one after the other.
        is_framed: Whether it is HTTP, and only its content is broken: it must be answered.
    """

    kind: str
    pieces: tuple[bytes, ...]
    is_framed: bool


def broken_request(random: Random) -> BrokenRequest:
    """Draw a request, and damage its content or the way in which it is sent."""
    is_framed = random.random() < 0.5
    if is_framed:
        kind, request = _broken_upload(random)
        content = request.written()
    else:
        request = _sound_request(random)
        name = random.choice(list(_MUTATIONS))
        _MUTATIONS[name](request, random)
        kind = f"HTTP: {name}"
        content = request.written()
        if random.random() < 0.2:
            content = damaged(content, random)
    return BrokenRequest(kind, in_pieces(content, random), is_framed)


def _broken_upload(random: Random) -> tuple[str, Request]:
    """Draw a broken picture or form, in a sound request."""
    if random.random() < 0.5:
        picture = broken_picture(random)
        request = _request(b"image/jpeg", picture.content)
        kind = picture.kind
    else:
        form = broken_form(random)
        request = _request(form.content_type, form.content)
        kind = form.kind
    if random.random() < 0.3:
        _chunk(request, random)
    return kind, request


def _request(content_type: bytes, body: bytes) -> Request:
    headers = [b"Host: localhost", b"Content-Type: " + content_type, b"Content-Length: %d" % len(body)]
    return Request(b"POST /localize HTTP/1.1", headers, body)


def _sound_request(random: Random) -> Request:
    form = Form()
    return random.choice((_request(form.content_type, form.body), _request(b"image/jpeg", JPEG)))


def _chunk(request: Request, random: Random) -> list[bytes]:
    """Send the body in chunks, and leave out their end."""
    size = random.choice((1, 100, 1000, 100_000))
    body = request.body
    chunks = [b"%x\r\n%s\r\n" % (len(body[at : at + size]), body[at : at + size]) for at in range(0, len(body), size)]
    request.headers[-1] = b"Transfer-Encoding: chunked"
    request.body = b"".join(chunks) + b"0\r\n\r\n"
    return chunks


def _other_length(request: Request, random: Random) -> None:
    true = len(request.body)
    near = [b"%d" % length for length in (true - 1, true + 1, true // 2, true * 2)]
    request.headers[-1] = b"Content-Length:" + random.choice((b" ", b"")) + random.choice((*_LENGTHS, *near))


def _two_lengths(request: Request, random: Random) -> None:
    request.headers.append(b"Content-Length: " + random.choice((*_LENGTHS, b"%d" % len(request.body))))


def _no_length(request: Request, _random: Random) -> None:
    request.headers.pop()


def _length_and_encoding(request: Request, random: Random) -> None:
    request.headers.insert(random.randrange(4), b"Transfer-Encoding: " + random.choice(_ENCODINGS))


def _other_encoding(request: Request, random: Random) -> None:
    if random.random() < 0.5:
        _chunk(request, random)
    request.headers[-1] = b"Transfer-Encoding: " + random.choice(_ENCODINGS)


def _broken_chunks(request: Request, random: Random) -> None:
    chunks = _chunk(request, random)
    at = random.randrange(len(chunks))
    chunks[at] = random.choice(
        (
            random.choice(_SIZES) + b"\r\n" + b"x" * 5 + b"\r\n",
            chunks[at][:-2],
            chunks[at].replace(b"\r\n", b"\n", 1),
            chunks[at] + chunks[at],
            b"0\r\n\r\n" + chunks[at],
            damaged(chunks[at], random),
        )
    )
    request.body = b"".join(chunks) + random.choice((b"0\r\n\r\n", b"0\r\n", b"0", b"", b"0\r\n\r\n" + JPEG))


def _trailers(request: Request, random: Random) -> None:
    request.body = (
        b"".join(_chunk(request, random)) + b"0\r\n" + random.choice(_TRAILERS) + random.choice((b"\r\n", b""))
    )


def _other_line(request: Request, random: Random) -> None:
    request.line = random.choice(_REQUEST_LINES)


def _more_headers(request: Request, random: Random) -> None:
    at, many = random.randrange(4), random.choice((1, 1, 1, 2, 300))
    request.headers[at:at] = [random.choice(_HEADERS)] * many


def _damaged_head(request: Request, random: Random) -> None:
    at = random.randrange(len(request.headers))
    request.headers[at] = damaged(request.headers[at], random)


def _other_line_ends(request: Request, random: Random) -> None:
    request.end = random.choice((b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n", b" \r\n"))


def _cut(request: Request, random: Random) -> None:
    content = request.written()
    end = random.choice((random.randrange(len(content)), random.randrange(len(content) - len(request.body))))
    request.line, request.headers, request.body, request.end = content[:end], [], b"", b""


def _several(request: Request, random: Random) -> None:
    """Send one request after the other on one connection; the first may be cut off."""
    first = request.written()
    request.body += random.choice((first, first[: random.randrange(len(first))], b"\r\n" * 50, random.randbytes(300)))


def _no_http(request: Request, random: Random) -> None:
    request.line = random.choice((b"\x16\x03\x01\x02\x00\x01\x00", random.randbytes(80), b"\r\n" * 100, JPEG))
    request.headers.clear()


_MUTATIONS: dict[str, Callable[[Request, Random], None]] = {
    "another length": _other_length,
    "two lengths": _two_lengths,
    "no length": _no_length,
    "length and encoding": _length_and_encoding,
    "another encoding": _other_encoding,
    "broken chunks": _broken_chunks,
    "trailers": _trailers,
    "another first line": _other_line,
    "more headers": _more_headers,
    "a damaged header": _damaged_head,
    "other ends of lines": _other_line_ends,
    "cut": _cut,
    "several requests": _several,
    "no HTTP": _no_http,
}
