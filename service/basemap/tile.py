"""Describe a tile, and a source of tiles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from model.image_formats import HEADER_SIZE_BYTES, recognise_format

MAX_TILE_BYTES = 2_000_000

_MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "AVIF": "image/avif"}


@dataclass(frozen=True, slots=True)
class Tile:
    """Hold a picture of a square of the world.

    Attributes:
        content: The bytes of the picture file.
        media_type: The media type, as its bytes show it.
    """

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Credit:
    """Hold a part of the words that name the owners of the tiles.

    Attributes:
        text: The words.
        url: The address of their link; None without one.
    """

    text: str
    url: str | None


class Basemap(Protocol):
    """Serve tiles in the scheme of web maps."""

    @property
    def min_zoom(self) -> int:
        """Return the coarsest zoom that has tiles."""

    @property
    def max_zoom(self) -> int:
        """Return the finest zoom that has tiles."""

    @property
    def credits(self) -> Sequence[Credit]:
        """Return the names of the owners of the tiles, which the map shows."""

    async def tile(self, z: int, x: int, y: int) -> Tile | None:
        """Return a tile; None where there is none.

        Args:
            z: The zoom.
            x: The column, counted from the date line, less than ``2 ** z``.
            y: The row, counted from the north, less than ``2 ** z``.

        Raises:
            BasemapFailed: The source does not answer, or does not answer with a tile.
        """

    async def close(self) -> None:
        """Close the file or the connections."""


def as_tile(content: bytes) -> Tile | None:
    """Return a tile if its bytes are a picture that browsers show, else None."""
    media_type = _MEDIA_TYPES.get(recognise_format(content[:HEADER_SIZE_BYTES]) or "")
    return None if media_type is None else Tile(content, media_type)
