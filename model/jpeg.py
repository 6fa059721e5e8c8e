"""Large JPEGs, decoded at 1/2, 1/4 or 1/8 inside the DCT, so that 108 megapixels take less memory than 50.

The fraction depends only on the size in the header, never on a setting. A picture therefore gives the same features in
every map and query with the same preparation (``model.preprocess.Preprocessing``).

A JPEG of one scan is decoded row by row. A JPEG of several scans, such as every progressive one, needs the coefficients
of the whole picture in memory at any fraction; therefore they are counted before decoding.
"""

from dataclasses import dataclass
from typing import IO

WHOLE_UP_TO_PIXELS = 50_000_000
"""JPEGs with more pixels are decoded at a fraction. The number is part of the map format: another number is another
preprocessing.
"""

_DENOMINATORS = (1, 2, 4, 8)
_COEFFICIENT_BYTES = 2
_BLOCK = 8  # rows and columns of a block

_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN = 0xD8, 0xD9, 0xDA
_WITHOUT_CONTENT = {0x01, *range(0xD0, 0xD8)}
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the numbers of tables, and of a marker without meaning
_SEQUENTIAL_FRAMES = {0xC0, 0xC1, 0xC9}


@dataclass(frozen=True)
class Component:
    """Describe a component of a picture, such as brightness or a colour.

    Attributes:
        horizontal: The samples in a row, relative to the other components.
        vertical: The samples in a column, relative to the other components.
    """

    horizontal: int
    vertical: int


@dataclass(frozen=True)
class Frame:
    """Hold the part of a JPEG's header that determines the memory for decoding.

    Attributes:
        width: The width in pixels.
        height: The height in pixels.
        components: The components, in order.
        is_one_scan: Whether the JPEG is sequential, and the first scan has all components.
    """

    width: int
    height: int
    components: tuple[Component, ...]
    is_one_scan: bool

    @property
    def coefficient_bytes(self) -> int:
        """Return the memory of all coefficients; 0 for a picture of one scan, which needs only a few rows of them."""
        if self.is_one_scan:
            return 0
        columns = max(component.horizontal for component in self.components)
        rows = max(component.vertical for component in self.components)
        units = -(-self.width // (_BLOCK * columns)) * -(-self.height // (_BLOCK * rows))
        blocks = sum(component.horizontal * component.vertical for component in self.components)
        return units * blocks * _BLOCK * _BLOCK * _COEFFICIENT_BYTES


def denominator_for(size: tuple[int, int]) -> int:
    """Return the divisor of a JPEG's sides during decoding: 1, 2, 4 or 8.

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
        file: The file of a JPEG; it is read from its beginning.

    Raises:
        ValueError: The file is not a JPEG, or decoders would disagree on it.
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
    while prefix == b"\xff" and marker == b"\xff":  # any number of these bytes may precede a marker
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
