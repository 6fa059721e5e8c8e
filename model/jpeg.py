"""Large JPEGs: decoded at 1/2, 1/4 or 1/8 inside the DCT, so that 108 megapixels take less memory than 50.

The fraction depends on the size in the header alone, and never on a setting: the same picture gives the same features
in every map and every query that is prepared alike (``model.preprocess.Preprocessing``).

A JPEG of one scan is decoded row by row. One of several scans, as each progressive one is, needs the coefficients of
the whole picture in memory, at whatever fraction its pixels come; so these are counted before anything is decoded.
"""

from dataclasses import dataclass
from typing import IO

WHOLE_UP_TO_PIXELS = 50_000_000
"""JPEGs of more pixels are decoded at a fraction. Part of the map format: another number is another preprocessing."""

_DENOMINATORS = (1, 2, 4, 8)
_COEFFICIENT_BYTES = 2
_BLOCK = 8  # a block has so many rows and columns

_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN = 0xD8, 0xD9, 0xDA
_WITHOUT_CONTENT = {0x01, *range(0xD0, 0xD8)}
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the three are tables, and one that means nothing
_SEQUENTIAL_FRAMES = {0xC0, 0xC1, 0xC9}


@dataclass(frozen=True)
class Component:
    """A component of a picture: brightness, a colour, …

    Attributes:
        horizontal: Its samples in a row, in relation to the other components.
        vertical: Its samples in a column, likewise.
    """

    horizontal: int
    vertical: int


@dataclass(frozen=True)
class Frame:
    """The header of a JPEG, as far as it tells the memory that decoding needs.

    Attributes:
        width: In pixels.
        height: In pixels.
        components: In order.
        is_one_scan: Whether it is sequential, and the first scan has all components.
    """

    width: int
    height: int
    components: tuple[Component, ...]
    is_one_scan: bool

    @property
    def coefficient_bytes(self) -> int:
        """Memory of all coefficients; a picture of one scan needs them for a few rows only, and counts as 0."""
        if self.is_one_scan:
            return 0
        columns = max(component.horizontal for component in self.components)
        rows = max(component.vertical for component in self.components)
        units = -(-self.width // (_BLOCK * columns)) * -(-self.height // (_BLOCK * rows))
        blocks = sum(component.horizontal * component.vertical for component in self.components)
        return units * blocks * _BLOCK * _BLOCK * _COEFFICIENT_BYTES


def denominator_for(size: tuple[int, int]) -> int:
    """Return by what a JPEG's sides are divided as it is decoded: 1, 2, 4 or 8.

    Args:
        size: Width and height in the header.
    """
    for denominator in _DENOMINATORS:
        width, height = (-(-side // denominator) for side in size)
        if width * height <= WHOLE_UP_TO_PIXELS:
            return denominator
    return _DENOMINATORS[-1]


def read_frame(file: IO[bytes]) -> Frame:
    """Read the header of a JPEG up to its first scan.

    Args:
        file: Of a JPEG; it is read from its beginning.

    Raises:
        ValueError: It is none, or one that no two decoders would read alike.
    """
    file.seek(0)
    if file.read(2) != bytes((0xFF, _START_OF_IMAGE)):
        raise ValueError("it does not begin like a JPEG")
    frame: tuple[int, bytes] | None = None
    while True:
        marker = _next_marker(file)
        if marker in _WITHOUT_CONTENT:
            continue
        if marker in {_START_OF_IMAGE, _END_OF_IMAGE}:
            raise ValueError("it ends before its first scan")
        content = _content(file)
        if marker in _FRAMES:
            if frame is not None:
                raise ValueError("it has two frames")
            frame = marker, content
        elif marker == _START_OF_SCAN:
            if frame is None:
                raise ValueError("it has a scan without a frame")
            return _parse_frame(*frame, components_in_scan=content[0])


def _next_marker(file: IO[bytes]) -> int:
    prefix = file.read(1)
    marker = file.read(1)
    while prefix == b"\xff" and marker == b"\xff":  # any number of them may stand before a marker
        marker = file.read(1)
    if prefix != b"\xff" or marker in {b"", b"\0"}:
        raise ValueError("there is something between its segments")
    return marker[0]


def _content(file: IO[bytes]) -> bytes:
    length = int.from_bytes(file.read(2))
    content = file.read(max(0, length - 2))
    if len(content) != length - 2 or not content:
        raise ValueError("a segment of its header is cut off")
    return content


def _parse_frame(marker: int, content: bytes, *, components_in_scan: int) -> Frame:
    if len(content) < 6 or len(content) < 6 + 3 * content[5] or not content[5]:
        raise ValueError("its frame is cut off")
    factors = [content[7 + 3 * index] for index in range(content[5])]
    components = tuple(Component(factor >> 4, factor & 15) for factor in factors)
    if any(not 1 <= each <= 4 for component in components for each in (component.horizontal, component.vertical)):
        raise ValueError("its components are sampled in an impossible way")
    return Frame(
        width=int.from_bytes(content[3:5]),
        height=int.from_bytes(content[1:3]),
        components=components,
        is_one_scan=marker in _SEQUENTIAL_FRAMES and components_in_scan == len(components),
    )
