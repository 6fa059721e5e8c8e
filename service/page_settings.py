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
            "scope browse where there are keys; without keys auto lists them on a loopback address alone."
        ),
    )


def is_loopback(host: str) -> bool:
    """Return whether an address to listen on can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
