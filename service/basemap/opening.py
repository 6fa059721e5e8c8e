"""Open the base map that the settings name."""

from pathlib import Path

from model.errors import InvalidInput
from service.basemap.fetched_tiles import FetchedTiles
from service.basemap.pmtiles_file import PmtilesFile
from service.basemap.tile import Basemap

_SUFFIX = ".pmtiles"


def open_basemap(source: str | None, attribution: str | None, max_zoom: int, release: str) -> Basemap | None:
    """Open the base map; return None if the settings name none.

    Args:
        source: A file of raster tiles (``.pmtiles``), or an address of tiles with ``{z}``, ``{x}`` and ``{y}``.
        attribution: The names of the owners of the tiles.
        max_zoom: The finest zoom of tiles that are fetched.
        release: The release of this service.

    Raises:
        InvalidInput: The source is neither, or cannot be used.
    """
    if source is None:
        return None
    if "://" in source:
        return FetchedTiles(source, attribution, max_zoom, release)
    if not source.endswith(_SUFFIX):
        raise InvalidInput(
            f"the base map is {source!r}: name a file NAME{_SUFFIX} with raster tiles, or an address as "
            "https://tiles.example.org/{z}/{x}/{y}.png"
        )
    return PmtilesFile(Path(source), attribution)
