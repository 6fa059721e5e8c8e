"""Change bytes of any meaning, as may happen on their way; a seed draws the changes."""

from collections.abc import Callable
from random import Random

_LONGEST_RUN = 64
_TELLING = (b"\x00", b"\xff", b"\x7f", b"\x80")  # a run is filled with one of these, or with noise


def flip_bits(content: bytes, random: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 8, 40))):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def overwrite_run(content: bytes, random: Random) -> bytes:
    start, end = _run(content, random)
    run = random.choice((*(byte * (end - start) for byte in _TELLING), random.randbytes(end - start)))
    return content[:start] + run + content[end:]


def cut(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content))]


def lose_the_start(content: bytes, random: Random) -> bytes:
    return content[random.randint(1, min(len(content), _LONGEST_RUN)) :]


def remove_run(content: bytes, random: Random) -> bytes:
    start, end = _run(content, random)
    return content[:start] + content[end:]


def duplicate_run(content: bytes, random: Random) -> bytes:
    start, end = _run(content, random)
    return content[:end] + content[start:end] * random.choice((1, 1, 3, 100)) + content[end:]


def insert_noise(content: bytes, random: Random) -> bytes:
    start = random.randrange(len(content))
    return content[:start] + random.randbytes(random.randint(1, _LONGEST_RUN)) + content[start:]


def swap_runs(content: bytes, random: Random) -> bytes:
    a, b, c, d = sorted(random.randrange(len(content) + 1) for _ in range(4))
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def add_trailing_junk(content: bytes, random: Random) -> bytes:
    return content + random.choice((random.randbytes(random.randint(1, 5000)), bytes(5000), b"<html>" * 50, content))


def set_number(content: bytes, random: Random) -> bytes:
    """Replace two or four bytes by a number at the edge of its range: many are lengths, offsets or counts."""
    size = random.choice((2, 4))
    if len(content) < size:
        return content
    number: int = random.choice((0, 1, 2, 2**7, 2**15 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)) % 2 ** (
        8 * size
    )
    start, written = random.randrange(len(content) - size + 1), number.to_bytes(size, "big")
    return content[:start] + random.choice((written, written[::-1])) + content[start + size :]


def splice(content: bytes, other: bytes, random: Random) -> bytes:
    """Join the start of one picture and the end of another."""
    return content[: random.randrange(len(content))] + other[random.randrange(len(other)) :]


BYTE_MUTATIONS: dict[str, Callable[[bytes, Random], bytes]] = {
    "flip bits": flip_bits,
    "overwrite a run": overwrite_run,
    "cut": cut,
    "lose the start": lose_the_start,
    "remove a run": remove_run,
    "duplicate a run": duplicate_run,
    "insert noise": insert_noise,
    "swap runs": swap_runs,
    "add trailing junk": add_trailing_junk,
    "set a number": set_number,
}
"""Each takes at least one byte."""


def damaged(content: bytes, random: Random) -> bytes:
    """Apply one of the mutations; no bytes become noise."""
    if not content:
        return random.randbytes(random.randint(1, _LONGEST_RUN))
    return random.choice(list(BYTE_MUTATIONS.values()))(content, random)


def in_pieces(content: bytes, random: Random) -> tuple[bytes, ...]:
    """Yield the whole body in pieces, as a network may deliver it."""
    cuts = sorted(random.randrange(len(content) + 1) for _ in range(random.choice((0, 0, 1, 3))))
    return tuple(content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True))


def _run(content: bytes, random: Random) -> tuple[int, int]:
    start = random.randrange(len(content))
    return start, min(len(content), start + random.randint(1, _LONGEST_RUN))
