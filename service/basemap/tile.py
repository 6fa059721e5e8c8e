"""A tile, and where tiles come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from model.image_formats import HEADER_SIZE_BYTES, recognise_format

MAX_TILE_BYTES = 2_000_000

_MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "AVIF": "image/avif"}


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture of a square of the world.

    Attributes:
        content: The file.
        media_type: Its type, as its bytes have it.
    """

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Credit:
    """A part of the words that say whose the tiles are.

    Attributes:
        text: The words.
        url: Where they lead; None if nowhere.
    """

    text: str
    url: str | None


class Basemap(Protocol):
    """A source of tiles in the scheme of web maps."""

    @property
    def min_zoom(self) -> int:
        """The coarsest zoom that has tiles."""

    @property
    def max_zoom(self) -> int:
        """The finest zoom that has tiles."""

    @property
    def credits(self) -> Sequence[Credit]:
        """Whose the tiles are, to stand on the map."""

    async def tile(self, z: int, x: int, y: int) -> Tile | None:
        """Return a tile; None where there is none.

        Args:
            z: Zoom.
            x: Columns from the date line, less than ``2 ** z``.
            y: Rows from the north, less than ``2 ** z``.

        Raises:
            BasemapFailed: The source does not answer, or not with a tile.
        """

    async def close(self) -> None:
        """Give up what is open."""


def as_tile(content: bytes) -> Tile | None:
    """Return a tile of bytes that are a picture which browsers show; None of other bytes."""
    media_type = _MEDIA_TYPES.get(recognise_format(content[:HEADER_SIZE_BYTES]) or "")
    return None if media_type is None else Tile(content, media_type)
