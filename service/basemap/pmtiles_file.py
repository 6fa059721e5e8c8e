"""Read tiles from a file in the format PMTiles 3."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pmtiles.reader import Reader
from pmtiles.tile import Compression, TileType
from starlette.concurrency import run_in_threadpool

from model.errors import InvalidInput
from service.basemap.credits import read_credits
from service.basemap.tile import MAX_TILE_BYTES, Credit, Tile, as_tile
from service.errors import BasemapFailed

_RASTER = frozenset({TileType.PNG, TileType.JPEG, TileType.WEBP, TileType.AVIF})
_MAX_DIRECTORY_BYTES = 20_000_000  # the longest part that is read at a time


class PmtilesFile:
    """Read raster tiles from an open file; safe to use from several threads.

    The file is not mapped into memory: if it is cut while it is served, one answer fails and not the process.
    """

    def __init__(self, path: Path, attribution: str | None) -> None:
        """Open the file.

        Args:
            path: The file.
            attribution: The names of the owners of the tiles; by default those in the file.

        Raises:
            InvalidInput: It cannot be read, is not a PMTiles file, or holds no raster tiles.
        """
        try:
            self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        except OSError as error:
            raise InvalidInput(f"the base map {path} cannot be opened: {error.strerror}") from error
        try:
            reader = Reader(self._read)
            header, metadata = reader.header(), reader.metadata()
        except Exception as error:  # the reader raises any exception for a damaged file
            os.close(self._descriptor)
            raise InvalidInput(f"{path} is not a file of PMTiles 3, or is damaged: {error}") from error
        try:
            _check(path, header)
        except InvalidInput:
            os.close(self._descriptor)
            raise
        self._path, self._reader = path, reader
        self.min_zoom: int = header["min_zoom"]
        self.max_zoom: int = header["max_zoom"]
        self.credits: Sequence[Credit] = read_credits(attribution or str(metadata.get("attribution") or ""))

    async def tile(self, z: int, x: int, y: int) -> Tile | None:
        """Return a tile, as ``Basemap`` says."""
        try:
            content = await run_in_threadpool(self._reader.get, z, x, y)
        except Exception as error:  # the reader raises any exception for a damaged file
            raise BasemapFailed(f"the base map cannot be read: {type(error).__name__}") from error
        if content is None:
            return None
        tile = as_tile(content) if len(content) <= MAX_TILE_BYTES else None
        if tile is None:
            raise BasemapFailed("the base map does not hold a picture there")
        return tile

    async def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _read(self, offset: int, length: int) -> bytes:
        if not 0 < length <= _MAX_DIRECTORY_BYTES:
            raise ValueError(f"a part of {length} bytes")
        content = os.pread(self._descriptor, length, offset)
        if len(content) < length and offset > 0:
            raise ValueError("the file ends early")
        return content


def _check(path: Path, header: dict[str, Any]) -> None:
    if header["tile_type"] not in _RASTER:
        raise InvalidInput(
            f"{path} holds tiles of the type {header['tile_type'].name}: the page shows raster tiles (PNG, JPEG, WebP "
            "or AVIF); convert vector tiles to pictures first"
        )
    if header["tile_compression"] not in (Compression.NONE, Compression.UNKNOWN):
        raise InvalidInput(f"{path} has its pictures compressed once more; write it with the tile compression none")
    if header["internal_compression"] != Compression.GZIP:
        raise InvalidInput(
            f"{path} has directories that are not compressed by gzip; write it with the internal compression gzip"
        )
