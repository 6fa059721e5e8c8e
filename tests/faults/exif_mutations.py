"""EXIF blocks that mean harm: directories that point at themselves, values that are elsewhere, counts without end."""

import struct
from random import Random

_TAGS = (0x0112, 0x010F, 0x011A, 0x0111, 0x0117, 0x0201, 0x0202, 0x8769, 0x8825, 0xA005, 0x927C, 0x9003, 2, 4)
_TYPES = (*range(14), 16, 129, 65_535)
_COUNTS = (0, 1, 2, 3, 5, 255, 2**16, 2**28, 2**31, 2**32 - 1)
_LONGEST = 40  # entries of a directory


def hostile_exif(random: Random) -> bytes:
    """Draw a block with a right beginning, and one to three directories of random entries."""
    order = random.choice("<>")
    block = (b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(f"{order}I", random.choice((8, 8, 8, 0, 2**31)))
    for _ in range(random.randint(1, 3)):
        entries = random.randint(0, _LONGEST)
        block += struct.pack(f"{order}H", random.choice((entries, entries, 65_535)))
        for _ in range(entries):
            block += struct.pack(
                f"{order}HHII",
                random.choice(_TAGS),
                random.choice(_TYPES),
                random.choice(_COUNTS),
                random.choice((8, 10, random.randrange(600), 2**31, 2**32 - 1)),
            )
        block += struct.pack(f"{order}I", random.choice((0, 8, len(block) + 4, 2**32 - 1)))
    return block + random.randbytes(random.randint(0, 60))
