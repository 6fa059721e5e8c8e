"""Define the settings of the page, beside answers."""

import ipaddress
from typing import Literal

from pydantic import BaseModel, Field

Browse = Literal["auto", "on", "off"]


class PageSettings(BaseModel):
    """Hold the settings of the page: which parts of a map it shows without a query."""

    browse: Browse = Field(
        default="auto",
        description=(
            "Whether all pictures of a map may be listed, and so be seen on the page; on and auto need a key with the "
            "scope browse if the service has keys; without keys auto lists them if only this machine reaches the "
            "service."
        ),
    )
    basemap: str | None = Field(
        default=None,
        description=(
            "Tiles below the map on the page: a file of raster tiles (.pmtiles), or an address of tiles, such as "
            "https://tiles.example.org/{z}/{x}/{y}.png, which the server fetches and keeps in memory. By default none."
        ),
    )
    basemap_attribution: str | None = Field(
        default=None,
        description="Owners of the tiles, as text or HTML with links; needed with an address; by default the file's.",
    )
    basemap_max_zoom: int = Field(
        default=19, ge=0, le=24, description="The finest zoom of an address of tiles; a file has its own."
    )


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine alone; an IPv6 address may have brackets."""
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return host == "localhost"
