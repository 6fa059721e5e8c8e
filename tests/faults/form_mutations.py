"""Break the form that carries a picture; a seed draws the faults."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.faults.byte_mutations import damaged
from tests.faults.exif_mutations import hostile_exif
from tests.faults.picture_mutations import broken_picture
from tests.service.pictures import JPEG

_NAMES = (
    *(
        b"image",
        b"Image",
        b"",
        b"i" * 5000,
        b"image\x00",
        b"\x00",
        b"im\xc3\xa4ge",
        b"im\xe4ge",
        b"\xff\xfe",
        b"_charset_",
    ),
    *("\u202egami".encode(), "画像".encode(), b"image%22", b"image\\", b'ima\\"ge', b"../image", b"xn--zzzz99999-"),
)
_DISPOSITIONS = (
    *(b"attachment", b"form-data", b"FORM-DATA", b"", b";", b"form-data;;;", b"inline", b"form-data\x00", b"\xff"),
    *(b"form-data; name", b"form-data; name=", b'form-data; name="image', b"form-data; name=image; name=other"),
    *(b"form-data; name*=utf-8''image; filename=a", b"form-data; name*0=im; name*1=age; filename=a"),
    *(b"form-data; name=image; filename", b"form-data; name=image; filename*=bogus'x'%FF", b"=; name=image; ="),
)
_BOUNDARIES = (
    *(b"", b'""', b'"', b'"a', b"a b", b"b" * 70, b"b" * 71, b"b" * 300, b"--", b"\r", b"\xff\xfe", "gränse".encode()),
    *(b'"a\\"b"', b"a;b", b"(.*)+", b"%00", b"'()+_,-./:=?"),
)
_CHARSETS = (
    *(b"utf-8", b"utf-16", b"utf-7", b"idna", b"punycode", b"undefined", b"unicode_escape", b"raw_unicode_escape"),
    *(
        b"rot13",
        b"hex",
        b"zlib",
        b"cp037",
        b"mbcs",
        b"oem",
        b"utf-8-sig",
        b"big5hkscs",
        b"",
        b"." * 200,
        b"..",
        b"\xff",
    ),
)
_MEDIA_TYPES = (
    *(
        b"multipart/form-data",
        b"Multipart/FORM-data ",
        b"multipart/mixed",
        b"multipart/",
        b"/",
        b"",
        b";",
        b"text/plain",
    ),
    *(b"application/x-www-form-urlencoded", b"application/json", b"image/jpeg", b"multipart/form-data, image/jpeg"),
    *(b"multipart/form-data; boundary=other", b"multipart/form-data;charset=idna", b"multipart/form-data\xa0", b"\xff"),
    *(b"multipart/form-data; boundary*=utf-8''photo-boundary", b"multipart/form-data; boundary*=idna'x'%FF%FF"),
    *(b"multipart/form-data; boundary*=undefined''a", b"multipart/form-data; boundary*0=photo; boundary*1=-boundary"),
    *(b"multipart/form-data; boundary*=a; boundary*0=b", b"multipart/form-data; boundary*" + b"9" * 5000 + b"=a"),
)
_KNOWN_BEFOREHAND = {
    b"near": (b"55.7,13.2", b" -90 , 180 ", b"91,0", b"nan,nan", b"1e3,0", b"1,2,3", b"", b",", b"\xff", b"9" * 5000),
    b"within_m": (b"500", b"1e5", b"1e-300", b"0", b"-1", b"inf", b"nan", b"five", b"0x10", b"1_000", b"9" * 400),
    b"use_exif_position": (b"true", b"true", b"false", b"maybe", b""),
    b"heading": (b"0", b"360", b"-0.0", b"361", b"nan", b"north", b""),
    b"heading_tolerance": (b"45", b"0", b"180", b"181", b"-1", b"nan"),
}
_EVIDENCE = (
    b"matches",
    b"matches",
    b"heat",
    b"heat",
    b"Matches",
    b"matches,heat",
    b"all",
    b"",
    b"\x00",
    b"\xff",
    b"m" * 5000,
)
_TOGETHER = (b"place", b"place", b"sequence", b"sequence", b"Place", b"both", b"", b"\x00")
_TIMES = (
    *(b"0", b"0,1", b"0,1,2", b"0,1,2,3,4,5,6,7,8,9,10", b"2,1", b"inf,inf", b"nan", b"1e400,1", b",,", b"\xff"),
    *(
        b"2026-05-01T10:00:00Z,2026-05-01T10:00:01Z",
        b"0001-01-01,9999-12-31",
        b"2026-05-01,5",
        b"1," * 9000,
    ),
)


@dataclass
class Part:
    """Hold a part of a form, before it is written down.

    Attributes:
        headers: Whole lines, without their ends.
        content: The bytes.
        end: The end of each line of the head.
    """

    headers: list[bytes]
    content: bytes
    end: bytes = b"\r\n"

    def written(self) -> bytes:
        return self.end.join([*self.headers, b"", self.content])


@dataclass
class Form:
    """Hold a form, before it is written down, with its declaration.

    Attributes:
        media_type: The declaration without its parameters.
        parameters: The parameters of the declaration.
        boundary: Between the parts.
        parts: The parts of the form.
        before: The first boundary.
        after: The last one.
        closing: The bytes that close it.
    """

    media_type: bytes = b"multipart/form-data"
    parameters: list[bytes] = field(default_factory=lambda: [b"boundary=photo-boundary"])
    boundary: bytes = b"photo-boundary"
    parts: list[Part] = field(default_factory=lambda: [_text(), _file(JPEG)])
    before: bytes = b""
    after: bytes = b""
    closing: bytes = b"--"

    @property
    def content_type(self) -> bytes:
        return b"; ".join([self.media_type, *self.parameters])

    @property
    def body(self) -> bytes:
        line = b"--" + self.boundary
        parts = b"".join(line + b"\r\n" + part.written() + b"\r\n" for part in self.parts)
        return self.before + parts + line + self.closing + b"\r\n" + self.after


@dataclass(frozen=True)
class BrokenForm:
    """Hold a form as it is sent, and what was done to it.

    Attributes:
        kind: In a few words.
        content_type: The declaration.
        content: The body.
    """

    kind: str
    content_type: bytes
    content: bytes


def broken_form(random: Random) -> BrokenForm:
    """Draw a form, and damage its structure once or twice, and sometimes its bytes."""
    form = Form()
    names = random.sample(list(_MUTATIONS), random.choice((1, 1, 2)))
    for name in names:
        if form.parts and all(part.headers for part in form.parts):  # the first may have taken all there is to damage
            _MUTATIONS[name](form, random)
    content = form.body
    if random.random() < 0.3:
        names.append("damaged bytes")
        content = damaged(content, random)
    content_type = form.content_type.translate(None, delete=bytes(range(32)))  # which no server takes in a header
    return BrokenForm(f"form: {', '.join(names)}", content_type, content)


def _text(name: bytes = b"candidates", content: bytes = b"3") -> Part:
    return Part([b'Content-Disposition: form-data; name="%s"' % name], content)


def _file(content: bytes, name: bytes = b"image") -> Part:
    disposition = b'Content-Disposition: form-data; name="%s"; filename="a.jpg"' % name
    return Part([disposition, b"Content-Type: image/jpeg"], content)


def _other_boundary(form: Form, random: Random) -> None:
    """Damage a boundary in the declaration, in the body, or in both."""
    boundary = random.choice(_BOUNDARIES)
    if random.random() < 0.7:
        form.parameters[:1] = [b"boundary=" + boundary]
    if random.random() < 0.5:
        form.boundary = boundary.strip(b'"')


def _declared_otherwise(form: Form, random: Random) -> None:
    form.media_type = random.choice(_MEDIA_TYPES)
    if random.random() < 0.5:
        form.parameters.clear()


def _other_charset(form: Form, random: Random) -> None:
    form.parameters.insert(random.randrange(2), b"charset=" + random.choice(_CHARSETS))
    if random.random() < 0.7:  # a name that may not fit it
        form.parts.insert(0, _text(random.choice(_NAMES), random.choice((b"\\x", b"+/v8-", b"\xff", b"xn--a"))))


def _more_parameters(form: Form, random: Random) -> None:
    extra = (b"boundary=other", b"boundary", b"=", b"a" * 3000, b'q="\\', b"x*0*=a; x*=b", b"version=1", b"\xfe=\xff")
    form.parameters.insert(random.randrange(len(form.parameters) + 1), random.choice(extra))


def _other_name(form: Form, random: Random) -> None:
    form.parts[random.randrange(len(form.parts))] = _file(JPEG, random.choice(_NAMES))


def _other_disposition(form: Form, random: Random) -> None:
    form.parts[-1].headers[0] = b"Content-Disposition: " + random.choice(_DISPOSITIONS)


def _damaged_header(form: Form, random: Random) -> None:
    headers = random.choice(form.parts).headers
    at = random.randrange(len(headers))
    headers[at] = random.choice(
        (damaged(headers[at], random), headers[at].replace(b": ", random.choice((b"", b":", b" "))))
    )


def _more_headers(form: Form, random: Random) -> None:
    extra = (
        *([b"X: " + b"a" * 4000], [b"X: " + b"a" * 200_000], [b"a" * 200_000 + b": x"], [b"X: a"] * 500),
        *([b"Content-Disposition: form-data; name=other"], [b"Content-Transfer-Encoding: base64"], [b" folded"]),
        *([b"Content-Length: 99999999"], [b"Content-Type: multipart/mixed; boundary=inner"], [b""], [b"\x00: \x00"]),
        *([b"Content-Type: text/plain; charset=undefined"], [b": no name"], [b"no colon"], ["ö: ü".encode()]),
    )
    headers = random.choice(form.parts).headers
    at = random.randrange(len(headers) + 1)
    headers[at:at] = random.choice(extra)


def _no_headers(form: Form, random: Random) -> None:
    random.choice(form.parts).headers.clear()


def _unfinished(form: Form, random: Random) -> None:
    form.closing = random.choice((b"", b"-", b" --", b"--x", b"\r", b"\n--", b"-" * 50))


def _other_line_ends(form: Form, random: Random) -> None:
    random.choice(form.parts).end = random.choice((b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n ", b"\x00\r\n"))


def _around(form: Form, random: Random) -> None:
    junk = (
        b"\r\n",
        b"a preamble\r\n",
        b"-" * 5000,
        random.randbytes(500),
        b"--photo-boundar\r\n",
        bytes(50_000),
        form.body,
    )
    form.before, form.after = random.choice((b"", *junk)), random.choice((b"", *junk))


def _other_parts(form: Form, random: Random) -> None:
    random.choice(
        (
            form.parts.clear,
            form.parts.pop,
            lambda: form.parts.extend([_text()] * random.choice((15, 25, 300))),
            lambda: form.parts.extend([_file(b"x", b"other")] * random.choice((2, 5, 300))),
            lambda: form.parts.append(_file(JPEG)),
            lambda: form.parts.append(_text(b"image")),
            lambda: form.parts.append(_text(b"note", b"x" * random.choice((65_536, 65_537, 500_000)))),
        )
    )()


def _a_prior(form: Form, random: Random) -> None:
    """Return some fields of a prior, each sound or not, and perhaps twice."""
    for name in random.choices(list(_KNOWN_BEFOREHAND), k=random.choice((1, 2, 5))):
        form.parts.insert(0, _text(name, random.choice(_KNOWN_BEFOREHAND[name])))
    if random.random() < 0.5:
        form.parts[-1].content = _with_exif(hostile_exif(random))


def _with_exif(block: bytes) -> bytes:
    """Return the picture with an EXIF block behind its first marker."""
    return JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 8) + b"Exif\0\0" + block + JPEG[2:]


def _several_pictures(form: Form, random: Random) -> None:
    """Return the parts of photos that are asked together, or should not be; one of them may not be a picture."""
    form.parts += [_file(JPEG)] * random.choice((0, 1, 2, 9, 10, 13, 14, 40))
    if random.random() < 0.3:
        form.parts.append(_file(broken_picture(random).content))
    form.parts.insert(0, _text(b"together", random.choice(_TOGETHER)))
    if random.random() < 0.5:
        form.parts.insert(0, _text(b"times", random.choice(_TIMES)))


def _evidence(form: Form, random: Random) -> None:
    """Ask for evidence as it exists, or not, and perhaps twice; together with several pictures it is refused."""
    for _ in range(random.choice((1, 1, 2))):
        form.parts.insert(0, _text(b"evidence", random.choice(_EVIDENCE)))
    if random.random() < 0.3:
        _several_pictures(form, random)


def _nested(form: Form, random: Random) -> None:
    inner = Form(boundary=random.choice((b"inner", b"photo-boundary", b"photo-boundary-inner", b"photo")))
    part = random.choice((_file(inner.body), _text(b"image", inner.body)))
    part.headers.append(b"Content-Type: multipart/mixed; boundary=" + inner.boundary)
    form.parts[random.randrange(len(form.parts))] = part


def _boundary_in_picture(form: Form, random: Random) -> None:
    at = random.randrange(len(JPEG))
    line = random.choice(
        (b"\r\n--photo-boundary", b"\r\n--photo-boundary\r\n", b"\r\n--photo-boundary--", b"\r\n--photo-b")
    )
    form.parts[-1].content = JPEG[:at] + line + JPEG[at:]


def _other_picture(form: Form, random: Random) -> None:
    form.parts[-1].content = random.choice((b"", b"\r\n", b"--", broken_picture(random).content))


_MUTATIONS: dict[str, Callable[[Form, Random], None]] = {
    "a prior": _a_prior,
    "several pictures": _several_pictures,
    "evidence": _evidence,
    "another boundary": _other_boundary,
    "declared otherwise": _declared_otherwise,
    "another charset": _other_charset,
    "more parameters": _more_parameters,
    "another name": _other_name,
    "another disposition": _other_disposition,
    "a damaged header": _damaged_header,
    "more headers": _more_headers,
    "no headers": _no_headers,
    "not finished": _unfinished,
    "other ends of lines": _other_line_ends,
    "something around it": _around,
    "other parts": _other_parts,
    "nested": _nested,
    "the boundary within the picture": _boundary_in_picture,
    "another picture": _other_picture,
}
