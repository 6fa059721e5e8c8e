"""EXIF blocks as cameras write them: with a maker's note that points into the block, and with a thumbnail."""

import io
import struct
from dataclasses import dataclass

import numpy as np
from PIL import Image

MAKER = b"Maker\0\0\0"


@dataclass(frozen=True)
class Block:
    """Hold an EXIF block, and where its parts lie.

    Attributes:
        content: Its bytes.
        note_at: Where the maker's note begins; it holds this number, as the notes of some makers do.
        thumbnail: The bytes of its thumbnail.
    """

    content: bytes
    note_at: int
    thumbnail: bytes


def camera_block(order: str, *, has_gps: bool, orientation: int = 6) -> Block:
    """Make a block of one byte order, ``<`` or ``>``."""

    def directory(entries: list[tuple[int, int, int, bytes]], following: int) -> bytes:
        head = struct.pack(f"{order}H", len(entries))
        for tag, kind, count, value in entries:
            head += struct.pack(f"{order}HHI", tag, kind, count) + value.ljust(4, b"\0")
        return head + struct.pack(f"{order}I", following)

    def number(value: int) -> bytes:
        return struct.pack(f"{order}I", value)

    thumbnail = jpeg((16, 12), 1)
    first_entries, camera_entries = (4 if has_gps else 3), 2
    camera_at = 8 + 2 + 12 * first_entries + 4
    note_at = camera_at + 2 + 12 * camera_entries + 4
    note = MAKER + number(note_at) + b"something that nobody documents"
    note += b"\0" * (len(note) % 2)
    gps_at = note_at + len(note)
    gps = directory([(0, 1, 4, bytes((2, 3, 0, 0))), (16, 2, 2, b"T\0"), (17, 5, 1, number(gps_at + 2 + 36 + 4))], 0)
    gps += struct.pack(f"{order}II", 2715, 10)
    second_at = gps_at + len(gps)
    thumbnail_at = second_at + 2 + 12 * 2 + 4
    first = [
        (0x010F, 2, 4, b"abc\0"),
        (0x0112, 3, 1, struct.pack(f"{order}H", orientation)),
        (0x8769, 4, 1, number(camera_at)),
        *([(0x8825, 4, 1, number(gps_at))] if has_gps else []),
    ]
    camera = [(0x927C, 7, len(note), number(note_at)), (0xA002, 4, 1, number(640))]
    second = [(0x0201, 4, 1, number(thumbnail_at)), (0x0202, 4, 1, number(len(thumbnail)))]
    content = (
        (b"II*\0" if order == "<" else b"MM\0*")
        + number(8)
        + directory(first, second_at)
        + directory(camera, 0)
        + note
        + gps
        + directory(second, 0)
        + thumbnail
    )
    return Block(content, note_at, thumbnail)


def jpeg(size: tuple[int, int], seed: int, *, is_progressive: bool = False) -> bytes:
    """Make a JPEG without an EXIF block."""
    coarse = np.random.default_rng(seed).integers(0, 256, size=(6, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize(size).save(file, "JPEG", progressive=is_progressive)
    return file.getvalue()
