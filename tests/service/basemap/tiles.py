"""Files of tiles to test with."""

import io
from pathlib import Path
from typing import Any

from PIL import Image
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer


def picture(colour: str = "navy", image_format: str = "PNG") -> bytes:
    """Draw a tile of one colour."""
    content = io.BytesIO()
    Image.new("RGB", (256, 256), colour).save(content, image_format)
    return content.getvalue()


def write_pmtiles(path: Path, tiles: dict[tuple[int, int, int], bytes], **header: Any) -> Path:
    """Write a file of PMTiles 3."""
    zooms = [z for z, _, _ in tiles]
    whole = {
        "tile_type": TileType.PNG,
        "tile_compression": Compression.NONE,
        "min_lon_e7": -1_800_000_000,
        "min_lat_e7": -850_000_000,
        "max_lon_e7": 1_800_000_000,
        "max_lat_e7": 850_000_000,
        "min_zoom": min(zooms),
        "max_zoom": max(zooms),
        "center_zoom": 0,
        "center_lon_e7": 0,
        "center_lat_e7": 0,
    }
    attribution = '© <a href="https://maps.example.org/about">Example &amp; Co</a> <script>x</script>'
    with path.open("wb") as file:
        writer = Writer(file)
        for place in sorted(tiles, key=lambda each: zxy_to_tileid(*each)):
            writer.write_tile(zxy_to_tileid(*place), tiles[place])
        writer.finalize(whole | header, {"attribution": attribution})
    return path
