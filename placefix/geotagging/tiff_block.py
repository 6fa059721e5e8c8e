"""The GPS directory of an EXIF block, written without moving an existing byte.

An EXIF block is a small TIFF file: directories whose entries hold positions in the block. Makers' notes hold positions
too, in undocumented forms, so that moving them damages them. A new directory is therefore put behind the block, one
number in the block is changed to point to it, and the old number is stored at the end. The block can be restored byte
by byte.
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from model.estimates import MARK
from placefix.answers.estimate import Estimate

_EMPTY = b"MM\0*\0\0\0\x08\0\0\0\0\0\0"  # no entry, and no further directory
# The blocks to begin with for a photo without a block, and for a photo whose block has no bytes.
_STAND_INS: Mapping[bytes | None, bytes] = {None: _EMPTY, b"": _EMPTY + b"\0\0"}

_BYTE, _ASCII, _LONG, _RATIONAL, _UNDEFINED = 1, 2, 4, 5, 7
_ENTRY_BYTES = 12
_FIRST_DIRECTORY_AT = 4  # the place of the position of the first directory
_GPS_POINTER = 0x8825
_VERSION, _LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _DATUM, _METHOD, _ERROR = 0, 1, 2, 3, 4, 18, 27, 31
_OWN_TAGS = frozenset({_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _DATUM, _METHOD, _ERROR})
_PARTS_OF_A_SECOND = 100_000  # a part of a second of arc is 0.3 mm


class UnknownLayout(ValueError):
    """Say that a block does not have the layout of EXIF."""


@dataclass(frozen=True)
class _Entry:
    """Hold an entry of a directory.

    Attributes:
        kind: The type of its values.
        count: The number of its values.
        value: The bytes of the values; for an entry that was read its own four bytes, which may be a position in the
            block.
    """

    kind: int
    count: int
    value: bytes


_Entries = Mapping[int, _Entry]
"""A directory: entries by their tags."""


def with_estimate(block: bytes | None, estimate: Estimate) -> bytes:
    """Return a block with an estimated position, which replaces an existing position.

    Args:
        block: The block of a photo; None if it has none.
        estimate: The position.

    Raises:
        UnknownLayout: The block cannot be read.
    """
    block = _STAND_INS.get(block, block) or b""
    tiff = _Tiff(block)
    changed = tiff.with_gps(tiff.other_gps_entries() | _entries(estimate, tiff.order))
    return changed.block + _Footer.of(block, changed).to_bytes()


def without_estimate(block: bytes) -> bytes | None:
    """Return a block as it was before ``with_estimate``, or without the position if another program has written it.

    Returns:
        The block; None if there was none.

    Raises:
        UnknownLayout: The block cannot be read.
    """
    footer = _Footer.read(block)
    if footer is not None:
        before = footer.undone(block)
        return next((was for was, stand_in in _STAND_INS.items() if before == stand_in), before)
    tiff = _Tiff(block)
    return tiff.with_gps(tiff.other_gps_entries()).block


def can_undo(block: bytes | None) -> bool:
    """Return whether ``without_estimate`` gives the block as it was before."""
    return block is not None and _Footer.read(block) is not None


def _entries(estimate: Estimate, order: str) -> dict[int, _Entry]:
    method = b"ASCII\0\0\0" + estimate.method.encode("ascii")
    entries = {
        _VERSION: _Entry(_BYTE, 4, bytes((2, 3, 0, 0))),
        _LATITUDE_REF: _text(estimate.north_or_south),
        _LATITUDE: _angle(estimate.latitude, order),
        _LONGITUDE_REF: _text(estimate.east_or_west),
        _LONGITUDE: _angle(estimate.longitude, order),
        _DATUM: _text("WGS-84"),
        _METHOD: _Entry(_UNDEFINED, len(method), method),
    }
    if estimate.radius_m is not None:
        entries[_ERROR] = _rationals(order, (round(estimate.radius_m * 10), 10))
    return entries


def _text(text: str) -> _Entry:
    value = text.encode("ascii") + b"\0"
    return _Entry(_ASCII, len(value), value)


def _angle(angle_deg: float, order: str) -> _Entry:
    """Return degrees, minutes and seconds, without a sign."""
    parts = round(Fraction(abs(angle_deg)) * 3600 * _PARTS_OF_A_SECOND)
    minutes, parts = divmod(parts, 60 * _PARTS_OF_A_SECOND)
    return _rationals(order, (minutes // 60, 1), (minutes % 60, 1), (parts, _PARTS_OF_A_SECOND))


def _rationals(order: str, *numbers: tuple[int, int]) -> _Entry:
    return _Entry(_RATIONAL, len(numbers), b"".join(struct.pack(f"{order}II", *number) for number in numbers))


@dataclass(frozen=True)
class _Changed:
    """Hold a block with another GPS directory.

    Attributes:
        block: The block.
        changed_at: The position of the only four bytes that differ from the original.
    """

    block: bytes
    changed_at: int


class _Tiff:
    """Hold a block, with its first directory.

    Attributes:
        order: The byte order, in the notation of ``struct``.
    """

    def __init__(self, block: bytes) -> None:
        orders = {b"II*\0": "<", b"MM\0*": ">"}
        if block[:4] not in orders:
            raise UnknownLayout("its EXIF block does not begin as one")
        self.order = orders[block[:4]]
        self._block = block
        self._first, self._following, self._gps_pointer_at = self._directory(self._number(_FIRST_DIRECTORY_AT))

    def other_gps_entries(self) -> dict[int, _Entry]:
        """Return the entries of the GPS directory that no estimate has."""
        if self._gps_pointer_at is None:
            return {}
        entries, _, _ = self._directory(self._number(self._gps_pointer_at))
        return {tag: entry for tag, entry in entries.items() if tag not in _OWN_TAGS}

    def with_gps(self, entries: _Entries) -> _Changed:
        """Return the block with another GPS directory behind it."""
        block = bytearray(self._block)
        block += b"\0" * (len(block) % 2)
        directory_at = len(block)
        block += self._written(entries, directory_at, 0)
        changed_at = self._gps_pointer_at
        if changed_at is None:  # then the first directory is copied behind the block, too, with one more entry
            pointer = _Entry(_LONG, 1, struct.pack(f"{self.order}I", directory_at))
            changed_at, directory_at = _FIRST_DIRECTORY_AT, len(block)
            block += self._written({**self._first, _GPS_POINTER: pointer}, directory_at, self._following)
        struct.pack_into(f"{self.order}I", block, changed_at, directory_at)
        return _Changed(bytes(block), changed_at)

    def _written(self, entries: _Entries, at: int, following: int) -> bytes:
        """Return a directory for a position in the block, followed by the values that do not fit into its entries."""
        head = bytearray(struct.pack(f"{self.order}H", len(entries)))
        values = bytearray()
        values_at = at + 2 + _ENTRY_BYTES * len(entries) + 4
        for tag, entry in sorted(entries.items()):
            held = entry.value.ljust(4, b"\0")
            if len(entry.value) > 4:
                held = struct.pack(f"{self.order}I", values_at + len(values))
                values += entry.value + b"\0" * (len(entry.value) % 2)
            head += struct.pack(f"{self.order}HHI", tag, entry.kind, entry.count) + held
        return bytes(head) + struct.pack(f"{self.order}I", following) + bytes(values)

    def _directory(self, at: int) -> tuple[dict[int, _Entry], int, int | None]:
        """Read a directory: its entries, the position of the next one, and the place of its pointer to GPS."""
        entries: dict[int, _Entry] = {}
        gps_pointer_at = None
        try:
            (count,) = struct.unpack_from(f"{self.order}H", self._block, at)
            for entry_at in range(at + 2, at + 2 + _ENTRY_BYTES * count, _ENTRY_BYTES):
                tag, kind, values, held = struct.unpack_from(f"{self.order}HHI4s", self._block, entry_at)
                entries[tag] = _Entry(kind, values, held)
                if tag == _GPS_POINTER:
                    gps_pointer_at = entry_at + 8
            following = self._number(at + 2 + _ENTRY_BYTES * count)
        except struct.error as error:
            raise UnknownLayout("a directory of its EXIF block is cut off") from error
        if len(entries) != count:
            raise UnknownLayout("a directory of its EXIF block has an entry twice")
        return entries, following, gps_pointer_at

    def _number(self, at: int) -> int:
        try:
            (number,) = struct.unpack_from(f"{self.order}I", self._block, at)
        except struct.error as error:
            raise UnknownLayout("its EXIF block is cut off") from error
        return int(number)


@dataclass(frozen=True)
class _Footer:
    """Hold the end of a block that was written here, which undoes it.

    Attributes:
        length: Length of the block before the change, in bytes.
        changed_at: The position of the four changed bytes.
        before: The four bytes before the change.
        checksum: The checksum of the bytes behind the old block; if another program has changed them, the block cannot
            be restored.
    """

    length: int
    changed_at: int
    before: bytes
    checksum: int

    _LAYOUT = struct.Struct(f">{len(MARK)}sII4sI")

    @classmethod
    def of(cls, original: bytes, changed: _Changed) -> "_Footer":
        """Return the footer of a block that was changed."""
        at, length = changed.changed_at, len(original)
        return cls(length, at, original[at : at + 4], zlib.crc32(changed.block[length:]))

    @classmethod
    def read(cls, block: bytes) -> "_Footer | None":
        """Return the footer of a block; None if it has none, or one that does not fit any more."""
        if len(block) < cls._LAYOUT.size:
            return None
        mark, *rest = cls._LAYOUT.unpack(block[-cls._LAYOUT.size :])
        footer = cls(*rest)
        appended = block[footer.length : -cls._LAYOUT.size]
        fits = mark == MARK.encode() and footer.changed_at + 4 <= footer.length < len(block)
        return footer if fits and zlib.crc32(appended) == footer.checksum else None

    def undone(self, block: bytes) -> bytes:
        """Return the block as it was."""
        before = bytearray(block[: self.length])
        before[self.changed_at : self.changed_at + 4] = self.before
        return bytes(before)

    def to_bytes(self) -> bytes:
        """Return the bytes that ``read`` reads."""
        return self._LAYOUT.pack(MARK.encode(), self.length, self.changed_at, self.before, self.checksum)
