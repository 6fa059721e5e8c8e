"""The settings of what the page shows beside answers."""

import ipaddress
from typing import Literal

from pydantic import BaseModel, Field

Browse = Literal["auto", "on", "off"]


class PageSettings(BaseModel):
    """The part of the settings that says what of a map may be seen without asking."""

    browse: Browse = Field(
        default="auto",
        description=(
            "Whether all pictures of a map may be listed, and so be seen on the page; on and auto need a key with the "
            "scope browse where there are keys; without keys auto lists them where this machine alone reaches the "
            "service."
        ),
    )
    basemap: str | None = Field(
        default=None,
        description=(
            "Tiles below the map on the page: a file of raster tiles (.pmtiles), or an address of tiles, as "
            "https://tiles.example.org/{z}/{x}/{y}.png, which the server fetches and keeps in memory. By default none."
        ),
    )
    basemap_attribution: str | None = Field(
        default=None,
        description="Whose the tiles are, as text or HTML with links; needed with an address, else the file says it.",
    )
    basemap_max_zoom: int = Field(
        default=19, ge=0, le=24, description="The finest zoom of an address of tiles; a file says it itself."
    )


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine alone; one of IPv6 may stand in brackets."""
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return host == "localhost"
