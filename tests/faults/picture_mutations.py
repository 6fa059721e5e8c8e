"""Break the file of a picture, format by format; a seed draws the faults."""

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from tests.faults.byte_mutations import BYTE_MUTATIONS, damaged, splice
from tests.faults.exif_mutations import hostile_exif
from tests.faults.picture_chunks import Chunk, join, split
from tests.faults.sound_pictures import sound_pictures

_LENGTHS = (0, 1, 2**15, 2**16 - 3, 2**31 - 1, 2**32 - 9, 2**32 - 1)
# Sizes at the limits of the formats and of the service, and between them.
_SIDES_PX = (0, 1, 15, 16, 47, 49, 63, 65, 128, 129, 1000, 4096, 7000, 16_383, 16_384, 16_385, 65_535, 2**31 - 1)
_METADATA = {
    "JPEG": (b"\xff\xe0", b"\xff\xe1", b"\xff\xe2", b"\xff\xee", b"\xff\xfe"),
    "PNG": (b"zTXt", b"iTXt", b"tEXt", b"eXIf", b"iCCP", b"pHYs", b"tRNS", b"PLTE", b"acTL", b"fcTL", b"fdAT"),
    "WEBP": (b"VP8X", b"EXIF", b"ICCP", b"XMP ", b"ANIM", b"ANMF", b"ALPH"),
}
_BOXES = (
    *(b"hdlr", b"pitm", b"iloc", b"iinf", b"infe", b"iprp", b"ipco", b"ispe", b"pixi", b"av1C", b"colr", b"ipma"),
    *(b"auxC", b"iref", b"dinf", b"meta", b"moov", b"trak", b"mdia", b"stbl", b"stsz", b"stco", b"stsc", b"mdat"),
)


@dataclass(frozen=True)
class BrokenPicture:
    """Hold a damaged file.

    Attributes:
        kind: In a few words.
        content: The file.
    """

    kind: str
    content: bytes


def broken_picture(random: Random) -> BrokenPicture:
    """Draw a file, and damage it once, or sometimes twice."""
    image_format = random.choice(list(sound_pictures()))
    content = random.choice(sound_pictures()[image_format])
    name, mutate = random.choice(_OF_FORMAT if random.random() < 0.6 else _OF_BYTES)
    content = mutate(image_format, content, random)
    if random.random() < 0.2:
        content = damaged(content, random)
    return BrokenPicture(f"{image_format}: {name}", content)


def _splice(image_format: str, content: bytes, random: Random) -> bytes:
    return splice(content, random.choice(sound_pictures()[random.choice((image_format, *sound_pictures()))]), random)


def _duplicate_chunk(image_format: str, content: bytes, random: Random) -> bytes:
    chunks = split(image_format, content)
    chunk = random.choice(chunks)
    at = random.randrange(len(chunks) + 1)
    return join(image_format, [*chunks[:at], *[chunk] * random.choice((1, 1, 2, 200)), *chunks[at:]])


def _remove_chunk(image_format: str, content: bytes, random: Random) -> bytes:
    chunks = split(image_format, content)
    del chunks[random.randrange(len(chunks))]
    return join(image_format, chunks)


def _swap_chunks(image_format: str, content: bytes, random: Random) -> bytes:
    chunks = split(image_format, content)
    one, other = random.randrange(len(chunks)), random.randrange(len(chunks))
    chunks[one], chunks[other] = chunks[other], chunks[one]
    return join(image_format, chunks)


def _graft_chunk(image_format: str, content: bytes, random: Random) -> bytes:
    """Add a piece of another picture of the format, or put it in the place of one."""
    chunks = split(image_format, content)
    graft = random.choice(split(image_format, random.choice(sound_pictures()[image_format])))
    at = random.randrange(len(chunks))
    return join(image_format, [*chunks[:at], graft, *chunks[at + random.randrange(2) :]])


def _damage_chunk(image_format: str, content: bytes, random: Random) -> bytes:
    chunks = split(image_format, content)
    return join(image_format, _with_damage(chunks, random.randrange(len(chunks)), random))


def _damage_metadata(image_format: str, content: bytes, random: Random) -> bytes:
    """Damage a piece that describes the picture; in AVIF, a nested box."""
    if image_format == "AVIF":
        return _damage_box(content, random)
    chunks = split(image_format, content)
    candidates = [at for at, chunk in enumerate(chunks) if chunk.kind in _METADATA[image_format]]
    return join(image_format, _with_damage(chunks, random.choice(candidates or range(len(chunks))), random))


def _wrong_length(image_format: str, content: bytes, random: Random) -> bytes:
    chunks = split(image_format, content)
    at = random.randrange(len(chunks))
    true = len(chunks[at].content)
    length = random.choice((*_LENGTHS, max(0, true - random.randint(1, 9)), true + random.randint(1, 9)))
    chunks[at] = replace(chunks[at], length=length)
    return join(image_format, chunks)


def _rename_chunk(image_format: str, content: bytes, random: Random) -> bytes:
    chunks = split(image_format, content)
    at, other = random.randrange(len(chunks)), random.choice(chunks)
    chunks[at] = replace(chunks[at], kind=other.kind)
    return join(image_format, chunks)


def _hostile_exif(image_format: str, content: bytes, random: Random) -> bytes:
    block = hostile_exif(random)
    if image_format == "JPEG":
        exif = Chunk(b"\xff\xe1", (b"Exif\x00\x00" + block)[:60_000])
        return join(image_format, [exif, *(c for c in split(image_format, content) if c.kind != exif.kind)])
    if image_format == "PNG":
        return _with_png_chunk(content, Chunk(b"eXIf", block))
    # Within the others it takes the place of the block that is there, if there is one.
    start = content.find(b"MM\x00*")
    return damaged(content, random) if start < 0 else content[:start] + block + content[start + len(block) :]


def _hostile_stream(image_format: str, content: bytes, random: Random) -> bytes:
    """Put in a profile or text that does not unpack, or unpacks to too much; in other formats, a damaged profile."""
    stream = zlib.compress(random.choice((bytes(3_000_000), random.randbytes(300), b"")))
    stream = random.choice((stream, damaged(stream, random), stream[: len(stream) // 2], b""))
    if image_format == "PNG":
        kind = random.choice((b"zTXt", b"iCCP", b"iTXt"))
        head = b"Name\x00\x01\x00sv\x00Name\x00" if kind == b"iTXt" else b"Name\x00\x00"
        return _with_png_chunk(content, Chunk(kind, random.choice((head, b"", b"x" * 90, b"\x00\x00")) + stream))
    if image_format == "JPEG":
        number, count = random.choice(((1, 1), (0, 0), (2, 1), (1, 255)))
        profile = Chunk(b"\xff\xe2", b"ICC_PROFILE\x00" + bytes((number, count)) + stream[:60_000])
        return join(image_format, [profile, *split(image_format, content)])
    start = content.find(b"acsp")
    return content if start < 0 else content[:start] + damaged(content[start:], random)


def _change_size(image_format: str, content: bytes, random: Random) -> bytes:
    width, height = random.choice(_SIDES_PX), random.choice((*_SIDES_PX, 48, 64))
    changed = bytearray(content)
    if image_format == "JPEG":
        for marker in (b"\xff\xc0", b"\xff\xc2"):
            start = content.find(marker)
            if start >= 0:
                struct.pack_into(">HH", changed, start + 5, height % 2**16, width % 2**16)
    elif image_format == "PNG":
        chunks = split(image_format, content)
        chunks[0] = replace(chunks[0], content=struct.pack(">II", width, height) + chunks[0].content[8:])
        return join(image_format, chunks)
    elif image_format == "WEBP":
        _change_webp_size(changed, width, height, random)
    else:
        start = content.find(b"ispe")
        while start >= 0:
            struct.pack_into(">II", changed, start + 8, width, height)
            start = content.find(b"ispe", start + 4) if random.random() < 0.7 else -1
    return bytes(changed)


def _change_webp_size(changed: bytearray, width: int, height: int, random: Random) -> None:
    start = changed.find(b"VP8X")
    if start >= 0 and random.random() < 0.7:
        changed[start + 12 : start + 18] = struct.pack("<I", width)[:3] + struct.pack("<I", height)[:3]
    elif (start := changed.find(b"VP8 ")) >= 0:
        struct.pack_into("<HH", changed, start + 14, width % 2**16, height % 2**16)
    elif (start := changed.find(b"VP8L")) >= 0:
        struct.pack_into("<I", changed, start + 9, (width % 2**14) | (height % 2**14) << 14)


def _with_damage(chunks: Sequence[Chunk], at: int, random: Random) -> list[Chunk]:
    return [*chunks[:at], replace(chunks[at], content=damaged(chunks[at].content, random)), *chunks[at + 1 :]]


def _with_png_chunk(content: bytes, chunk: Chunk) -> bytes:
    header, *others = split("PNG", content)
    return join("PNG", [header, chunk, *others])


def _damage_box(content: bytes, random: Random) -> bytes:
    kind = random.choice([kind for kind in _BOXES if kind in content])
    start = content.find(kind)
    if random.random() < 0.3:
        length = random.choice((0, 1, 7, 8, *_LENGTHS))
        return content[: start - 4] + struct.pack(">I", length) + content[start:]
    end = min(len(content), start + 4 + random.randint(1, 40))
    return content[: start + 4] + damaged(content[start + 4 : end], random) + content[end:]


def _of_bytes(mutate: Callable[[bytes, Random], bytes]) -> Callable[[str, bytes, Random], bytes]:
    return lambda _format, content, random: mutate(content, random)


_OF_BYTES: list[tuple[str, Callable[[str, bytes, Random], bytes]]] = [
    *((name, _of_bytes(mutate)) for name, mutate in BYTE_MUTATIONS.items()),
    ("splice two files", _splice),
]
_OF_FORMAT: list[tuple[str, Callable[[str, bytes, Random], bytes]]] = [
    ("duplicate a chunk", _duplicate_chunk),
    ("remove a chunk", _remove_chunk),
    ("swap chunks", _swap_chunks),
    ("graft a chunk of another file", _graft_chunk),
    ("damage a chunk", _damage_chunk),
    ("damage metadata", _damage_metadata),
    ("a wrong length", _wrong_length),
    ("rename a chunk", _rename_chunk),
    ("hostile EXIF", _hostile_exif),
    ("hostile text or profile", _hostile_stream),
    ("another size", _change_size),
]
